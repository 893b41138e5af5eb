"""What a person sees while a study runs: one live display, plain lines where no terminal is.

rich draws it. Its own Progress knows tasks that advance; not runs that go on from a checkpoint,
wait again after a lost worker or fail, nor plain lines for a log file.
"""

import threading
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd
from rich.console import RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Column, Table
from rich.text import Text

from study.config.run import AXES, RunConfig
from study.execution.stages import PLAIN_EVERY_S, Look, Stages, duration
from study.storage.axes import axis_in_words, varied
from study.storage.progress import best_runs
from study.storage.records import Record

SHOWN_FAILURES, SHOWN_RUNS, SHOWN_BEST = 5, 12, 3
EARLY = 0.1  # of all epochs; before, while runs compile, the time passed tells nothing of the pace


class Display:
    """Counts what launch tells it; the stages of the command show how it looks.

    Args:
        stages: of the command.
        todo: runs to train.
        before: records of the study's runs, of which those that are done count.
        n_done: how many of the runs that are asked for are done.
    """

    def __init__(
        self, stages: Stages, todo: list[RunConfig], n_done: int, before: Mapping[str, Record]
    ) -> None:
        self._console = stages.console
        self._runs = {run.run_id: run for run in todo}
        self._total, self._done = len(todo) + n_done, n_done
        self._running: dict[str, Running] = {}
        self._first: dict[str, int] = {}
        self._ended: set[str] = set()
        self._trained = self._later = self._epochs_later = 0
        self._failures: list[str] = []
        self._bounds = {
            run: _bound(record["config"], record["epochs"][-1])
            for run, record in before.items()
            if record["epochs"]
        }
        self._start = self._last_line = time.monotonic()
        self._on_screen = self._console.is_terminal or self._console.is_jupyter
        self._notice = ""
        self._changing = threading.Lock()  # the bar is drawn, and written, by other threads

    def expect(self, run: RunConfig, later: int) -> None:
        """One more run to train, and so many runs alike that are to come."""
        with self._changing:
            self._runs[run.run_id] = run
        self._total += 1 + later - self._later
        self._later, self._epochs_later = later, later * run.epochs

    def started(self, run: str) -> None:
        """A worker has taken a run."""
        with self._changing:
            self._running[run] = Running(0, None, time.monotonic())

    def phase(self, run: str, name: str) -> None:
        """What a run does besides epochs: `compiling`, or `training` again."""
        with self._changing:
            seen = self._running.get(run, Running(0, None, 0.0))
            self._running[run] = seen._replace(phase=name, at=time.monotonic())

    def epoch(self, run: str, epoch: int, objective: float, figures: dict[str, Any]) -> None:
        """A run has finished an epoch; objective in nats per image on the test set."""
        first = self._first.setdefault(run, epoch - 1)
        with self._changing:
            seen = self._running.get(run, Running(first, None, time.monotonic()))
            self._trained += max(0, epoch - max(first, seen.epoch))
            latest = [*seen.latest, figures][-self._runs[run].checkpoint_every :]
            now = time.monotonic()
            self._running[run] = Running(epoch, objective, now, now - seen.at, latest)
            self._bounds[run] = _bound(self._runs[run].model_dump(), figures)
        if not self._on_screen and time.monotonic() - self._last_line > PLAIN_EVERY_S:
            self._line(f"{self._summary()}; {run}: epoch {epoch}, objective {objective:.2f}")

    def warning(self, run: str, text: str) -> None:
        """Something a person should know that did not stop a run."""
        self._console.print(f"{run}: {text}", soft_wrap=True, markup=False)

    def retrying(self, run: str, reason: str) -> None:
        """A run lost its worker, or failed in a way that may pass, and waits for another."""
        with self._changing:
            self._running.pop(run, None)
        self.warning(run, f"{reason}; it continues from its last checkpoint")

    def stopping(self, running: int) -> None:
        """The user asks to stop."""
        self._notice = f"stopping: {running} runs save their epoch; Ctrl-C again stops immediately"
        self._line(self._notice)

    def finished(self, run: str, error: str | None, how: str) -> None:
        """A run is done, or has failed for good; `how` it ended well."""
        with self._changing:
            seen = self._running.pop(run, Running(0, None, 0.0))
            self._ended.add(run)
        if error:
            self._failures.append(f"{run}: {error}")
            self._line(f"{run} failed: {error}")
            return
        self._done += 1
        cost = ""
        if seen.objective is not None:
            cost = f" after epoch {seen.epoch}: objective {seen.objective:.2f}"
        self._line(f"{run} {how}{cost} ({self._done} of {self._total})")

    def look(self) -> Look:
        """How training stands; within an epoch as at the pace of the run's last one."""
        with self._changing:
            running, runs = dict(self._running), dict(self._runs)
        done, now = float(self._trained), time.monotonic()
        done += sum(seen.share(now) for seen in running.values())
        left = sum(
            run.epochs - (running[name].epoch if name in running else 0)
            for name, run in runs.items()
            if name not in self._ended
        )
        total = self._trained + left + self._epochs_later
        compiles = any(seen.phase == "compiling" for seen in running.values())
        early = not self._trained or (compiles and done < EARLY * total)
        seconds = None if early else (total - done) * (now - self._start) / done
        stage = "training" if self._trained or self._ended else "compiling" if compiles else ""
        stage = stage or ("training" if running else "start-up")  # of workers
        latest = {name: seen.latest for name, seen in running.items()}
        return Look(stage, done, total, seconds, latest, self._below(running))

    def _line(self, text: str) -> None:
        if not self._on_screen:
            self._console.print(text, soft_wrap=True, markup=False)
            self._last_line = time.monotonic()

    def _counts(self) -> str:
        waiting = len(self._runs) - len(self._ended) - len(self._running)
        failed = f", {len(self._failures)} failed" if self._failures else ""
        return (
            f"{self._done} of {self._total} runs done{failed}, {len(self._running)} running,"
            f" {waiting} waiting"
        )

    def _summary(self) -> str:
        left = self.look().left
        return f"{self._counts()}; time left {'not known yet' if left is None else duration(left)}"

    def _below(self, running: Mapping[str, "Running"]) -> list[RenderableType]:
        if not self._on_screen:
            return []
        now = time.monotonic()
        table = figure_table(["run", ""], ["epoch", "objective (nats)"] if running else ["", ""])
        for run, seen in sorted(running.items())[:SHOWN_RUNS]:
            epochs = self._runs[run].epochs
            table.add_row(
                run,
                ProgressBar(total=epochs, completed=seen.epoch + seen.share(now), width=24),
                seen.phase if seen.phase == "compiling" else f"{seen.epoch}/{epochs}",
                "" if seen.objective is None else f"{seen.objective:.2f}",
            )
        more = len(running) - SHOWN_RUNS
        lines = [Text(f"and {more} more")] if more > 0 else []
        best = best_runs((run, *bound) for run, bound in list(self._bounds.items()))
        for one in best[:SHOWN_BEST]:
            among = f", {one.among}" if one.among else ""
            lines.append(Text(f"lowest negative ELBO{among}: {one.neg_elbo:.2f} nats, {one.run}"))
        lines += [Text(f"failed: {text}", "red") for text in self._failures[-SHOWN_FAILURES:]]
        lines += [Text(self._notice, "yellow")] if self._notice else []
        return [Text(self._counts()), table, *lines]


class Running(NamedTuple):
    """A run in training."""

    epoch: int
    objective: float | None
    at: float  # when this was so; monotonic clock, as are all times here
    pace: float | None = None  # seconds of its last epoch
    latest: list[dict[str, Any]] = []  # noqa: RUF012  epochs that its record may not have
    phase: str = "training"

    def share(self, now: float) -> float:
        """How much of the present epoch is done, at the pace of the last one."""
        return min(0.95, (now - self.at) / self.pace) if self.pace else 0.0


def _bound(config: Mapping[str, Any], epoch: Mapping[str, Any]) -> tuple[str, str, float]:
    """Data set, conditioning and negative ELBO of an epoch of a run."""
    neg_elbo = epoch["test_recon"] + epoch["test_kl"]
    return config.get("data", "mnist"), config["conditioning"], neg_elbo


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
