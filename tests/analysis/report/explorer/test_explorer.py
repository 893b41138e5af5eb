"""What the explorer's page holds, and how it says it."""

import base64
import json
import re
import shutil
from functools import partial

import numpy as np
import pytest
from explored import DEAD, LABEL, PLAIN

from analysis import open_study
from analysis.report.explorer.board import NothingToShow, choose, load
from analysis.report.explorer.contents import payload
from analysis.report.explorer.page import render
from analysis.representations.encode import posterior_means
from study.cli.main import carry_out
from study.cli.present import explore

main = partial(carry_out, explore, "analysis.explorer")


@pytest.fixture(scope="module")
def study(explored_study):
    return explored_study


@pytest.fixture
def copy(study, tmp_path):
    shutil.copytree(study.folder.location, tmp_path / "small")
    return open_study(tmp_path / "small")


def test_a_study_measured_before_there_were_knobs_has_its_latents(copy):
    copy.folder.delete("knobs.parquet")
    run = payload(copy, load(copy, [PLAIN.run_id]))["runs"][0]
    assert "knob" not in run["bases"]
    assert run["bases"]["latent"]["rows"][0]["text"].count("leakage")


def test_the_page_holds_the_runs_and_says_how_they_are_stored(study, content):
    assert [run["run"] for run in content["runs"]] == [LABEL.run_id, PLAIN.run_id]
    assert content["runs"][0]["menu"] == "J = 6, β = 2, labels (rank 1)"
    assert sorted(content["labels"]) == content["labels"] == [d for d in range(10) for _ in "ab"]
    rows = content["runs"][0]["bases"]["latent"]["rows"]
    assert [row["latent"] for row in rows if not row["reacts"]] == [DEAD]
    page = render(content)
    worst, code = (
        max(run[name] for run in content["runs"]) for name in ("difference", "code_difference")
    )
    assert 0 < worst < 0.06
    assert 0 < code < 0.1
    assert f"in a pixel is {worst:.1g} of 1" in page
    assert f"in a number of a code {code:.1g}" in page
    assert re.search(r"Models in this page: 2 of the study&#39;s 2, 0\.\d MB in total", page)
    assert "http://" not in page
    assert "https://" not in page


def test_nothing_in_a_name_ends_the_script(content):
    page = render({**content, "study": "</script><blink>"})
    assert "<blink>" not in page
    assert json.loads(page.split('id="payload">')[1].split("</script>")[0])["study"] == (
        "</script><blink>"
    )


def test_a_study_without_weights_has_no_explorer(copy, capsys):
    for run in (PLAIN, LABEL):
        shutil.rmtree(f"{copy.folder}/runs/{run.run_id}")
    with pytest.raises(NothingToShow, match="holds the weights of no finished run; those of "):
        choose(copy)
    assert main([str(copy.folder)]) == 1
    complaint = capsys.readouterr().err
    assert complaint.startswith("analysis.explorer: ")
    assert complaint.count("\n") == 1


def test_a_study_that_was_not_measured_has_unnamed_latents(copy):
    copy.folder.delete("alignment.parquet")
    bases = payload(copy, load(copy, [PLAIN.run_id]))["runs"][0]["bases"]
    assert list(bases) == ["latent"]
    kl = [float(row["text"].split()[1]) for row in bases["latent"]["rows"]]
    assert kl == sorted(kl, reverse=True)


def test_the_command_line(copy, capsys):
    assert main([str(copy.folder), "--runs", PLAIN.run_id]) == 0
    assert capsys.readouterr().out == f"{copy.folder}/explorer.html\n"
    page = copy.folder.read("explorer.html").decode()
    assert PLAIN.run_id in page
    assert LABEL.run_id not in page
    mistyped = PLAIN.run_id.replace("none", "nome")
    assert main([str(copy.folder), "--runs", mistyped]) == 1
    assert f"has no run {mistyped!r} (did you mean" in capsys.readouterr().err
    assert main([f"{copy.folder}/nowhere"]) == 1
    assert "no study at" in capsys.readouterr().err


def numbers(text, kind):
    return np.frombuffer(base64.b64decode(text), kind)


def test_the_map_shows_images_of_every_class_at_their_codes(study, content, mnist):
    labels = content["map"]["labels"]
    assert len(labels) == 500
    assert np.bincount(labels).tolist() == [50] * 10
    run = content["runs"][0]
    model, _ = study.model(run["run"])
    images = np.flatnonzero(mnist.test_labels == 0)[:50]  # class by class: zeros come first
    codes = numbers(run["map"]["codes"], "<f4").reshape(500, 6)
    want = posterior_means(model, mnist.test_images[images], mnist.test_labels[images])
    np.testing.assert_allclose(codes[:50], want, atol=1e-5)


def test_the_axes_of_the_map_are_the_principal_components(study, content, mnist):
    """Against the eigenvectors of the covariance of the first 2,000 codes."""
    run = content["runs"][0]
    model, _ = study.model(run["run"])
    codes = posterior_means(model, mnist.test_images[:2000], mnist.test_labels[:2000])
    values, vectors = np.linalg.eigh(np.cov(codes.T))
    axes = numbers(run["map"]["axes"], "<f4").reshape(2, 6)
    np.testing.assert_allclose(np.abs(axes @ vectors[:, :-3:-1]), np.eye(2), atol=1e-3)
    np.testing.assert_allclose(numbers(run["map"]["centre"], "<f4"), codes.mean(axis=0), atol=1e-4)
    assert run["map"]["explained"] == pytest.approx(values[-2:].sum() / values.sum(), abs=1e-3)


def test_drawing_is_for_digits(content):
    assert content["drawing"]
    assert 'id="draw"' in render(content)
    assert 'id="draw"' not in render({**content, "drawing": False})
