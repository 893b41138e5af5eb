"""Every file of a study verified; those that are damaged set aside, so that they are made anew."""

from collections.abc import Callable
from functools import partial

from study.config.errors import StudyError
from study.storage import checkpoint
from study.storage.folder import DAMAGED, Folder
from study.storage.records import (
    RECORD,
    WEIGHTS,
    load_weights,
    read_record,
    read_weights,
    runs_folder,
)
from study.storage.study_file import STUDY, read_study
from study.storage.tables import read_table


def repair(study: Folder, say: Callable[[str], None]) -> None:
    """Set aside what is damaged: `NAME` becomes `NAME.damaged`, and the study lacks it.

    A run whose record or weights are set aside is to be trained again, from its last checkpoint.

    Args:
        study: its folder, in use by no driver.
        say: gets a line for each file.

    Raises:
        OSError: a file cannot be read or renamed.
    """

    def check(folder: Folder, name: str, read: Callable[[], object]) -> bool:
        try:
            if folder.exists(name):
                read()
        except StudyError as error:
            folder.set_aside(name)
            say(f"{str(error).partition('; ')[0]}; it is now {name}{DAMAGED}")
            return False
        return True

    check(study, STUDY, partial(read_study, study))
    for folder in (study, study / "tables"):
        for file in folder.names():
            table, _, kind = file.rpartition(".")
            if kind == "parquet":
                check(folder, file, partial(read_table, folder, table))
    runs = runs_folder(study)
    for run in (runs / name for name in runs.folders()):
        for epoch in checkpoint.epochs(run):
            name = checkpoint.file_name(epoch)
            check(run, name, partial(checkpoint.load, run, epoch, checkpoint.CPU))
        if not check(run, RECORD, partial(read_record, run)):
            continue
        record = read_record(run)
        if record and record["state"] == "done" and not check(run, WEIGHTS, partial(_load, run)):
            run.set_aside(RECORD)


def _load(run: Folder) -> None:
    if record := read_record(run):
        load_weights(read_weights(run, record), f"{run}/{WEIGHTS}")
