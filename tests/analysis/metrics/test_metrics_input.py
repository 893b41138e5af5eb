"""What all scores share: refusals, protocols, seeds, and survival of degenerate codes."""

import json
from functools import partial

import numpy as np
import pytest
from own_metric import NEAREST
from planted_codes import grid, noise, perfect, rotated, with_dead

from analysis.metrics import (
    METRICS,
    dci,
    factor_vae,
    higgins,
    labels,
    load_metric,
    mcc,
    mig,
    probe,
    sap,
    udr,
    with_own,
)
from analysis.metrics.common.result import bounded

FACTORS = grid(5, 4)
CODES = perfect(FACTORS) + 0.3 * noise(len(FACTORS), 3)
few = {"n_train": 600, "n_eval": 300}
SCORES = {
    "higgins": partial(higgins, **few),
    "higgins few": partial(higgins, n_pairs=4, classifier="discriminant", **few),
    "factor_vae": partial(factor_vae, **few),
    "mig": mig,
    "mig by quantiles": partial(mig, binning="quantile"),
    "dci": partial(dci, n_trees=5),
    "sap": sap,
    "sap with a class": partial(sap, discrete=[True, False, False]),
    "mcc": mcc,
    "probe": lambda codes, factors, **settings: probe(codes, factors[:, 0], **settings),
    "udr": lambda codes, factors, **settings: udr(codes, codes[::-1], **settings),
}
every_score = pytest.mark.parametrize("score", SCORES.values(), ids=SCORES.keys())
SUPERVISED = [score for name, score in SCORES.items() if name not in {"udr", "probe"}]
KINDS_OF_CODES = {
    "perfect": perfect(FACTORS),
    "rotated": rotated(perfect(FACTORS)),
    "beside constant ones": with_dead(perfect(FACTORS), 12),
    "alone": perfect(FACTORS)[:, :1],
    "noisy": CODES,
    "nothing but noise": noise(len(FACTORS), 5),
}
every_supervised = pytest.mark.parametrize("score", SUPERVISED)


@every_score
@pytest.mark.parametrize("codes", KINDS_OF_CODES.values(), ids=KINDS_OF_CODES.keys())
def test_score_lies_in_its_interval_and_in_bounds(score, codes):
    """To the last bit: sums that make 1 on one processor make more than 1 on another."""
    result = score(codes, FACTORS)
    figures = [(result.score, result.interval)]
    if hasattr(result, "completeness"):
        figures.append((result.completeness, result.completeness_interval))
        figures.append((result.informativeness, result.informativeness_interval))
    for value, (low, high) in figures:
        assert 0 <= low <= value <= high <= 1


def test_rounding_beyond_the_range_is_cut_off_and_more_is_an_error():
    assert bounded(1 + 2e-16, (0.9, 1.0)) == (1, (0.9, 1))
    assert bounded(-1e-10, (-0.2, 0.1)) == (0, (0, 0.1))
    assert bounded(0.5, (0.5 + 1e-12, 1.2)) == (0.5, (0.5, 1))
    assert bounded(-3.0, (-4.0, -2.0), (-5.0, 0.0)) == (-3, (-4, -2))
    assert np.isnan(bounded(0.5, (np.nan, np.nan))[1]).all()
    for wrong in (1 + 2e-9, -2e-9):
        with pytest.raises(ValueError, match="outside of its range 0 to 1"):
            bounded(wrong, (0.0, 1.0))


@every_score
def test_protocol_is_json_and_names_seed_pruning_and_versions(score):
    protocol = score(CODES, FACTORS, seed=3).protocol
    assert json.loads(json.dumps(protocol)) == protocol
    assert protocol["seed"] == 3
    assert {"score", "scaling", "pruning", "interval"} <= protocol.keys()
    assert protocol["versions"]["numpy"] == np.__version__


@every_score
def test_one_seed_gives_one_result_and_leaves_global_randomness_alone(score):
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, again = score(CODES, FACTORS, seed=5), score(CODES, FACTORS, seed=5)
    for name, value in first._asdict().items():
        np.testing.assert_equal(getattr(again, name), value)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@every_score
def test_input_is_left_as_it_was(score):
    codes, factors = CODES.copy(), FACTORS.copy()
    score(codes, factors)
    np.testing.assert_array_equal(codes, CODES)
    np.testing.assert_array_equal(factors, FACTORS)


@every_score
@pytest.mark.parametrize("n_latents", [1, 4])
def test_codes_that_are_all_dead_score_no_more_than_chance(score, n_latents):
    result = score(np.full((len(FACTORS), n_latents), 0.1), FACTORS)
    chance = getattr(result, "chance", 0.0)
    assert result.score <= chance + 0.07  # 300 votes: one standard deviation is 0.027
    assert np.isfinite(result.interval).all()
    assert not result.saturated


@every_score
def test_two_hundred_latents_mostly_dead_score_finitely(score):
    result = score(with_dead(CODES, 200), FACTORS)
    assert np.isfinite(result.score)
    assert np.isfinite(result.interval).all()


