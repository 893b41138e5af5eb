"""What a study's latents move, as tables: computed over real Ray, and only once."""

import shutil

import numpy as np
import pytest
import torch
from studies import change_weights, train_here

from analysis import open_study
from analysis.latent_effects.alignment import PER_DIGIT, PROPERTIES, Pictures, Reader
from analysis.latent_effects.reconstruction import reconstruction, sharpness
from analysis.latent_effects.tables import align_study, halves_of_every_digit
from analysis.study import Study
from study.config.errors import StudyError
from study.config.run import RunConfig
from study.data.shipped.mnist import SHAPE
from study.storage.folder import Folder
from study.storage.tables import write_table
from study.training.trainer import Trainer

SPREAD = np.array([0.70, 0.245, 3.86])  # of real digits: px, rad, px
TINY = RunConfig(latent_dim=3, hidden=16, train_images=2000, epochs=1)


@pytest.fixture(scope="module")
def pictures(mnist):
    reader = Reader.fit(mnist.train_images[:2000], mnist.train_labels[:2000])
    digits = mnist.test_labels[:500].astype(np.int64)
    return Pictures(mnist.test_images[:500], digits, SPREAD, reader)


@pytest.fixture(scope="module")
def aligned(tmp_path_factory, mnist, pictures, ray):
    folder = Folder(tmp_path_factory.mktemp("aligned") / "tiny")
    study = train_here(folder, [TINY, TINY.model_copy(update={"conditioning": "label"})], mnist)
    assert align_study(study, lambda: pictures, lambda: None) == {}
    return folder


@pytest.fixture
def copy(aligned, tmp_path):
    shutil.copytree(aligned.location, tmp_path / "tiny")
    return open_study(tmp_path / "tiny")


def never():
    raise AssertionError("something was computed although nothing was missing")


def test_every_run_has_a_row_a_direction(aligned):
    table = Study(aligned).alignment
    counts = table.groupby(["run", "basis"], sort=False).size()
    assert list(table["run"].unique()) == list(Study(aligned).trials["run"])
    for run in table["run"].unique():
        assert counts[run, "latent"] == 3
        assert counts[run, "knob"] == len(PROPERTIES)
        assert counts.get((run, "ica"), 0) <= 3  # none where no latent is active
    latents = table.query("basis == 'latent'")
    assert list(latents["direction"]) == [1, 2, 3, 1, 2, 3]
    steps = np.stack(latents["vector"])  # one step of a latent moves that latent alone
    assert (steps.argmax(axis=1) + 1 == latents["direction"]).all()
    assert (np.count_nonzero(steps, axis=1) == 1).all()
    assert all(len(effects) == 30 for effects in latents["digit_effects"])
    assert (table.dropna(subset="excess").eval("excess <= leakage + 1e-12")).all()


def test_floors_stand_once_with_the_study(aligned):
    table = Study(aligned).floors
    assert list(table["property"]) == ["thickness", "slant", "width"]
    assert np.diag(table[list(PROPERTIES)]) == pytest.approx(1)


def test_directions_are_fitted_without_the_images_that_measure_them():
    digits = np.array([0, 1, 0, 1, 1, 0, 0, *[1] * 40, *range(2, 10)])
    fitted, held_out = halves_of_every_digit(digits)
    assert not set(fitted) & set(held_out)
    assert np.bincount(digits[fitted])[:2].tolist() == [2, PER_DIGIT]
    assert np.bincount(digits[held_out])[:2].tolist() == [2, PER_DIGIT]


def test_of_fewer_classes_there_are_more_images_of_each():
    fitted, held_out = halves_of_every_digit(np.repeat([0, 1], 200))
    assert len(fitted) == len(held_out) == 10 * PER_DIGIT


def test_an_older_table_keeps_its_rows_beside_new_ones(copy, pictures, ray):
    """Of a run whose weights are elsewhere; it had no floors."""
    run, other = copy.trials["run"]
    old = copy.alignment.drop(columns="excess")
    write_table(copy.folder, "alignment", old, None)
    copy.folder.delete("knobs.parquet")
    (copy.folder / "runs" / run).delete_all()
    fresh = old.assign(key=old["key"].where(old["run"] == run, "of other weights"))
    write_table(copy.folder, "alignment", fresh, None)
    assert align_study(Study(copy.folder), lambda: pictures, lambda: None) == {}
    after = Study(copy.folder).alignment.set_index("run")
    assert after.loc[run, "excess"].isna().all()
    assert after.loc[other, "excess"].notna().any()
    assert set(Study(copy.folder).knobs["run"]) <= {other}


def test_effects_of_the_digits_average_to_the_slopes(aligned):
    for row in Study(aligned).alignment.to_dict("records"):
        by_digit = np.reshape(row["digit_effects"], (10, 3))
        slopes = [row[name] for name in PROPERTIES]
        np.testing.assert_allclose(np.nanmean(by_digit, axis=0) * SPREAD, slopes, atol=1e-12)


def test_a_second_call_computes_nothing(copy):
    before = copy.folder.read("alignment.parquet")
    assert align_study(copy, never, never) == {}
    assert copy.folder.read("alignment.parquet") == before


def test_changed_weights_cost_that_run_alone(copy, pictures, ray):
    run, other = copy.trials["run"]
    before = copy.alignment.set_index("run")
    change_weights(
        copy.folder / "runs" / run,
        lambda weights: {name: value + 0.01 for name, value in weights.items()},
    )
    messages = []
    assert align_study(Study(copy.folder), lambda: pictures, lambda: None, messages.append) == {}
    assert messages[0] == "measuring what the latents move, of 1 run"
    after = Study(copy.folder).alignment.set_index("run")
    assert (after.loc[other, "key"] == before.loc[other, "key"]).all()
    assert (after.loc[run, "key"].unique() != before.loc[run, "key"].unique()).all()


def test_rows_of_runs_whose_weights_are_gone_stay(copy):
    run = copy.trials["run"][0]
    (copy.folder / "runs" / run).delete_all()
    before = copy.alignment
    assert align_study(Study(copy.folder), never, never) == {}
    assert len(Study(copy.folder).alignment) == len(before)


def test_a_study_without_alignment_says_how_to_get_it(copy):
    copy.folder.delete("alignment.parquet")
    with pytest.raises(StudyError, match=r"no alignment.parquet yet: study score"):
        _ = Study(copy.folder).alignment


def test_a_blurred_picture_is_less_sharp(mnist):
    from scipy.ndimage import gaussian_filter

    images = mnist.test_images[:50]
    blurred = gaussian_filter(images.astype(float), 1, axes=(1, 2)).round().astype(np.uint8)
    assert (sharpness(blurred) < 0.5 * sharpness(images)).all()
    assert sharpness(np.full((1, 28, 28), 200, np.uint8)) == 0


def test_reconstructions_of_an_untrained_model_cannot_be_read(pictures):
    model = Trainer(TINY, SHAPE, torch.device("cpu")).model
    seen = reconstruction(model, pictures, 200)
    assert seen.readable_original > 0.85
    assert seen.readable < 0.3
    assert seen.blur > 0.5
    assert seen.n_images == 200
