"""`study data`: which data sets there are, where they are looked for, what would be fetched."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from study.cli.options import CONTEXT, EXIT_FAILURE, Command, data_dir_option, new_console

if TYPE_CHECKING:
    from study.data.download import Progress


@click.command("data", cls=Command, context_settings=CONTEXT)
@click.argument("name", required=False)
@data_dir_option
@click.option(
    "--fetch", "wanted", is_flag=True, help="Download or generate the missing files of NAME."
)
def data(name: str | None, data_dir: Path | None, wanted: bool) -> int:
    """List the data sets, and fetch them.

    For each one: the folder of its files, which of the files are there and verified, and where they
    come from. Without NAME, lists all data sets.
    """
    from study.data.load import inspect_data, known_data
    from study.data.verified_files import data_dir as folder_of

    folder = folder_of(data_dir)
    if wanted and name is None:
        raise click.UsageError(f"--fetch takes a NAME: {', '.join(known_data())}")
    if wanted and name:
        _fetch(name, folder)
    print(f"data in {folder} (--data-dir, else $STUDY_DATA, else the user's cache folder)")
    states: list[str] = []
    for one in known_data() if name is None else [name]:
        place, files, origin = inspect_data(one, folder)
        print(f"{one}: {origin}\n  in {place}")
        for file, state in files.items():
            print(f"  {file}: {state}")
        states += files.values()
    if any(state.startswith("missing") for state in states) and not wanted:
        print("study data NAME --fetch gets the files; a command that needs them also does")
    return EXIT_FAILURE if "damaged" in states else 0


def _fetch(name: str, folder: Path) -> None:
    from rich.progress import DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from study.data.load import prepare_data

    columns = TextColumn("{task.description}"), DownloadColumn(), TimeRemainingColumn()
    with Progress(*columns, console=new_console()) as bars:
        prepare_data(name, folder, _shown_by(bars))


def _shown_by(bars: Any) -> "Progress":
    tasks: dict[str, Any] = {}

    def progress(file: str, here: int, whole: int | None) -> None:
        if file not in tasks:
            tasks[file] = bars.add_task(file, total=whole)
        bars.update(tasks[file], completed=here, total=whole)

    return progress
