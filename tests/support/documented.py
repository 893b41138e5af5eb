"""README and docs: their pages, the code on them, and the studies that the code opens."""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pages import write_alignment, write_scores
from studies import train_here, write_rows

from analysis.study import Study
from study.config.run import RunConfig
from study.storage.folder import Folder
from study.storage.records import read_record, runs_folder, write_record
from study.storage.tables import write_table

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NUMBERED = (f"{kind}-{n}" for kind in ("grid", "search") for n in (0, 1, 2))
STUDIES = ("quick", "paper", "discs", *NUMBERED)
SHAPES = [(beta, label, seed) for beta in (1, 10) for label in ("none", "label") for seed in (0, 1)]


class Block(NamedTuple):
    """A fenced block of a page."""

    page: Path
    line: int  # of its fence, counted from 1
    language: str
    text: str


def blocks(page: Path, language: str) -> list[Block]:
    """The fenced blocks of a page in one language, in order."""
    text = page.read_text()
    fences = re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    every = [Block(page, text[: f.start()].count("\n") + 1, f[1], f[2]) for f in fences]
    return [block for block in every if block.language == language]


def name_of(page: Path) -> str:
    """A page as tests call it."""
    return str(page.relative_to(ROOT))


def study_of_the_pages(place: Path, mnist) -> Study:
    """J = 10, beta 1 and 10, with and without labels, two seeds: really trained, on few images.

    The runs bear the names that the same runs of the paper's size would have.
    """
    configs = [
        RunConfig(
            **{"beta": beta, "conditioning": label, "seed": seed},
            **{"train_images": 1000, "epochs": 2},
        )
        for beta, label, seed in SHAPES
    ]
    folder = Folder(place)
    train_here(folder, configs, mnist)
    for config in configs:
        run = runs_folder(folder) / config.run_id
        whole = config.model_copy(update={"train_images": RunConfig().train_images})
        record = {**read_record(run), "config": whole.model_dump()}
        Path(run.location).rename(place / "runs" / whole.run_id)
        write_record(runs_folder(folder) / whole.run_id, record)
    for table in place.glob("*.*"):
        table.unlink()
    write_rows(folder)
    study = Study(folder)
    runs = sorted(study.trials["run"])
    write_scores(study, dict(zip(runs, np.linspace(0.6, 0.9, len(runs)), strict=True)))
    write_alignment(study, runs[0])
    found = study.trials[["run", "neg_elbo", "latent_dim", "beta", "conditioning"]]
    trials = found.assign(trial=range(len(found)), state="complete", mig=np.linspace(0, 0.1, 8))
    write_table(folder, "search", trials, None)
    for run in runs:
        assert read_record(runs_folder(folder) / run)
    return study
