"""The direction of design: a room imports from rooms above it alone, and no file stands outside."""

import ast
import tomllib
from graphlib import TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STUDY = {
    "study.config": "what a run is: its configuration, grids of them, errors in either",
    "study.data": "data sets: where they come from, their arrays, their splits",
    "study.models": "networks, priors, likelihoods, and the model they make",
    "study.losses": "objectives; the only place where beta enters",
    "study.storage": "a study on disk: folder, tables, records, checkpoints, lock",
    "study.training": "one run, or a stack of runs, in memory: step, loop, compilation, timing",
    "study.execution": "runs on Ray: cluster, scheduler, trainable, study log, trackers, display",
    "study.search": "search with Optuna: storage, trials, Ray Tune",
}
ANALYSIS = {
    "analysis.study": "open a study: its tables as DataFrames, its models",
    "analysis.metrics": "one score a file, on arrays alone",
    "analysis.factors": "generative factors: measured or known",
    "analysis.representations": "a model and images -> codes and bounds; bases, traversals",
    "analysis.latent_effects": "what each direction of the latents moves in the picture",
    "analysis.statistics": "intervals, tests over seeds, the ranking, fronts, ELBO tables",
    "analysis.scoring": "a study's scores: targets, evaluation, cache, over Ray",
    "analysis.paper": "the paper's claims and open questions, decided on studies",
    "analysis.figures": "figures: table, drawing and caption of each",
    "analysis.report": "pages: report, explorer, and the live page of a study at work",
    "analysis.pipeline": "a study scored and presented",
}
COMMANDS = {"study.cli": "the commands; the only room of study that imports analysis"}
ROOMS = STUDY | ANALYSIS | COMMANDS  # in order: a room imports from those above it
ENTRY_POINTS = {  # a few lines each, for `python -m`
    *("study", "study.__main__", "study.run", "study.status", "study.bench"),
    *("analysis", "analysis.score", "analysis.claims", "analysis.explorer"),
    *("analysis.report.__main__", "analysis.paper.beyond.__main__"),
}
CLOSED = {"study.execution", "study.search"}  # to analysis, which reads studies and runs none


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {
    module_of(path): path
    for package in ("study", "analysis")
    for path in sorted((ROOT / package).rglob("*.py"))
}


def room_of(module):
    """The room of a module of ours; None for an entry point, and for a file in no room."""
    if module in ENTRY_POINTS:
        return None
    return next((r for r in ROOMS if module == r or module.startswith(f"{r}.")), None)


def imports(module):
    """Modules of ours that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(FILES[module].read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            here = module if FILES[module].stem == "__init__" else module.rpartition(".")[0]
            base = resolve_name("." * node.level + (node.module or ""), here)
            whole = [f"{base}.{alias.name}" for alias in node.names]
            names = [name if name in FILES else base for name in whole]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] in {"study", "analysis"})


def test_every_file_has_a_room():
    assert [m for m in FILES if room_of(m) is None and m not in ENTRY_POINTS] == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_from_rooms_above_it(room):
    order = list(ROOMS)
    for module in (m for m in FILES if room_of(m) == room):
        for name in imports(module):
            other = room_of(name)
            assert other is not None or name == "analysis", f"{module} imports {name}"
            if other:
                assert order.index(other) <= order.index(room), f"{module} imports {name}"
                assert room not in ANALYSIS or other not in CLOSED, f"{module} imports {name}"
                assert room in STUDY or other != "study.cli" or room == "study.cli"
            assert room not in STUDY or not name.startswith("analysis"), f"{module}: {name}"


def test_files_do_not_import_in_circles():
    graph = {m: {n for n in imports(m) if n != m} for m in FILES}
    TopologicalSorter(graph).prepare()


def test_the_scores_know_arrays_alone():
    for module in (m for m in FILES if room_of(m) == "analysis.metrics"):
        assert all(name.startswith("analysis.metrics") for name in imports(module)), module


def test_folders_stay_small():
    folders = {path.parent for path in FILES.values()}
    for folder in sorted(folders):
        entries = [p for p in folder.iterdir() if p.name != "__pycache__"]
        assert len(entries) <= 15, f"{folder.name} has {len(entries)} entries"


def test_what_is_installed_is_every_folder_of_python():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    folders = {
        path.parent for name in ("study", "analysis") for path in (ROOT / name).rglob("*.py")
    }
    packages = {".".join(folder.relative_to(ROOT).parts) for folder in folders}
    assert sorted(listed) == sorted({*packages, "study.configs"})  # which lies in configs/
