"""`study status`: how a study stands, read from its files alone."""

import time
from collections import Counter
from typing import TYPE_CHECKING

import click

from study.cli.options import CONTEXT, Command, new_console, study_argument
from study.config.errors import StudyError

if TYPE_CHECKING:
    from study.storage.folder import Folder

STATES = ("done", "begun", "waiting", "failed", "damaged")


@click.command("status", cls=Command, context_settings=CONTEXT)
@study_argument
def status(study: str) -> None:
    """Say how a study stands.

    Who works on it, and which of its runs are not done; read from its files alone.
    """
    from rich.table import Table

    from study.storage.folder import Folder
    from study.storage.study_file import read_study

    folder, console = Folder(study), new_console(wrap=True)
    content = read_study(folder)
    if not content:
        raise StudyError(f"no study at {study}: it has no study.yaml")
    states = _states(folder, content.get("runs", []))
    counts = Counter(state for state, _ in states.values())
    console.print(_driver(folder), style="bold", markup=False)
    numbers = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
    console.print(f"{len(states)} runs: {numbers}")
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for run, (state, detail) in states.items():
        if state in {"begun", "failed", "damaged"}:
            table.add_row(run, detail)
    if table.row_count:
        console.print(table)


def _driver(study: "Folder") -> str:
    from study.storage.lock import is_alive, read_holder

    holder, alive = read_holder(study), is_alive(study)
    if holder is None:
        return "no driver: it ended, or was stopped"
    ago = f"last heard {max(0.0, time.time() - holder.beat):.0f} s ago"
    if not alive:
        return f"dead: its driver was {holder}; {ago}; the same command goes on"
    return f"{'stopping' if holder.stopping else 'running'}: {holder}; {ago}"


def _states(study: "Folder", runs: list[str]) -> dict[str, tuple[str, str]]:
    """Run id -> its state, and what to say of it; records first, for they are newer."""
    from study.storage.records import read_records
    from study.storage.tables import read_tables

    states = dict.fromkeys(runs, ("waiting", ""))
    rows = read_tables(study).get("trials")
    if rows is not None:
        for row in rows[rows["run"].isin(runs)].to_dict("records"):
            states[str(row["run"])] = (str(row["state"]), str(row["error"]))
    records, damaged = read_records(study)
    for run, record in records.items():
        where = f" on {record['node']} ({record['device']})" if record["node"] else ""
        progress = f"epoch {len(record['epochs'])} of {record['config']['epochs']}{where}"
        failed = record["state"] == "failed"
        states[run] = (record["state"], f"failed: {record['error']}" if failed else progress)
    return states | {run: ("damaged", why) for run, why in damaged.items()}
