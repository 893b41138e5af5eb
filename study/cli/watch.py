"""`study watch`: a live page of a study, in the browser."""

import os
import sys
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from study.cli.options import CONTEXT, Command, study_argument
from study.config.errors import StudyError, UsageError

if TYPE_CHECKING:
    from study.storage.folder import Folder

PORT = 8686


@click.command("watch", cls=Command, context_settings=CONTEXT)
@study_argument
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=PORT,
    metavar="N",
    help=f"Port on this machine (default: {PORT}); if it is in use, the system chooses another.",
)
def watch(study: str, port: int) -> None:
    """Open a live page of a study.

    It shows learning curves, a table of the runs, the time left, failures and figures. It reads
    only the results folder, also on s3://. So it works on any machine that can read the folder,
    during the study and afterwards. Ctrl-C ends it.
    """
    from study.storage.folder import Folder
    from study.storage.study_file import STUDY

    folder = Folder(study)
    if not (folder.exists(STUDY) or folder.exists("trials.parquet")):
        raise StudyError(f"no study at {study}: it has no {STUDY}")
    with page(folder, port) as url:
        click.echo(f"{study} is shown at {url}; Ctrl-C ends it")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            click.echo("the page is closed")


@contextmanager
def page(study: "Folder", port: int = PORT) -> Iterator[str]:
    """Serves the live page of a study and opens it in a browser, where this machine shows one.

    Raises:
        UsageError: the server's library is not installed.
    """
    try:
        from analysis.report.watch.server import served
    except ModuleNotFoundError as error:
        if error.name not in {"starlette", "uvicorn"}:
            raise
        raise UsageError(
            f"the live page needs {error.name}: python -m pip install 'vae-study[watch]'"
        ) from None
    with served(study, port) as url:
        if _has_screen():
            webbrowser.open(url)
        yield url


def _has_screen() -> bool:
    """Whether a browser can open a window: never one that takes this terminal."""
    screens = {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys()
    return sys.stdout.isatty() and (sys.platform in {"darwin", "win32"} or bool(screens))
