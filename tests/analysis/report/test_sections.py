"""Parts of the report that are known by hand: its finding, its plots, the runs that one picks."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from pages import finished, tiny, write_runs, write_scores
from studies import train_here

from analysis.report.page import gather
from analysis.report.sections.plots import MOST_POINTS, learning_curves
from analysis.report.sections.runs import on_board, run_pictures
from analysis.report.sections.summary import finding
from study.config.errors import StudyError
from study.config.run import RunConfig
from study.storage.folder import Folder


def test_the_finding_says_what_seeds_can_tell(tmp_path):
    def first(name, scores):
        configs = [tiny(beta, seed=seed) for beta in (1.0, 2.0, 4.0) for seed in (0, 1, 2)]
        study = write_runs(Folder(tmp_path / name), [finished(config) for config in configs])
        write_scores(study, dict(zip((c.run_id for c in configs), scores, strict=True)))
        return finding(study.ranking, "", pd.DataFrame({"basis": []}), [])[0]

    apart = [0.9, 0.9, 0.9, 0.5, 0.5, 0.5, 0.4, 0.4, 0.4]
    assert first("apart", apart).endswith("; 2 of the others are significantly behind.")
    alike = [0.9, 0.9, 0.9, 0.89, 0.89, 0.89, 0.4, 0.4, 0.4]
    assert first("alike", alike).endswith(
        "; 1 of the others is significantly behind and 1 is as good within 0.05."
    )
    noisy = [0.9, 0.1, 0.8, 0.2, 0.9, 0.3, 0.4, 0.5, 0.8]
    assert "but three seeds cannot distinguish it from any of the other 2." in first("noisy", noisy)


def test_error_bars_are_the_intervals_over_seeds(tmp_path):
    """Bounds of 100, 101 and 102: 101 -+ t(0.975, 2) = 4.303 standard errors of 1 / sqrt(3)."""
    configs = [tiny(seed=seed) for seed in (0, 1, 2)]
    records = [finished(config, 100.0 + config.seed) for config in configs]
    study = write_runs(Folder(tmp_path / "bars"), records)
    write_scores(study, {config.run_id: 0.8 for config in configs})
    table = gather(study).plots["rows"]["configuration"]
    half = 4.302653 / 3**0.5
    assert table["columns"]["neg_elbo_joint"] == [101.0]
    assert table["ends"]["neg_elbo_joint"][0] == pytest.approx([101 - half, 101 + half])
    ranked = study.ranking.iloc[0]
    assert table["ends"]["score"] == [[ranked["score_low"], ranked["score_high"]]]
    assert "latent_dim" not in table["ends"]  # an axis


def test_learning_curves_are_thinned_and_keep_their_ends():
    n = MOST_POINTS
    epochs = pd.DataFrame({"run": np.repeat(["a", "b"], n), "epoch": np.tile(np.arange(n) + 1, 2)})
    epochs = epochs.assign(train_kl=epochs["epoch"] * 1.0, test_kl=123.456789)
    curves = learning_curves(epochs, ["objective", "kl"])
    assert list(curves["labels"]) == ["kl"]  # there is no other
    one = curves["runs"]["a"]
    assert len(one["epoch"]) == n // 2
    assert (one["epoch"][0], one["epoch"][-1], one["train_kl"][-1]) == (1, n, n)
    assert set(one["test_kl"]) == {123.46}


def test_runs_keep_the_pictures_that_were_drawn_where_their_weights_were(tmp_path):
    config = tiny()
    study = write_runs(Folder(tmp_path / "pictures"), [finished(config)])
    assert run_pictures(study).sources == {}

    def save(key):
        content = io.BytesIO()
        np.savez_compressed(content, **{key: np.zeros((88, 298), np.uint8)})
        (study.folder / "tables").write("run-pictures.npz", content.getvalue())

    save(f"{config.run_id}@3")
    found = run_pictures(study)
    assert list(found.sources) == [config.run_id]
    assert found.size == (298, 88)
    save(f"{config.run_id}@2")  # before it was trained on
    assert run_pictures(study).sources == {}
    (study.folder / "tables").write("run-pictures.npz", b"damaged")
    with pytest.raises(StudyError, match=r"tables/run-pictures\.npz is damaged.*study report"):
        run_pictures(study)


def test_damaged_pictures_are_drawn_anew_where_all_weights_are(tmp_path, mnist):
    config = RunConfig(latent_dim=2, hidden=4, train_images=200, epochs=1)
    study = train_here(Folder(tmp_path / "s"), [config], mnist)
    before = run_pictures(study)
    (study.folder / "tables").write("run-pictures.npz", b"damaged")
    assert run_pictures(study) == before
    assert list(before.sources) == [config.run_id]


def test_the_runs_of_the_explorer_are_those_that_it_has(tmp_path):
    folder = Folder(tmp_path / "study")
    assert on_board(folder) is None
    content = json.dumps({"runs": [{"run": "J4-beta1-none-seed0"}]})
    page = f'<script type="application/json" id="payload">{content}</script>'
    folder.write("explorer.html", page.encode())
    assert on_board(folder) == ["J4-beta1-none-seed0"]
    folder.write("explorer.html", b"of another version")
    assert on_board(folder) == []
