"""`python -m study.status results/NAME`: how a study stands, read from its files alone."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from study.config.errors import StudyError, UsageError
from study.storage.folder import Folder
from study.storage.lock import Holder, is_alive, read_holder
from study.storage.records import Record, read_records
from study.storage.study_file import read_study
from study.storage.tables import read_tables

STATES = ("done", "begun", "waiting", "failed")


def main(argv: Sequence[str] | None = None) -> int:
    """Print the state of one study; exit status 0, 1 where there is none, 2 for bad usage."""
    parser = argparse.ArgumentParser(prog="study.status", description=__doc__)
    parser.add_argument("study", metavar="results/NAME", help="a study's folder, or its URI")
    location = parser.parse_args(argv).study
    try:
        show_status(Folder(location), Console(highlight=False, soft_wrap=True))
    except (StudyError, UsageError, OSError) as error:
        print(f"study.status: {error}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    return 0


def show_status(study: Folder, console: Console) -> None:
    """Print who works on a study, how many runs are in which state, and those that are not done.

    Raises:
        StudyError: there is no study at that place, or a file of it is damaged.
    """
    content = read_study(study)
    if not content:
        raise StudyError(f"no study at {study}: it has no study.yaml")
    holder, alive = read_holder(study), is_alive(study)
    states = _states(study, content["runs"])
    counts = Counter(state for state, _ in states.values())
    console.print(_driver(holder, alive), style="bold", markup=False)
    numbers = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
    console.print(f"{len(states)} runs: {numbers}")
    if rest := {run: said for run, (state, said) in states.items() if state in {"begun", "failed"}}:
        table = Table("run", "", box=None, show_header=False, padding=(0, 2, 0, 0))
        for run, said in rest.items():
            table.add_row(run, said)
        console.print(table)


def _driver(holder: Holder | None, alive: bool) -> str:
    if holder is None:
        return "no driver: it ended, or was stopped"
    ago = f"last heard {max(0.0, time.time() - holder.beat):.0f} s ago"
    if not alive:
        return f"dead: its driver was {holder}; {ago}; the same command goes on"
    return f"{'stopping' if holder.stopping else 'running'}: {holder}; {ago}"


def _states(study: Folder, asked: list[str]) -> dict[str, tuple[str, str]]:
    """Run id -> its state, and what to say of it; records first, for they are newer."""
    states = dict.fromkeys(asked, ("waiting", ""))
    rows = read_tables(study).get("trials")
    if rows is not None:
        known = rows[rows["run"].isin(asked)]
        for row in known.to_dict("records"):
            states[str(row["run"])] = (str(row["state"]), str(row["error"]))
    for run, record in read_records(study).items():
        states[run] = (record["state"], _said(record))
    return states


def _said(record: Record) -> str:
    if record["state"] == "failed":
        return f"failed: {record['error']}"
    where = f" on {record['node']} ({record['device']})" if record["node"] else ""
    return f"epoch {len(record['epochs'])} of {record['config']['epochs']}{where}"


if __name__ == "__main__":
    sys.exit(main())
