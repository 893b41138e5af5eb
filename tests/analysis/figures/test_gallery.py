"""Every figure of whole studies: of many runs, of one, of failed ones, scored and not."""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from scored_units import UNITS

from analysis import open_study
from analysis.figures.gallery import FIGURES, draw_all
from analysis.figures.inputs import FigureInputs
from analysis.figures.pictures.sheet import unpack
from analysis.figures.style import KINDS, STYLE
from analysis.latent_effects.tables import ALIGNMENT
from analysis.representations import bases
from analysis.scoring.score_study import write_ranking
from analysis.scoring.targets import BESIDE, SCORES, UDR
from analysis.study import Study
from study.config.run import RunConfig
from study.data.splits import splits
from study.execution.resumable_run import Run, fail_run, train_runs
from study.storage.folder import Folder
from study.storage.records import new_record, read_record, runs_folder
from study.storage.tables import Tables, build_tables, write_table, write_tables

TINY = RunConfig(latent_dim=3, hidden=16, train_images=400, epochs=1)
CPU = torch.device("cpu")
DIVERGED = TINY.model_copy(update={"beta": 1e9})
BROKEN = DIVERGED.run_id
SCORED = {"ranking", "pareto", "higgins-by-beta", "before-and-after-ica"}
BEST = {"traversal-mean", "traversal-quantiles"}  # need a ranking
ALIGNED = {"headline", "figure-8", "slopes-by-digit"}


