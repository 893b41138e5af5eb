"""`study data`: which data sets there are, where they are looked for, what would be fetched."""

from pathlib import Path

import click

from study.cli.options import CONTEXT, EXIT_FAILURE, Command, data_dir_option


@click.command("data", cls=Command, context_settings=CONTEXT)
@click.argument("name", required=False)
@data_dir_option
@click.option("--fetch", "wanted", is_flag=True, help="Fetch or draw what is missing.")
def data(name: str | None, data_dir: Path | None, wanted: bool) -> int:
    """Say which data sets are there, and fetch them.

    Where their files are looked for, which are there and verified, and where they come from; of all
    data sets without NAME.
    """
    from study.data.load import inspect_data, known_data, prepare_data
    from study.data.verified_files import data_dir as folder_of

    folder = folder_of(data_dir)
    names = known_data() if name is None else [name]
    print(f"data in {folder} (--data-dir, else $STUDY_DATA, else the user's cache folder)")
    states: dict[str, str] = {}
    for one in names:
        if wanted:
            prepare_data(one, folder)
        files, origin = inspect_data(one, folder)
        print(f"{one}: {origin}")
        for file, state in files.items():
            print(f"  {file}: {state}")
        states |= files
    if "missing" in states.values() and not wanted:
        print("study data NAME --fetch gets it now; a command that needs it does so by itself")
    return EXIT_FAILURE if "damaged" in states.values() else 0
