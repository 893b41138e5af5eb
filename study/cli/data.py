"""`study data`: where the data set is looked for, what is there, and what would be fetched."""

from pathlib import Path

import click

from study.cli.options import CONTEXT, EXIT_FAILURE, Command, data_dir_option


@click.command("data", cls=Command, context_settings=CONTEXT)
@data_dir_option
@click.option("--fetch", "wanted", is_flag=True, help="Fetch what is missing.")
def data(data_dir: Path | None, wanted: bool) -> int:
    """Say where the data is, and fetch it.

    Where its files are looked for, which are there and verified, and what would be fetched.
    """
    from study.data import mnist, mnist_sources

    folder = mnist.data_dir(data_dir)
    if wanted:
        mnist.fetch(folder)
    print(f"MNIST in {folder} (--data-dir, else $STUDY_DATA, else the user's cache folder)")
    states = mnist.inspect(folder)
    for name, state in states.items():
        print(f"  {name}: {state}")
    missing = [name for name, state in states.items() if state == "missing"]
    if missing:
        print(f"{len(missing)} files would be fetched from, in this order:")
        for source, _ in mnist_sources.SOURCES:
            print(f"  {source}")
        print("study data --fetch does so now; a command that needs them does so by itself")
    return 0 if set(states.values()) == {"verified"} else EXIT_FAILURE