@pytest.fixture(autouse=True, scope="module")
def _quick():
    """Fewer dots an inch; and latents count as used that one epoch has hardly spread."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(STYLE, "savefig.dpi", 30)
        patch.setattr(bases, "ACTIVE_VARIANCE", 1e-5)
        yield


def trained(folder, mnist, *changes):
    """A study of tiny runs, one failed and one waiting besides."""
    runs = runs_folder(folder)
    for change in changes:
        config = TINY.model_copy(update=change)
        run = Run(config, mnist.shape, runs / config.run_id, CPU, bf16=False)
        train_runs([run], *splits(mnist, config.train_images, CPU), lambda run: None)
    fail_run(DIVERGED, runs / BROKEN, "diverged in epoch 1")
    records = {run: read_record(runs / run) for run in runs.names()}
    records["J3-waiting"] = new_record(TINY.model_copy(update={"beta": 2.0}), "waiting")
    write_tables(folder, build_tables(records, Tables()))
    return Study(folder)


def scored(study, value):
    """Scores as if computed: the higher the beta, the better; `value` of the lowest."""
    rows = []
    for place, row in enumerate(study.trials.query("state == 'done'").to_dict("records")):
        axes = {name: row[name] for name in ("run", "latent_dim", "beta", "conditioning", "seed")}
        for unit in UNITS:
            score = value + 0.01 * row["beta"] + 0.001 * place
            figures = {"value": score, "low": score - 0.05, "high": score + 0.05}
            rest = {"saturated": False, "converged": True, "note": "", "protocol": "{}", "key": "k"}
            rows.append({**axes, **unit._asdict(), **figures, "chance": 0.3, **rest})
    table = pd.DataFrame(rows).assign(**dict.fromkeys(BESIDE, 0.4))[list(SCORES.names)]
    write_table(study.folder, "scores", table, SCORES)
    write_table(study.folder, "udr", pd.DataFrame(columns=UDR.names), UDR)
    write_ranking(study)


def aligned(study):
    """z1 moves the slant, z2 the width, z3 nothing."""
    rows = []
    for row in study.trials.query("state == 'done'").to_dict("records"):
        axes = {name: row[name] for name in ("run", "latent_dim", "beta", "conditioning", "seed")}
        for direction, name in enumerate(("slant", "width", "none"), start=1):
            figures = dict.fromkeys(ALIGNMENT.names, 0.0) | axes
            figures |= {"basis": "latent", "direction": direction, "property": name, "key": "k"}
            figures |= {"slope": 0.2, "leakage": 0.06, "excess": 0.06, "effect": 0.9}
            figures |= {"n_digits": 9}
            figures |= {"digit_effects": np.full(30, 0.5), "vector": np.eye(3)[direction - 1]}
            rows.append(figures)
    write_table(study.folder, "alignment", pd.DataFrame(rows), ALIGNMENT)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, mnist):
    """Betas 1 and 10 with and without labels, a second seed; drawn; and its messages."""
    folder = Folder(tmp_path_factory.mktemp("gallery") / "many")
    both = [{"beta": beta, "conditioning": c} for c in ("none", "label") for beta in (1.0, 10.0)]
    study = trained(folder, mnist, {"beta": 1.0, "seed": 1}, *both)
    scored(study, 0.5)
    aligned(study)
    messages = []
    return study, draw_all(study, say=messages.append).items, messages


@pytest.fixture
def copy(whole, tmp_path):
    shutil.copytree(whole[0].folder.location, tmp_path / "many")
    return open_study(tmp_path / "many")


def only(*names):
    """These figures alone."""
    return [figure for figure in FIGURES if figure.name in names]


def listed(study):
    content = json.loads(study.folder.read("tables/gallery.json"))
    return content["figures"], {one["name"]: one["reason"] for one in content["missing"]}


def test_a_whole_study_has_every_figure_and_lists_it(whole):
    study, shown, messages = whole
    figures, missing = listed(study)
    assert missing == {}
    assert figures == [one._asdict() for one in shown]
    assert [one["name"] for one in figures] == [figure.name for figure in FIGURES]
    assert {one["group"] for one in figures} == {"paper", "scores", "latents", "pictures"}
    for one in shown:
        with Image.open(io.BytesIO(study.folder.read(f"figures/{one.name}.png"))) as picture:
            assert picture.format == "PNG"
        assert b"<svg" in study.folder.read(f"figures/{one.name}.svg")
        tables = study.folder / "tables"
        assert tables.exists(f"{one.name}.csv") or tables.exists(f"{one.name}.npz")
        assert one.title
        assert one.caption.endswith(".")
        assert "nan" not in one.caption
    assert messages == [f"{len(shown)} figures are in {study.folder}/figures"]


def test_a_pdf_stands_beside_the_png_where_it_is_asked_for(copy):
    draw_all(copy, kinds=(*KINDS, "pdf"), figures=only("kl-by-latent"))
    assert copy.folder.read("figures/kl-by-latent.pdf").startswith(b"%PDF")
    assert not copy.folder.exists("figures/ranking.pdf")


def test_captions_say_what_the_tables_say(whole):
    study, shown, _ = whole
    captions = {one.name: one.caption for one in shown}
    best = study.ranking.iloc[0]
    assert f"{best['higgins']:.3f} [" in captions["ranking"]
    assert "2 of 3 latents move mainly one property and 1 does not react" in captions["figure-1a"]
    assert "1 of 3, 1 of 3 and 1 of 3" in captions["headline"]
    assert "No latent is aligned with thickness" in captions["figure-8"]
    assert "8 of 8 move it the same way" in captions["slopes-by-digit"]
    recon = study.trials.set_index("run")["recon"]
    first, last = (
        recon[FigureInputs(study, None).paper_run(name).run] for name in ("standard", "beta")
    )
    assert f"{first:.0f} nats an image for β = 1 and {last:.0f} for β = 10" in captions["figure-5"]


def test_of_several_seeds_the_lowest_is_shown(whole):
    inputs = FigureInputs(whole[0], None)
    assert [one.run.partition("-seed")[2][0] for one in inputs.paper_runs()] == ["0"] * 4
    assert [one.beta for one in inputs.runs_by_beta()] == [1, 10]


def test_figures_of_the_paper_hold_the_pictures_that_they_promise(whole):
    tables = whole[0].folder / "tables"
    one = unpack(tables.read("figure-1c.npz"))
    assert one.title == "Traversals: Conditional β-VAE (β = 10, J = 3)"
    assert one.panels[0].images.shape == (3, 10, 28, 28)
    assert one.panels[0].rows[0] == "z1 slant +0.20 rad, leakage 6%, 9 of 10 digits"
    assert one.panels[0].rows[2] == "z3 no reaction"
    assert unpack(tables.read("figure-5.npz")).panels[0].rows == ["original", "β = 1", "β = 10"]
    eight = unpack(tables.read("figure-8.npz"))
    assert [panel.title for panel in eight.panels] == ["z1 slant +0.20 rad", "z2 width +0.20 px"]
    assert eight.panels[0].images.shape == (10, 10, 28, 28)
    assert [panel.title for panel in unpack(tables.read("headline.npz")).panels] == [
        *("Standard VAE, β = 1", "β-VAE, β = 10", "Conditional β-VAE, β = 10")
    ]


def test_a_study_of_one_run_unscored_gets_what_there_is(tmp_path, mnist):
    study = trained(Folder(tmp_path / "one"), mnist, {"beta": 1.0})
    shown = {one.name for one in draw_all(study).items}
    _, missing = listed(study)
    assert set(missing) == {
        *(SCORED | BEST | ALIGNED),
        *("figure-1b", "figure-1c", "figure-6a", "figure-6b", "figure-7a", "figure-7b"),
    }
    assert shown == {figure.name for figure in FIGURES} - set(missing)
    assert missing["figure-1b"] == "no other β than 1 at J = 3"
    assert missing["figure-1c"] == "no finished run with J = 3, β = 1, labels"
    assert missing["ranking"] == "not scored yet: study score"
    caption = unpack(study.folder.read("tables/figure-1a.npz")).caption
    assert "What the latents move was not measured. Seed 0." in caption


def test_a_study_in_which_nothing_finished_gets_no_figure_and_no_error(tmp_path, mnist):
    study = trained(Folder(tmp_path / "none"), mnist)
    messages = []
    assert draw_all(study, say=messages.append) == ([], {})
    figures, missing = listed(study)
    assert figures == []
    assert missing["figure-5"] == missing["kl-by-latent"] == "no run has finished"
    assert len(messages) == 1  # nothing was unexpected


def test_scores_that_are_not_numbers_cost_the_charts_of_scores_alone(copy):
    scored(copy, np.nan)
    figures = only(*SCORED, *BEST, "kl-by-latent")
    assert [one.name for one in draw_all(copy, figures=figures).items] == ["kl-by-latent"]
    _, missing = listed(copy)
    assert missing["pareto"] == missing["traversal-mean"] == "no configuration has a score"


def test_without_weights_pictures_are_drawn_again_as_they_were(copy, whole):
    names = ("figure-8", "mutual-information")  # of arrays, and of a table
    for run in runs_folder(copy.folder).names():
        (runs_folder(copy.folder) / run).delete("weights.pt")
    before = {one.name: one for one in whole[1]}
    figures = only(*names)
    assert draw_all(copy, figures=figures).items == [before[figure.name] for figure in figures]
    for name in names:
        png = f"figures/{name}.png"
        assert copy.folder.read(png) == whole[0].folder.read(png), name
    (copy.folder / "tables").delete("figure-8.npz")
    assert draw_all(copy, figures=only("figure-8")).items == []
    assert listed(copy)[1]["figure-8"].startswith("the weights of J3-beta10-label-hidden16-")


def test_damaged_weights_cost_their_own_figures_and_are_named(copy):
    run = runs_folder(copy.folder) / FigureInputs(copy, None).paper_run("standard").run
    run.write("weights.pt", run.read("weights.pt")[:1000])
    drawn = draw_all(copy, figures=only("figure-1a", "figure-1b"))
    assert [one.name for one in drawn.items] == ["figure-1b"]
    assert "figure-1a" in listed(copy)[1]
    assert list(drawn.failures.values()) == [["figure-1a"]]


def test_a_damaged_table_is_named_where_the_weights_are_gone(copy):
    for run in runs_folder(copy.folder).names():
        (runs_folder(copy.folder) / run).delete("weights.pt")
    path = Path(copy.folder.location) / "tables" / "latent-space.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)
    (reason,) = draw_all(copy, figures=only("latent-space")).failures
    assert "tables/latent-space.parquet is damaged" in reason
    assert "repeat study report where the weights are" in reason


def test_damaged_pictures_are_named_where_the_weights_are_gone(copy):
    for run in runs_folder(copy.folder).names():
        (runs_folder(copy.folder) / run).delete("weights.pt")
    (copy.folder / "tables").write("figure-8.npz", b"PK damaged")
    (reason,) = draw_all(copy, figures=only("figure-8")).failures
    assert "tables/figure-8.npz is damaged" in reason
