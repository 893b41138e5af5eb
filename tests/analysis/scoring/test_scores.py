import json

import numpy as np
import pandas as pd
import pytest
from planted_codes import grid, mixed_in_pairs, noise, perfect, rotated, with_dead

from analysis.factors.binning import discretise
from analysis.factors.image_set import ImageSet, Sample, content_key
from analysis.metrics import METRICS, RANKABLE
from analysis.metrics.higgins import HIGGINS
from analysis.representations import controls
from analysis.representations.controls import pixel_pca
from analysis.representations.encode import Bounds
from analysis.scoring import targets
from analysis.scoring.evaluation import (
    N_ROTATIONS,
    Unit,
    basis_units,
    bound_values,
    row_key,
    shuffled,
    unit_values,
)
from analysis.scoring.targets import Setup, unit_beside

FACTORS = grid()
# every class has whole grids, so that classes and factors are independent
SAMPLE = Sample(FACTORS, np.arange(len(FACTORS)) // 216 % 3, FACTORS.astype(float))
SET = ImageSet.of(np.zeros((len(FACTORS), 2, 2), np.uint8), SAMPLE)
UNITS = basis_units(METRICS, [SET])


def unit(basis, score, scope="all"):
    return Unit(basis, "measured", scope, score)


def table(codes, sample=SAMPLE, **options):
    values = unit_values(codes, sample, **{"units": UNITS, **options})
    return {Unit(v.basis, v.factors, v.scope, v.score): v for v in values}


@pytest.fixture(scope="module")
def planted():
    return table(perfect(FACTORS) * [3, 2, 1])


def test_every_unit_has_its_row_and_every_row_its_protocol(planted):
    assert set(planted) == set(UNITS)
    assert {unit.scope for unit in UNITS} == {"all", "within", ""}
    for unit, value in planted.items():
        protocol = json.loads(value.protocol)
        assert protocol["basis"]["name"] == unit.basis
        assert {"interval", "seed", "versions"} <= set(protocol)
        assert value.low <= value.value <= value.high


@pytest.mark.parametrize("scope", ["all", "within"])
def test_perfect_codes_are_at_the_ceiling_and_flagged(planted, scope):
    for score in ("higgins_few", "higgins", "factor_vae", "mig", "mcc"):
        value = planted[unit("latent", score, scope)]
        assert value.value == pytest.approx(1, abs=0.01), score
        assert value.saturated, score
    assert planted[unit("latent", "higgins")].chance == pytest.approx(1 / 3)
    assert np.isnan(planted[unit("latent", "mig")].chance)


@pytest.mark.parametrize("score", ["higgins_few", "factor_vae", "mig", "dci", "sap", "mcc"])
def test_rotated_codes_score_less_than_aligned_ones(planted, score):
    turned = planted[unit("rotation", score)]
    assert turned.value < planted[unit("latent", score)].value - 0.1
    assert turned.low < turned.value < turned.high
    assert json.loads(turned.protocol)["rotations"] == N_ROTATIONS


def test_a_rotation_of_rotated_codes_scores_as_they_do():
    """The floor does not hang on the axes that codes happen to have."""
    units = [unit(basis, "mig") for basis in ("latent", "rotation")]
    aligned, turned = (
        table(codes, units=units)[units[1]].value
        for codes in (perfect(FACTORS), rotated(perfect(FACTORS), seed=7))
    )
    assert aligned == pytest.approx(turned, abs=0.1)


def test_within_classes_a_part_that_the_class_explains_counts_for_nothing():
    """Codes that carry the class beside each factor: spoiled over all images, whole within."""
    labels = np.arange(len(FACTORS)) % 3
    values = FACTORS + 4.0 * labels[:, None]
    sample = Sample(discretise(pd.DataFrame(values)), labels, values)
    units = [unit("latent", "mig", scope) for scope in ("all", "within")]
    alone = table(perfect(FACTORS), sample, units=units)  # codes without the class
    with_class = table(perfect(values), sample, units=units)
    assert alone[units[0]].value < 0.9
    for found in (alone, with_class):
        assert found[units[1]].value == pytest.approx(1, abs=0.01)


def test_codes_mixed_in_pairs_score_lower_and_ica_separates_them_again():
    units = [unit(basis, "mig") for basis in ("latent", "ica")]
    mixed = table(mixed_in_pairs(perfect(FACTORS)), units=units)
    # of three factors one is coded by one latent alone, the other two by two latents alike
    assert mixed[units[0]].value == pytest.approx(1 / 3, abs=0.01)
    assert mixed[units[1]].value > 0.8


def test_only_the_published_higgins_depends_on_scale():
    """Powers of two: others round, and a vote or a tree's split that is nearly a tie may turn."""
    codes = noise(len(FACTORS), 3) + perfect(FACTORS)
    units = [unit("latent", score) for score in RANKABLE if score != "higgins"]
    one, scaled = (table(codes * scale, units=units) for scale in (1, [8, 2, 0.5]))
    for each in units:
        assert one[each].value == pytest.approx(scaled[each].value, abs=1e-6), each.score


def test_votes_are_repeated_on_the_latents_and_the_interval_is_over_repeats():
    codes = noise(len(FACTORS), 3) + perfect(FACTORS)
    units = [unit(basis, "higgins_few") for basis in ("latent", "pca")]
    several, one = (table(codes, units=units, n_repeats=n)[units[0]] for n in (5, 1))
    assert json.loads(several.protocol)["seed"] == [0, 1, 2, 3, 4]
    assert json.loads(several.protocol)["interval"] == "repeated splits and votes"
    assert json.loads(one.protocol)["interval"] == "held-out votes"
    assert several.high - several.low > one.high - one.low
    components = json.loads(table(codes, units=units)[units[1]].protocol)
    assert components["interval"] == "held-out votes"


def test_dead_latents_change_nothing_on_components():
    """Two hundred latents of which three live."""
    units = [unit(basis, "mig") for basis in ("ica", "pca", "rotation")]
    few, many = (
        table(codes, units=units)
        for codes in (perfect(FACTORS) * [3, 2, 1], with_dead(perfect(FACTORS) * [3, 2, 1], 200))
    )
    for each in units:
        assert many[each].value == pytest.approx(few[each].value, abs=1e-6)


def test_what_cannot_be_computed_is_empty_with_the_reason():
    for value in table(np.full((len(FACTORS), 4), 0.3)).values():
        assert value.note == "no active latent"
        assert np.isnan(value.value)


def test_giving_up_on_ica_is_said():
    gaussian = noise(len(FACTORS), 40)
    mcc = unit("ica", "mcc")
    assert not table(gaussian, units=[mcc])[mcc].converged


def test_a_key_hangs_on_content_sample_and_settings():
    one = unit("latent", "higgins")
    key = row_key("codes", "sample", one)
    assert key == row_key("codes", "sample", one)
    others = {
        row_key("other codes", "sample", one),
        row_key("codes", "other sample", one),
        row_key("codes", "sample", one, n_repeats=1),
        row_key("codes", "sample", one._replace(scope="within")),
        row_key("codes", "sample", one, metrics=[HIGGINS._replace(settings={})]),
    }
    assert len(others | {key}) == 6
    turned = one._replace(basis="rotation")
    cheaper = HIGGINS._replace(floor={})
    assert row_key("c", "s", turned) != row_key("c", "s", turned, metrics=[cheaper])
    assert row_key("c", "s", one) == row_key("c", "s", one, metrics=[cheaper])


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
    np.testing.assert_array_equal(moved.factors, moved.values)
    found = unit_values(perfect(FACTORS), moved, [unit("latent", "higgins")], n_repeats=1)[0]
    assert found.value == pytest.approx(1 / 3, abs=0.03)


def test_bounds_become_rows_with_the_error_of_a_mean():
    nats = np.array([-100.0, -110, -90, -100])
    elbo, iwae = bound_values(Bounds(nats, nats + 5))
    assert (elbo.score, elbo.value, iwae.value) == ("elbo", -100, -95)
    assert elbo.high - elbo.value == pytest.approx(1.96 * nats.std(ddof=1) / 2)
    assert json.loads(iwae.protocol)["n_samples"] == 20


def test_images_have_the_rows_that_they_allow():
    """Of one class nothing within it and none of it; of one factor none that tells them apart."""

    def rows(sample):
        units = basis_units(METRICS, [SET._replace(sample=sample)])
        return {(one.scope, one.score) for one in units}

    n = len(FACTORS)
    alone = rows(SAMPLE._replace(labels=np.zeros(n, np.int64)))
    assert {scope for scope, _ in alone} == {"all"}
    assert ("", "digit_probe") not in alone
    assert ("all", "higgins_few") in alone
    small = rows(SAMPLE._replace(labels=np.arange(n) // 10))
    assert {scope for scope, _ in small} == {"all", ""}
    one = rows(SAMPLE._replace(factors=FACTORS[:, :1], values=SAMPLE.values[:, :1]))
    assert {("all", "mig"), ("within", "mig"), ("", "digit_probe")} <= one
    assert not {name for _, name in one} & {"higgins_few", "higgins", "factor_vae"}
    none = np.zeros((n, 0), np.int64)
    assert rows(SAMPLE._replace(factors=none, values=none)) == {("", "digit_probe")}


def test_which_control_stands_beside_which_row():
    setup = Setup((SET, SET._replace(factors="intervention", key="other")))
    within = unit("ica", "higgins", "within")
    assert unit_beside("untrained", within, setup) == unit("latent", "higgins", "within")
    assert unit_beside("oracle", within, setup) == unit("latent", "higgins", "within")
    assert unit_beside("shuffled", within, setup) is None
    assert unit_beside("shuffled", unit("pca", "mig"), setup) == unit("latent", "mig")
    assert unit_beside("raw_pixels", unit("latent", "dci"), setup) is None
    by_intervention = Unit("latent", "intervention", "all", "mig")
    assert unit_beside("raw_pixels", by_intervention, setup) is None
    assert unit_beside("pixel_pca", by_intervention, setup) == by_intervention
    assert unit_beside("untrained", Unit("latent", "", "", "iwae"), setup) is None


def test_pixel_pca_is_that_of_scikit_learn(mnist):
    from sklearn.decomposition import PCA

    images = mnist.test_images[:800]
    want = PCA(5, svd_solver="full").fit_transform(images.reshape(800, -1) / 255)
    np.testing.assert_allclose(abs(pixel_pca(images, 5)), abs(want), atol=1e-6)
    assert pixel_pca(images, 2_000).shape == (800, 784)


def test_pixels_that_are_too_many_are_no_codes_and_their_pca_is_found_on_a_part(monkeypatch):
    """Colour images along three directions: a part of them has the same ones."""
    rng = np.random.default_rng(0)
    weights = rng.uniform(size=(900, 3)) * [0.6, 0.3, 0.1]
    shades = rng.uniform(100, 250, size=(3, 4 * 5 * 3))
    images = (weights @ shades).astype(np.uint8).reshape(900, 4, 5, 3)
    want = pixel_pca(images, 3)
    monkeypatch.setattr(controls, "MOST_VALUES", 300 * 60)
    obtained = pixel_pca(images, 3)
    assert obtained.shape == (900, 3)
    for one, other in zip(obtained.T, want.T, strict=True):
        assert abs(np.corrcoef(one, other)[0, 1]) > 0.99

    monkeypatch.setattr(targets, "MOST_VALUES", images.size - 1)
    many = SET._replace(images=images)
    assert unit_beside("raw_pixels", unit("latent", "mig"), Setup((SET,))) is not None
    assert unit_beside("raw_pixels", unit("latent", "mig"), Setup((many,))) is None
