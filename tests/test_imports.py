"""The direction of design: a file imports only from files above it; analysis only reads."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STUDY = [
    "config",
    "signals",
    "storage",
    "lock",
    "grid",
    "space",
    "data",
    "objective",
    "vae",
    "engine",
    "machine",
    "compiled",
    "choice",
    "checkpoint",
    "train",
    "pack",
    "estimate",
    "results",
    "database",
    "proposals",
    "status",
    "trainable",
    "display",
    "baselines",
    "bench",
    "events",
    "launch",
    "tuning",
    "nodes",
    "trackers",
    "book",
    "session",
    "search",
    "run",
    "__main__",
]
ANALYSIS = [
    "command",
    "runs",
    "encode",
    "metrics",
    "elbo",
    "medial",
    "morphometry",
    "factors",
    "bases",
    "ica",
    "scores",
    "controls",
    "subjects",
    "ledger",
    "tasks",
    "traversal",
    "alignment",
    "reconstruction",
    "align",
    "ranking",
    "objectives",
    "front",
    "paper",
    "findings",
    "claims",
    "figures",
    "search_figures",
    "searched",
    "grids",
    "pictures",
    "summaries",
    "charts",
    "heatmaps",
    "material",
    "sheets",
    "captions",
    "gallery",
    "sliders",
    "halves",
    "explorer",
    "report_words",
    "report_tables",
    "report_facts",
    "report_figures",
    "report",
    "score",
]
JOINS_RAY = "score"  # the command line of analysis: it joins a cluster as study.run does
READABLE = {"config", "storage", "space", "data", "objective", "vae", "results", "train"}


def imported(path):
    """(package, module) of every import of ours in a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] + [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            package, _, module = name.partition(".")
            if package in {"study", "analysis"} and module:
                yield package, module.split(".")[0]


def files(package):
    return sorted(path for path in (ROOT / package).glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("path", files("study"), ids=lambda path: path.stem)
def test_study_imports_only_what_stands_above(path):
    for package, module in imported(path):
        if package == "study" and module in STUDY:
            assert STUDY.index(module) < STUDY.index(path.stem), module
        assert package == "study" or path.stem == "run", f"{path.stem} imports {package}"


@pytest.mark.parametrize("path", files("analysis"), ids=lambda path: path.stem)
def test_analysis_reads_studies_and_never_runs_one(path):
    for package, module in imported(path):
        if package == "analysis" and module in ANALYSIS:
            assert ANALYSIS.index(module) < ANALYSIS.index(path.stem), module
        if package == "study" and (ROOT / "study" / f"{module}.py").exists():
            joins = path.stem == JOINS_RAY and module == "launch"
            assert module in READABLE or joins, f"{path.stem} imports study.{module}"


def test_the_scores_know_arrays_alone():
    for path in (ROOT / "analysis" / "metrics").glob("*.py"):
        assert all(pair == ("analysis", "metrics") for pair in imported(path)), path


def test_every_file_has_its_place():
    assert {path.stem for path in files("study")} <= set(STUDY)
    assert {path.stem for path in files("analysis")} <= set(ANALYSIS)
