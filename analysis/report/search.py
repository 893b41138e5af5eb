"""What stands at the end of a search: its tables, figures and words, and its front as a grid."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from analysis.figures.search import save_search
from analysis.scoring.held_out import write_front
from analysis.statistics.front import as_grid, what_to_use
from analysis.study import Study, open_folder
from study.config.errors import StudyError


def present(location: str, data_folder: Path | None, console: Console) -> int:
    """Write the results of a search to its folder, and print what to use.

    Returns:
        How many configurations it recommends; 0 where no trial is complete.

    Raises:
        StudyError: the folder holds no search, or the test set is not to be had.
    """
    study = Study(open_folder(location))
    write_front(study, data_folder)
    drawn = save_search(study)
    words = what_to_use(study)
    study.folder.write("what-to-use.txt", f"{words}\n".encode())
    console.print(words, soft_wrap=True, markup=False)
    written = f"{drawn} figures of the search, and its front as a table, are in {study.folder}"
    console.print(written, soft_wrap=True)
    return len(study.front)


def export(location: str, target: Path, seeds: Sequence[int], console: Console) -> None:
    """Write the front of a search as a grid, and print the command that trains it.

    Raises:
        StudyError: there is no front, or the file cannot be written.
    """
    grid = as_grid(Study(open_folder(location)), seeds)
    try:
        target.expanduser().write_text(grid)
    except OSError as error:
        raise StudyError(f"cannot write {target}: {error}") from None
    console.print(f"study run --grid {target}", soft_wrap=True, markup=False)
