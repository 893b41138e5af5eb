"""The stage that a command is in: a bar with its times on a terminal, progress.json for others.

rich draws the bar. Its own Progress cannot say more of a stage than one line a task, and here the
runs in training stand below it.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from study.config.errors import StudyError
from study.storage.folder import Folder
from study.storage.progress import EVERY_S, Progress, end_progress, write_progress
from study.storage.study_file import STUDY

log = logging.getLogger(__name__)

PLAIN_EVERY_S = 30.0
IN_SECONDS = {"start-up": 15.0, "compiling": 25.0}  # what these stages count: their usual length
BAR = 30  # columns


class Look(NamedTuple):
    """How a stage stands."""

    stage: str
    done: float = 0.0
    total: float = 0.0  # 0: not known
    left: float | None = None  # seconds
    running: dict[str, list[dict[str, Any]]] = {}  # noqa: RUF012  as in Progress
    below: list[RenderableType] = []  # noqa: RUF012  lines under the bar


class Stages:
    """Shows the stage of a command, and writes it to the study's folder; use it as a context."""

    def __init__(self, console: Console, study: Folder) -> None:
        self.console, self._study = console, study
        self._stage, self._done, self._total = "", 0.0, 0.0
        self._began = self._moved = self._printed = time.time()
        self._followed: Callable[[], Look] | None = None
        self._begun = False  # whether the study has a folder to write to
        self._end = threading.Event()
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._live: Live | None = None
        if console.is_terminal or console.is_jupyter:
            self._live = Live(
                console=console, get_renderable=self.render, transient=True, refresh_per_second=2
            )

    def __enter__(self) -> "Stages":
        self._writer.start()
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()
        self._end.set()
        self._writer.join()
        if self._begun:
            end_progress(self._study)

    def __call__(self, stage: str, done: float = 0.0, total: float = 0.0) -> None:
        """A stage has come so far: of `total` steps, or of the seconds that it usually takes."""
        now = time.time()
        if stage != self._stage:
            self._stage, self._began, self._printed = stage, now, now
        self._done, self._total, self._moved = done, total or IN_SECONDS.get(stage, 0.0), now
        if not self._live and total and now - self._printed > PLAIN_EVERY_S:
            self._printed = now
            self.console.print(f"{stage}: {done:g} of {total:g}{_left(self._left())}")

    @contextmanager
    def following(self, look: Callable[[], Look]) -> Iterator[None]:
        """Until the context ends, `look` says how things stand."""
        self._followed = look
        try:
            yield
        finally:
            self._followed = None

    def look(self) -> Look:
        """How the present stage stands."""
        look = self._followed
        seen = look() if look else Look(self._stage, self._done, self._total)
        if seen.stage != self._stage:
            self(seen.stage)
        if self._stage in IN_SECONDS:
            done = min(self._done + time.time() - self._moved, 0.95 * self._total)
            seen = seen._replace(done=done, total=self._total)
        return seen if seen.left is not None else seen._replace(left=self._left())

    def _left(self) -> float | None:
        """Seconds left of a stage at its pace so far; None where it is not known."""
        passed = time.time() - self._moved
        if self._stage in IN_SECONDS:
            left = self._total - self._done - passed
        elif self._done:
            pace = (self._moved - self._began) / self._done
            left = pace * (self._total - self._done) - passed
        else:
            return None
        return left if left > 0 else None  # later than it usually is: nobody knows

    def _write(self) -> None:
        while not self._end.wait(EVERY_S):
            try:
                self._begun = self._begun or self._study.exists(STUDY)
                if self._begun and self._stage:
                    stage, done, total, left, running, _ = self.look()
                    began = self._began
                    write_progress(self._study, Progress(stage, done, total, left, began, running))
            except (OSError, StudyError) as error:  # a store that is away for a moment
                log.debug("cannot write the study's progress: %s", error)

    def render(self) -> RenderableType:
        """What a terminal shows: the bar with its times, and what stands below it."""
        look, now = self.look(), time.time()
        if not look.stage:
            return Text()
        line = Table.grid(padding=(0, 2, 0, 0))
        total = look.total or None  # without one the bar pulses
        bar = ProgressBar(total=total, completed=look.done, width=BAR, pulse=total is None)
        counted = look.total and look.stage not in IN_SECONDS
        count = f"{look.done:.0f} of {look.total:.0f}" if counted else ""
        times = f"{duration(now - self._began)}{_left(look.left)}"
        line.add_row(Text(look.stage, "bold"), bar, count, times)
        return Group(line, *look.below)


def duration(seconds: float) -> str:
    """`2 h 05 min`, `12 min` or `40 s`."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 90 else f"{minutes} min"


def _left(seconds: float | None) -> str:
    return "" if seconds is None else f", about {duration(seconds)} left"
