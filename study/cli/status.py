"""`study status`: how a study stands, read from its files alone."""

import time
from collections import Counter
from typing import TYPE_CHECKING

import click

from study.cli.options import CONTEXT, Command, new_console, study_argument
from study.config.errors import StudyError

if TYPE_CHECKING:
    from study.storage.folder import Folder
    from study.storage.lock import Holder
    from study.storage.progress import Progress

STATES = ("done", "running", "stopped", "waiting", "failed", "damaged")


@click.command("status", cls=Command, context_settings=CONTEXT)
@study_argument
def status(study: str) -> None:
    """Show the state of a study.

    Says which process works on it and which of its runs are not finished. Reads only its files.
    """
    from rich.table import Table

    from study.storage.folder import Folder
    from study.storage.lock import is_alive, read_holder
    from study.storage.progress import read_progress
    from study.storage.study_file import read_study

    folder, console = Folder(study), new_console(wrap=True)
    content = read_study(folder)
    if not content:
        raise StudyError(f"no study at {study}: it has no study.yaml")
    holder, alive = read_holder(folder), is_alive(folder)
    progress = read_progress(folder)
    dead = (holder.host, holder.pid) if holder and not alive else None
    if progress and (progress.host, progress.pid) == dead:
        progress = None  # of a driver that died on another machine just now
    states = _states(folder, content.get("runs", []), progress)
    counts = Counter(state for state, _ in states.values())
    console.print(_driver(holder, alive, progress), style="bold", markup=False)
    if progress:
        console.print(_stage(progress))
    numbers = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
    console.print(f"{len(states)} runs: {numbers}")
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(overflow="fold")  # a run's id stays whole
    table.add_column()
    for run, (state, detail) in states.items():
        if state in {"running", "stopped", "failed", "damaged"}:
            table.add_row(run, detail)
    if table.row_count:
        console.print(table)


def _driver(holder: "Holder | None", alive: bool, progress: "Progress | None") -> str:
    if holder is None and progress:  # it scores, or draws
        return f"running: process {progress.pid} on {progress.host}"
    if holder is None:
        return "no driver: it has ended or was stopped"
    ago = f"last sign of life {max(0.0, time.time() - holder.beat):.0f} s ago"
    if not alive:
        return f"dead: its driver was {holder}; {ago}; repeat the same command to continue"
    return f"{'stopping' if holder.stopping else 'running'}: {holder}; {ago}"


def _stage(progress: "Progress") -> str:
    """The stage that a command is in, and when that ends."""
    from study.execution.stages import duration
    from study.storage.progress import TRAINING

    now = time.time()
    text = f"{progress.stage} for {duration(now - progress.began)}"
    if progress.seconds_left is None:
        return f"{text}; time left not known yet"
    left = max(0.0, progress.seconds_left - (now - progress.beat))
    end = time.strftime("%H:%M" if left < 12 * 3600 else "%d %b, %H:%M", time.localtime(now + left))
    more = "; scores and figures follow" if progress.stage in TRAINING else ""
    return f"{text}; ends in about {duration(left)}, at {end}{more}"


def _states(
    study: "Folder", runs: list[str], progress: "Progress | None"
) -> dict[str, tuple[str, str]]:
    """Run id -> its state, and what to say of it; records first, for they are newer."""
    from study.storage.progress import state_now
    from study.storage.records import read_records
    from study.storage.tables import read_tables

    states = dict.fromkeys(runs, ("waiting", ""))
    rows = read_tables(study).get("trials")
    if rows is not None:
        for row in rows[rows["run"].isin(runs)].to_dict("records"):
            told = row["error"] if row["state"] == "failed" else f"epoch {row['epochs']}"
            states[str(row["run"])] = (str(row["state"]), str(told))
    records, damaged = read_records(study)
    for run, record in records.items():
        where = f" on {record['node']} ({record['device']})" if record["node"] else ""
        latest = progress.running.get(run, []) if progress else []
        epoch = max([len(record["epochs"]), *(int(one["epoch"]) for one in latest)])
        progressed = f"epoch {epoch} of {record['config']['epochs']}{where}"
        failed = record["state"] == "failed"
        states[run] = (record["state"], f"failed: {record['error']}" if failed else progressed)
    states |= {run: ("damaged", why) for run, why in damaged.items()}
    return {run: (state_now(run, state, progress), what) for run, (state, what) in states.items()}
