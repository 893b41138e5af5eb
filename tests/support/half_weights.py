"""Round the weights of a study's runs to half precision, as `results/paper` has them in git.

Use it before `study score`, so that the scores are those of the rounded weights:

    python tests/support/half_weights.py results/paper J10-beta1-none-seed0 ...
"""

import hashlib
import io
import sys
import zipfile

import torch

from study.storage.folder import Folder
from study.storage.records import (
    WEIGHTS,
    load_weights,
    read_record,
    read_weights,
    runs_folder,
    write_record,
)

SAME_TIME = (1980, 1, 1, 0, 0, 0)  # the same weights give the same file


def halve(run):
    """Replace the weights of a run, and their checksum in its record."""
    record = read_record(run)
    weights = load_weights(read_weights(run, record), f"{run}/{WEIGHTS}")
    stored, deflated = io.BytesIO(), io.BytesIO()
    torch.save({name: value.half() for name, value in weights.items()}, stored)
    with (
        zipfile.ZipFile(stored) as source,
        zipfile.ZipFile(deflated, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target,
    ):
        for part in source.infolist():
            content = source.read(part)
            info = zipfile.ZipInfo(part.filename, SAME_TIME)
            target.writestr(info, content, zipfile.ZIP_DEFLATED, compresslevel=9)
    run.write(WEIGHTS, deflated.getvalue())
    record["weights"] = hashlib.sha256(deflated.getvalue()).hexdigest()
    write_record(run, record)


if __name__ == "__main__":
    study = Folder(sys.argv[1])
    for name in sys.argv[2:]:
        halve(runs_folder(study) / name)