@every_supervised
@pytest.mark.parametrize(
    ("codes", "factors", "message"),
    [
        (CODES[:, 0], FACTORS, r"codes must be \(n_samples, n_latents\), got shape \(500,\)"),
        (CODES[:, :0], FACTORS, r"codes have shape \(500, 0\): pass at least 10 samples and one"),
        (CODES[:9], FACTORS[:9], r"codes have shape \(9, 3\): pass at least 10 samples"),
        (
            CODES * np.array([1, np.nan, 1]),
            FACTORS,
            r"codes contain NaN or infinite values in latents \[1\]",
        ),
        (
            CODES + np.array([np.inf, 0, 0]),
            FACTORS,
            r"codes contain NaN or infinite values in latents \[0\]",
        ),
        (CODES, FACTORS[:, 0], r"factors must be \(n_samples, n_factors\), got shape \(500,\)"),
        (CODES, FACTORS[:400], "codes have 500 samples but factors have 400"),
        (CODES, FACTORS * 1.0, "factors must be integers, got float64: bin continuous ones"),
        (CODES, FACTORS * [1, 0, 1], r"factors \[1\] are constant: drop them before scoring"),
    ],
)
def test_bad_input_is_refused_by_every_score(score, codes, factors, message):
    with pytest.raises(ValueError, match=message):
        score(codes, factors)


@pytest.mark.parametrize("score", [higgins, factor_vae])
def test_votes_need_two_factors(score):
    with pytest.raises(ValueError, match=r"got 1 factor\(s\): .* needs at least 2"):
        score(CODES, FACTORS[:, :1])


@pytest.mark.parametrize("score", [higgins, factor_vae])
def test_votes_need_values_shared_by_two_images(score):
    factors = np.stack([np.arange(500), np.arange(500) % 2], axis=1)
    message = "factor 0 has no value shared by two of 333 images: .* bin it more coarsely"
    with pytest.raises(ValueError, match=message):
        score(CODES, factors)


@pytest.mark.parametrize("score", [sap, mcc])
def test_discrete_flags_must_fit_the_factors(score):
    with pytest.raises(ValueError, match=r"discrete has 2 flag\(s\) for 3 factors"):
        score(CODES, FACTORS, discrete=[True, False])


def test_mcc_needs_a_factor_with_an_order():
    with pytest.raises(ValueError, match="every factor is discrete: MCC needs one with an order"):
        mcc(CODES, FACTORS, discrete=[True] * 3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"estimator": "forest"}, "estimator must be one of .*extra_trees.*, got 'forest'"),
        ({"n_trees": 0}, "n_trees must be at least 1, got 0"),
    ],
)
def test_dci_refuses_settings_it_does_not_know(settings, message):
    with pytest.raises(ValueError, match=message):
        dci(CODES, FACTORS, **settings)


def test_udr_refuses_runs_that_saw_different_images():
    with pytest.raises(ValueError, match="codes_a have 500 samples but codes_b 400: encode the"):
        udr(CODES, CODES[:400])


def test_udr_names_the_run_that_diverged():
    with pytest.raises(
        ValueError, match=r"codes_b contain NaN or infinite values in latents \[2\]"
    ):
        udr(CODES, CODES * [1, 1, np.nan])


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
@pytest.mark.parametrize("codes", KINDS_OF_CODES.values(), ids=KINDS_OF_CODES.keys())
def test_every_listed_metric_keeps_within_its_bounds(metric, codes):
    """With the settings that studies are scored with, but for fewer votes."""
    target = {"factors": FACTORS, "classes": FACTORS[:, 0], "run": codes[::-1]}[metric.target]
    settings = {**metric.settings, **{k: v for k, v in few.items() if k in metric.settings}}
    result = metric.function(codes, target, **settings, seed=0)
    names = ["score", *(part.name for part in metric.parts)]
    intervals = ["interval", *(f"{part.name}_interval" for part in metric.parts)]
    for name, interval in zip(names, intervals, strict=True):
        value, (low, high) = getattr(result, name), getattr(result, interval)
        assert metric.bounds[0] <= low <= value <= high <= metric.bounds[1]
    assert result.protocol
    assert isinstance(bool(result.saturated), bool)


def test_names_of_rows_are_unique_and_have_a_label():
    names = [name for metric in METRICS for name in labels([metric])]
    assert len(names) == len(set(names))
    assert all(labels(METRICS).values())


def test_a_metric_of_ones_own_is_found_by_its_import_path():
    assert load_metric("own_metric:NEAREST") is NEAREST
    assert with_own(METRICS, [NEAREST]) == (*METRICS, NEAREST)
    with pytest.raises(ValueError, match="'nearest' exists already"):
        with_own(METRICS, [NEAREST, NEAREST])
    with pytest.raises(ValueError, match="has target 'run'"):
        with_own(METRICS, [NEAREST._replace(target="run")])


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("own_metric", "as package.module:NAME, got 'own_metric'"),
        ("nowhere.at_all:NEAREST", "cannot import metric nowhere.at_all:NEAREST: ModuleNotFound"),
        ("own_metric:NOTHING", "own_metric:NOTHING: AttributeError"),
        ("own_metric:NOT_A_METRIC", "is a function, expected an analysis.metrics.Metric"),
    ],
)
def test_a_path_that_leads_to_no_metric_is_one_line(path, message):
    with pytest.raises(ValueError, match=message) as error:
        load_metric(path)
    assert "\n" not in str(error.value)
