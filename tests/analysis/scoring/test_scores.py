import json

import numpy as np
import pytest
from planted_codes import grid, mixed_in_pairs, noise, perfect, with_dead

from analysis.factors.image_set import Sample, content_key
from analysis.metrics import METRICS, RANKABLE
from analysis.representations.controls import pixel_pca
from analysis.representations.encode import Bounds
from analysis.scoring.evaluation import (
    BASIS_UNITS,
    Unit,
    bound_values,
    row_key,
    score_codes,
    shuffled,
)
from analysis.scoring.targets import unit_beside

FACTORS = grid()
SAMPLE = Sample(FACTORS, FACTORS[:, 0] % 3)


def table(codes, **options):
    values = score_codes(codes, SAMPLE, **options)
    return {(v.basis, v.scaling, v.score): v for v in values}


@pytest.fixture(scope="module")
def planted():
    return table(perfect(FACTORS) * [3, 2, 1])


def test_every_unit_has_its_row_and_every_row_its_protocol(planted):
    assert set(planted) == set(BASIS_UNITS)
    for unit, value in planted.items():
        said = json.loads(value.protocol)
        assert said["basis"]["name"] == unit[0]
        assert {"interval", "seed", "versions"} <= set(said)
        assert value.low <= value.value <= value.high


def test_perfect_codes_are_at_the_ceiling_and_flagged(planted):
    for score in ("higgins", "factor_vae", "mig", "mcc"):
        value = planted["latent", "raw", score]
        assert value.value == pytest.approx(1), score
        assert value.saturated
    assert planted["latent", "raw", "higgins"].chance == pytest.approx(1 / 3)
    assert np.isnan(planted["latent", "raw", "mig"].chance)


def test_codes_mixed_in_pairs_score_lower_and_ica_separates_them_again():
    units = [Unit(basis, "raw", "mig") for basis in ("latent", "ica")]
    mixed = table(mixed_in_pairs(perfect(FACTORS)), units=units)
    # of three factors one is coded by one latent alone, the other two by two latents alike
    assert mixed["latent", "raw", "mig"].value == pytest.approx(1 / 3, abs=0.01)
    assert mixed["ica", "raw", "mig"].value > 0.8


def test_only_higgins_depends_on_scale():
    """What stands behind the one row that the other scores have.

    Powers of two: other scales round, and a vote or a tree's split that is nearly a tie may turn.
    """
    codes = noise(len(FACTORS), 3) + perfect(FACTORS)
    units = [Unit("latent", "raw", score) for score in RANKABLE]
    one, scaled = (table(codes * scale, units=units) for scale in (1, [8, 2, 0.5]))
    for unit in units[1:]:
        assert one[unit].value == pytest.approx(scaled[unit].value, abs=1e-6), unit.score


def test_standardised_codes_are_drawn_three_times():
    units = [Unit("latent", scaling, "higgins") for scaling in ("raw", "standardised")]
    rows = score_codes(perfect(FACTORS), SAMPLE, units)
    assert [json.loads(row.protocol)["repeats"] for row in rows] == [5, 3]


def test_votes_are_repeated_and_the_interval_is_over_repeats():
    codes = noise(len(FACTORS), 3) + perfect(FACTORS)
    unit = Unit("latent", "raw", "factor_vae")
    five, one = (table(codes, units=[unit], n_repeats=n)[unit] for n in (5, 1))
    assert json.loads(five.protocol)["seed"] == [0, 1, 2, 3, 4]
    assert json.loads(five.protocol)["interval"] == "repeated splits and votes"
    assert json.loads(one.protocol)["interval"] == "held-out votes"
    assert five.high - five.low > one.high - one.low


def test_dead_latents_change_nothing_on_components():
    """Two hundred latents of which three live."""
    units = [Unit(basis, "raw", "mig") for basis in ("ica", "pca")]
    few, many = (
        table(codes, units=units)
        for codes in (perfect(FACTORS) * [3, 2, 1], with_dead(perfect(FACTORS) * [3, 2, 1], 200))
    )
    for unit in units:
        assert many[unit].value == pytest.approx(few[unit].value, abs=1e-6)


def test_without_active_latents_there_are_rows_that_say_so():
    found = table(np.full((len(FACTORS), 4), 0.3))
    assert found["ica", "raw", "higgins"].note == "no active latents"
    assert np.isnan(found["ica", "raw", "higgins"].value)
    assert found["latent", "standardised", "higgins"].value == pytest.approx(1 / 3)
    assert found["latent", "raw", "mig"].value == 0


def test_giving_up_on_ica_is_said():
    gaussian = noise(len(FACTORS), 40)
    unit = Unit("ica", "raw", "mcc")
    assert not table(gaussian, units=[unit])[unit].converged


def test_a_key_hangs_on_content_sample_and_settings():
    unit = Unit("latent", "raw", "higgins")
    key = row_key("codes", "sample", unit)
    assert key == row_key("codes", "sample", unit)
    others = {
        row_key("other codes", "sample", unit),
        row_key("codes", "other sample", unit),
        row_key("codes", "sample", unit, n_repeats=1),
        row_key("codes", "sample", unit._replace(scaling="standardised")),
    }
    others.add(row_key("codes", "sample", unit, metrics=[METRICS[0]._replace(settings={})]))
    assert len(others | {key}) == 6


def test_content_tells_shapes_types_and_borders_apart():
    parts = [
        (np.zeros(6),),
        (np.zeros((2, 3)),),
        (np.zeros(6, np.float32),),
        (np.zeros(3), np.zeros(3)),
        ("ab",),
        ("a", "b"),
    ]
    assert len({content_key(*part) for part in parts}) == len(parts)


def test_shuffled_factors_keep_their_rows_together():
    moved = shuffled(SAMPLE)
    assert (moved.factors != SAMPLE.factors).any()
    np.testing.assert_array_equal(moved.factors[:, 0] % 3, moved.labels)
    units = [Unit("latent", "raw", "higgins")]
    found = score_codes(perfect(FACTORS), moved, units, n_repeats=1)[0]
    assert found.value == pytest.approx(1 / 3, abs=0.03)


def test_bounds_become_rows_with_the_error_of_a_mean():
    nats = np.array([-100.0, -110, -90, -100])
    elbo, iwae = bound_values(Bounds(nats, nats + 5))
    assert (elbo.score, elbo.value, iwae.value) == ("elbo", -100, -95)
    assert elbo.high - elbo.value == pytest.approx(1.96 * nats.std(ddof=1) / 2)
    assert json.loads(iwae.protocol)["n_samples"] == 20


def test_which_control_stands_beside_which_row():
    higgins = Unit("ica", "standardised", "higgins")
    assert unit_beside("untrained", higgins) == higgins
    assert unit_beside("shuffled", higgins) == Unit("latent", "raw", "higgins")
    assert unit_beside("raw_pixels", higgins) is None
    assert unit_beside("pixel_pca", Unit("pca", "raw", "mig")) == Unit("latent", "raw", "mig")
    assert unit_beside("untrained", Unit("latent", "raw", "iwae")) is None


def test_pixel_pca_is_that_of_scikit_learn(mnist):
    from sklearn.decomposition import PCA

    images = mnist.test_images[:800]
    want = PCA(5, svd_solver="full").fit_transform(images.reshape(800, -1) / 255)
    np.testing.assert_allclose(abs(pixel_pca(images, 5)), abs(want), atol=1e-6)
    assert pixel_pca(images, 2_000).shape == (800, 784)
