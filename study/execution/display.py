"""What a person sees while a study runs: one live display, plain lines where no terminal is.

rich draws it. Its own Progress knows tasks that advance; not runs that go on from a checkpoint,
wait again after a lost worker or fail, nor plain lines for a log file.
"""

import time
from collections.abc import Mapping
from typing import Any

import pandas as pd
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Column, Table
from rich.text import Text

from study.config.run import AXES, RunConfig
from study.storage.axes import axis_in_words, varied

PLAIN_EVERY_S = 30.0
SHOWN_FAILURES = 5


class Display:
    """Counts what launch tells it and shows it; use it as a context."""

    def __init__(self, console: Console, todo: list[RunConfig], finished_before: int) -> None:
        self._console = console
        self._epochs = {run.run_id: run.epochs for run in todo}
        self._total, self._done = len(todo) + finished_before, finished_before
        self._running: dict[str, tuple[int, float | None]] = {}
        self._first: dict[str, int] = {}
        self._ended: set[str] = set()
        self._trained = self._later = self._epochs_later = 0
        self._failures: list[str] = []
        self._start = self._last_line = time.monotonic()
        self._live: Live | None = None
        self._notice = ""

    def __enter__(self) -> "Display":
        if self._console.is_terminal or self._console.is_jupyter:
            self._live = Live(console=self._console, get_renderable=self._render, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def expect(self, run: RunConfig, later: int) -> None:
        """One more run to train, and so many runs alike that are to come."""
        self._epochs[run.run_id] = run.epochs
        self._total += 1 + later - self._later
        self._later, self._epochs_later = later, later * run.epochs

    def started(self, run: str) -> None:
        """A worker has taken a run."""
        self._running[run] = (0, None)

    def epoch(self, run: str, epoch: int, objective: float) -> None:
        """A run has finished an epoch; objective in nats per image on the test set."""
        first = self._first.setdefault(run, epoch - 1)
        last, _ = self._running.get(run, (first, None))
        self._trained += max(0, epoch - max(first, last))
        self._running[run] = (epoch, objective)
        if not self._live and time.monotonic() - self._last_line > PLAIN_EVERY_S:
            self._line(f"{self._summary()}; {run}: epoch {epoch}, objective {objective:.2f}")

    def warning(self, run: str, text: str) -> None:
        """Something a person should know that did not stop a run."""
        self._console.print(f"{run}: {text}", soft_wrap=True, markup=False)

    def retrying(self, run: str, reason: str) -> None:
        """A run lost its worker, or failed in a way that may pass, and waits for another."""
        self._running.pop(run, None)
        self.warning(run, f"{reason}; it goes on from its last checkpoint")

    def stopping(self, running: int) -> None:
        """The user asks to stop."""
        self._notice = f"stopping: {running} runs save their present epoch; again to stop at once"
        self._line(self._notice)

    def finished(self, run: str, error: str | None, how: str) -> None:
        """A run is done, or has failed for good; `how` it ended well."""
        epoch, objective = self._running.pop(run, (0, None))
        self._ended.add(run)
        if error:
            self._failures.append(f"{run}: {error}")
            self._line(f"{run} failed: {error}")
            return
        self._done += 1
        cost = "" if objective is None else f" after epoch {epoch}: objective {objective:.2f}"
        self._line(f"{run} {how}{cost} ({self._done} of {self._total})")

    def seconds_left(self) -> float | None:
        """Time left at the pace so far; None before the first epoch."""
        if not self._trained:
            return None
        left = sum(
            epochs - self._running.get(run, (0, None))[0]
            for run, epochs in self._epochs.items()
            if run not in self._ended
        )
        return (left + self._epochs_later) * (time.monotonic() - self._start) / self._trained

    def _line(self, text: str) -> None:
        if not self._live:
            self._console.print(text, soft_wrap=True, markup=False)
            self._last_line = time.monotonic()

    def _summary(self) -> str:
        waiting = len(self._epochs) - len(self._ended) - len(self._running)
        failed = f", {len(self._failures)} failed" if self._failures else ""
        left = self.seconds_left()
        return (
            f"{self._done} of {self._total} runs done{failed}, {len(self._running)} running,"
            f" {waiting} waiting; time left {'unknown yet' if left is None else duration(left)}"
        )

    def _render(self) -> RenderableType:
        table = figure_table(["run", ""], ["epoch", "objective (nats)"])
        for run, (epoch, objective) in sorted(self._running.items()):
            epochs = self._epochs[run]
            table.add_row(
                run,
                ProgressBar(total=epochs, completed=epoch, width=24),
                f"{epoch}/{epochs}",
                "" if objective is None else f"{objective:.2f}",
            )
        failures = [Text(f"failed: {text}", "red") for text in self._failures[-SHOWN_FAILURES:]]
        notice = [Text(self._notice, "yellow")] if self._notice else []
        return Group(Text(self._summary(), "bold"), table, *failures, *notice)


def trials_table(trials: pd.DataFrame) -> Table:
    """A row a run: its configuration and test figures, in nats per image.

    Costs of several objectives cannot be compared, and have no column.
    """
    others = varied(trials)
    own = [] if "objective_kind" in others else ["objective"]
    nats, shares = ["recon", "kl", *own, "neg_elbo"], ["kl_fraction"] if own else []
    headings = [*axis_headings(), *map(axis_in_words, others), "epochs", *nats]
    table = figure_table([], [*headings, *shares, "active latents"])
    for row in trials.to_dict("records"):
        state = "" if row["state"] == "done" else f" ({row['state']})"
        more = ["" if pd.isna(row[name]) else str(row[name]) for name in others]
        cells = [*axis_cells(row), *more, f"{row['epochs']}{state}"]
        if row["epochs"] == 0:
            error = row["error"]  # NaN where there is none
            cells += [error if isinstance(error, str) else row["state"]]
        else:
            cells += [f"{row[name]:.2f}" for name in nats]
            cells += [f"{row[name]:.3f}" for name in shares] + [str(row["active_latents"])]
        table.add_row(*cells)
    return table


def figure_table(words: list[str], figures: list[str]) -> Table:
    """An empty table: columns of words, then, flush right, of figures.

    Words are folded, not cut: what tells two runs apart may stand last in their ids.
    """
    left = [Column(heading, overflow="fold") for heading in words]
    right = [Column(heading, justify="right") for heading in figures]
    return Table(*left, *right, box=None, padding=(0, 2, 0, 0))


def axis_headings() -> list[str]:
    """The axes of a study as headings of a table."""
    return ["J" if axis == "latent_dim" else axis for axis in AXES]


def axis_cells(values: Mapping[Any, Any]) -> list[str]:
    """The cells under `axis_headings` from a configuration, or a row that has its axes."""
    axes = [values[axis] for axis in AXES]
    return [f"{value:g}" if isinstance(value, float) else str(value) for value in axes]


def duration(seconds: float) -> str:
    """`2 h 05 min`, `12 min` or `40 s`."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 90 else f"{minutes} min"
