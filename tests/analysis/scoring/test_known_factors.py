"""`score_codes`: what it returns, and in which words it refuses."""

import numpy as np
import pandas as pd
import pytest
from planted_codes import grid, noise, perfect

from analysis import score_codes
from analysis.factors.image_set import ImageSet, Sample
from analysis.metrics import METRICS, RANKABLE
from analysis.scoring.evaluation import basis_units, unit_values

FACTORS = grid(4, 8)  # 512 images
CODES = perfect(FACTORS)
NAMES = pd.DataFrame(FACTORS, columns=["size", "x", "y"])


@pytest.fixture(scope="module")
def table():
    return score_codes(CODES + noise(len(CODES), 3), NAMES)


def test_a_row_a_score_with_its_interval_and_its_floor(table):
    assert set(RANKABLE) <= set(table.index)
    assert table["value"].between(table["low"], table["high"]).all()
    assert (table.loc["mig", "rotated"] < table.loc["mig", "value"] - 0.05).all()
    assert table.loc["higgins", "chance"] == pytest.approx(1 / 3)
    assert table.loc["sap", "label"] == "SAP"
    assert (table["note"] == "").all()


def test_a_study_computes_the_same_values(table):
    sample = Sample(FACTORS, np.zeros(len(FACTORS), np.int64), FACTORS.astype(float))
    images = ImageSet.of(np.zeros((len(FACTORS), 2, 2), np.uint8), sample, "known")
    units = [u for u in basis_units(METRICS, [images]) if (u.basis, u.scope) == ("latent", "all")]
    for value in unit_values(CODES + noise(len(CODES), 3), sample, units):
        assert value.value == table.loc[value.score, "value"], value.score


def test_arrays_lists_and_names_are_the_same_to_it(table):
    pd.testing.assert_frame_equal(score_codes(CODES + noise(len(CODES), 3), FACTORS), table)
    scored = score_codes((CODES + noise(len(CODES), 3)).tolist(), FACTORS.tolist())
    pd.testing.assert_frame_equal(scored, table)


def test_with_labels_what_the_class_explains_counts_for_nothing():
    labels = np.arange(len(FACTORS)) // 64 % 2
    shifted = FACTORS + 10 * labels[:, None]
    over_all, within = score_codes(CODES, shifted), score_codes(CODES, shifted, labels=labels)
    assert over_all.loc["mig", "value"] < 0.8
    assert within.loc["mig", "value"] == pytest.approx(1, abs=0.05)


def test_one_factor_has_no_votes_to_tell_apart():
    table = score_codes(CODES, NAMES[["size"]])
    assert {"mig", "sap", "mcc"} <= set(table.index)
    assert not {"higgins", "higgins_few", "factor_vae"} & set(table.index)


WITH_NAN = CODES.copy()
WITH_NAN[3, 1] = np.nan
BAD = {
    "codes have 500 rows but factors have 512": (CODES[:500], NAMES),
    r"codes of latents \[1\] are NaN": (WITH_NAN, NAMES),
    r"codes must be \(n_samples, n_latents\)": (CODES[:, 0], NAMES),
    "codes are not numbers": ([["a", "b"]] * 512, NAMES),
    r"factors must be \(n_images, n_factors\), got \(512,\)": (CODES, FACTORS[:, 0]),
    "factor 'size' is constant": (CODES, NAMES.assign(size=1)),
    "factor 'x' is missing for 1 of 512 images": (
        CODES,
        NAMES.assign(x=[np.nan] + [1, 2] * 255 + [1]),
    ),
    "values of factor 'y' are not numbers .*: number categories": (CODES, NAMES.assign(y="left")),
    "no factors": (CODES, NAMES[[]]),
    "pass at least 10 samples": (CODES[:510:57], NAMES[:510:57]),
}


@pytest.mark.parametrize("why", BAD)
def test_what_cannot_be_scored_is_refused_in_one_line(why):
    with pytest.raises(ValueError, match=why) as refused:
        score_codes(*BAD[why])
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("labels", [np.zeros((512, 2), int), np.full(512, 0.5), ["a"] * 512])
def test_labels_are_whole_numbers(labels):
    with pytest.raises(ValueError, match="labels must be whole numbers"):
        score_codes(CODES, NAMES, labels=labels)
    with pytest.raises(ValueError, match="labels have 3 rows but factors have 512"):
        score_codes(CODES, NAMES, labels=[0, 1, 2])
