"""What a study's latents move, as tables: computed over real Ray, and only once."""

import shutil

import numpy as np
import pytest
import torch
from studies import train_here

from analysis.latent_effects.alignment import PROPERTIES, Pictures, Reader
from analysis.latent_effects.reconstruction import reconstruction, sharpness
from analysis.latent_effects.tables import align_study
from analysis.study import Study, open_study
from study.config.errors import StudyError
from study.config.run import RunConfig
from study.data.mnist import SHAPE
from study.storage.folder import Folder
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
    source, target = (copy.folder / "runs" / name for name in (other, run))
    weights = torch.load(source.location + "/weights.pt", weights_only=True)
    shapes = Trainer(TINY, SHAPE, torch.device("cpu")).model.state_dict()
    torch.save(
        {
            name: weights[name][:, : value.shape[1]] if value.ndim > 1 else weights[name]
            for name, value in shapes.items()
        },
        target.location + "/weights.pt",
    )
    messages = []
    assert align_study(Study(copy.folder), lambda: pictures, lambda: None, messages.append) == {}
    assert messages[0] == "measuring what the latents of 1 runs move"
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
    with pytest.raises(StudyError, match=r"no alignment.parquet yet: python -m analysis.score"):
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
