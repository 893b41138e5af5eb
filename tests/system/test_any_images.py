"""Studies of colour, without labels, with known factors, of many classes, to their reports."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from analysis import open_study
from analysis.figures.pictures.sheet import unpack
from analysis.report.explorer.board import choose
from analysis.report.explorer.contents import payload
from study.cli.main import main

HERE = Path(__file__).parent
SMALL = {"latent_dim": 3, "train_images": 400, "epochs": 2}
ENGINE = {"precision": "fp32", "compile": False}


@pytest.fixture(scope="module", autouse=True)
def _pictures():
    """The data sets can be imported here and in workers, of one Ray for all studies."""
    import ray

    ray.shutdown()  # one that an earlier file left has workers that know no such path
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(HERE / "own_parts")
        patch.setenv("PYTHONPATH", str(HERE / "own_parts"), prepend=os.pathsep)
        yield
        ray.shutdown()


def trained(folder, data, **values):
    """`study run` on one of the data sets, to its report."""
    path = folder / f"{data}.yaml"
    path.write_text(json.dumps({"data": f"pictures:{data}", **SMALL, **ENGINE, **values}))
    assert main(["run", "--grid", str(path), "--results", str(folder)]) == 0
    return open_study(folder / data)


def gallery(study):
    """Figures by name, and the reasons of those left out; no words of digits or of MNIST."""
    content = json.loads((study.folder / "tables").read("gallery.json"))
    words = [study.folder.read("README.md").decode(), *(f["caption"] for f in content["figures"])]
    assert not [text for text in words if "digit" in text.lower() or "MNIST" in text]
    drawn = {figure["name"]: figure for figure in content["figures"]}
    return drawn, {figure["name"]: figure["reason"] for figure in content["missing"]}


def sheet(study, name):
    """The panels that a figure of pictures is drawn from."""
    return unpack((study.folder / "tables").read(f"{name}.npz")).panels


def explored(study):
    return payload(study, choose(study))


def test_colour_without_labels_and_factors(tmp_path):
    """Convolutions too, in packs of two seeds: what is left is bounds, pictures and UDR."""
    study = trained(tmp_path, "colour", network=["mlp", "conv"], seed=[0, 1], pack=2)
    assert study.trials["state"].tolist() == ["done"] * 4
    assert set(study.scores["score"]) == {"elbo", "iwae"}
    assert study.udr["value"].between(0, 1).sum() == 2
    assert study.ranking["score"].isna().all()
    elbo = study.folder.read("tables/elbo.csv").decode().splitlines()
    column = elbo[0].split(",").index("beta_normalised")
    assert float(elbo[1].split(",")[column]) == pytest.approx(3 / (16 * 20 * 3))

    drawn, missing = gallery(study)
    pictures = {"figure-1a", "figure-5", "traversal-mean", "traversal-quantiles", "prior-samples"}
    assert pictures | {"figure-3a", "kl-by-latent", "latent-space"} <= set(drawn)
    for name in ("ranking", "pareto", "before-and-after-ica", "mutual-information"):
        assert missing[name].startswith("the factors of ")
    assert "nothing measures the pictures" in missing["slopes-by-digit"]
    assert sheet(study, "prior-samples")[0].images.shape == (10, 10, 16, 20, 3)
    originals = sheet(study, "figure-5")[0].images[0]
    np.testing.assert_array_equal(originals, study.images().test_images[:10])
    report = study.folder.read("report.html").decode()
    for words in ("Nothing is ranked: the factors", "Nothing measures the pictures of this data"):
        assert words in report
    assert "Nothing is ranked: the factors" in study.folder.read("README.md").decode()
    assert (study.folder / "tables").exists("run-pictures.npz")
    assert '"sources": {"' in report  # pictures of each run
    content = explored(study)
    assert (content["image"]["channels"], len(content["labels"])) == (3, 20)
    assert content["classes"] == {}


def test_known_factors_without_labels(tmp_path):
    study = trained(tmp_path, "factors", beta=[1, 4])
    assert set(study.ranking["ranked_by"]) == {"Higgins (3 pairs) on known factors"}
    assert study.ranking["rank"].tolist() == [1, 2]
    assert set(study.scores["scope"]) == {"all", ""}
    assert "digit_probe" not in set(study.scores["score"])
    drawn, _ = gallery(study)
    assert {"ranking", "pareto", "mutual-information", "latent-space"} <= set(drawn)
    assert drawn["traversal-mean"]["title"].startswith("Ranked first")
    assert "by place_px and radius_px" in drawn["latent-space"]["caption"]
    assert "Higgins (3 pairs) on known factors" in drawn["ranking"]["caption"]

    readings = study.folder.read("tables/read-factors.csv").decode()
    assert [line.split(",")[0] for line in readings.splitlines()[1:]] == ["place_px", "radius_px"]
    assert {"factor_place_px", "factor_radius_px"} <= set(study.alignment)
    assert "a regression reads it from the pictures" in drawn["traversal-mean"]["caption"]
    page, text = (study.folder.read(name).decode() for name in ("report.html", "README.md"))
    assert "The known factors are read from the pictures: place_px (R² " in page
    assert "Ranked by Higgins (3 pairs) on known factors" in page
    assert text.partition("\n\n")[2].startswith("Scores are against known factors")


def test_many_classes_without_factors(tmp_path):
    """A few of them stand for all where each would have a row or a button."""
    study = trained(tmp_path, "classes", conditioning=["none", "label"])
    probes = study.scores.query("score == 'digit_probe'")["value"]
    assert probes.between(0, 1).sum() == 2
    drawn, _ = gallery(study)
    samples = drawn["prior-samples"]["caption"]
    assert "each row is a class" in samples
    assert "the first 10 of 200 classes" in samples
    assert [panel.images.shape[:2] for panel in sheet(study, "prior-samples")] == [(10, 10)] * 2
    assert "of 10 of 200 classes" in drawn["figure-5"]["caption"]
    content = explored(study)
    assert len(content["classes"]) == 20
    assert {str(label) for label in content["labels"]} == {*content["classes"].values()}
    assert "(20 of 200 classes)" in study.folder.read("explorer.html").decode()


def test_two_classes_in_the_prior(tmp_path):
    study = trained(tmp_path, "two", conditioning="prior", network="conv")
    joint = study.ranking["neg_elbo_joint"] - study.ranking["neg_elbo"]
    assert joint.tolist() == pytest.approx([np.log(2)])
    assert len(sheet(study, "prior-samples")[0].rows) == 2
    content = explored(study)
    assert content["classes"] == {0: "0", 1: "1"}
    assert len(content["labels"]) == 20


def refused(tmp_path, capsys, command, **values):
    """What a command says of a file that it refuses, in one line, before it writes anything."""
    path = tmp_path / "any.yaml"
    path.write_text(json.dumps({"train_images": 300, **values}))  # JSON is YAML
    before = set(tmp_path.iterdir())
    where = ["--results", str(tmp_path / "results"), "--dry-run"]
    what = ["--grid", str(path)] if command == "run" else [str(path)]
    assert main([command, *what, *where]) == 2
    assert set(tmp_path.iterdir()) == before
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    return printed


@pytest.mark.parametrize("conditioning", ["label", "prior"])
def test_labels_that_there_are_not_condition_nothing(tmp_path, capsys, conditioning):
    values = {"data": "pictures:colour", "conditioning": ["none", conditioning], "latent_dim": 2}
    printed = refused(tmp_path, capsys, "run", **values)
    assert f"conditioning: {conditioning} needs labels" in printed


@pytest.mark.parametrize(
    ("data", "objective", "complaint"),
    [
        ("colour", "digit_probe", "objective digit_probe reads labels"),
        ("factors", "digit_probe", "objective digit_probe reads labels"),
        ("colour", "mig", "objective mig compares codes with factors, and none are known"),
        ("two", "mig", "objective mig compares codes with factors, and none are known"),
    ],
)
def test_a_search_for_what_the_data_does_not_tell(tmp_path, capsys, data, objective, complaint):
    values = {"data": f"pictures:{data}", "objectives": [objective], "budget": {"trials": 2}}
    printed = refused(tmp_path, capsys, "search", space={"beta": [1, 4]}, **values)
    assert complaint in printed


def test_a_search_over_labels_that_there_are_not(tmp_path, capsys):
    values = {"data": "pictures:colour", "objectives": ["recon"], "budget": {"trials": 2}}
    space = {"conditioning": ["none", "label"]}
    assert "label needs labels" in refused(tmp_path, capsys, "search", space=space, **values)


def test_a_search_by_known_factors_is_planned(tmp_path, capsys):
    path = tmp_path / "any.yaml"
    values = {"data": "pictures:factors", "objectives": ["mig"], "budget": {"trials": 2}}
    path.write_text(json.dumps({"space": {"beta": [1, 4]}, "train_images": 300, **values}))
    assert main(["search", str(path), "--results", str(tmp_path / "results"), "--dry-run"]) == 0
    assert "for mig" in capsys.readouterr().out
