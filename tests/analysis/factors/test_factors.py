import numpy as np
import pandas as pd
import pytest

from analysis.factors import morphometry
from analysis.factors.binning import discretise
from analysis.factors.image_set import image_set, measured


def table(**columns):
    return pd.DataFrame(columns)


def test_bins_by_hand():
    values = table(a=[0.5, -1.0, 7.0, 3.0, 100.0, 4.0])
    np.testing.assert_array_equal(discretise(values, 3)[:, 0], [0, 0, 2, 1, 2, 1])


def test_ties_share_a_bin_and_leave_no_gap():
    # ten zeros span bins 0 and 1 of four; the next bin follows without a gap
    values = table(a=[0.0] * 10 + list(range(1, 11)))
    bins = discretise(values, 4)[:, 0]
    assert np.bincount(bins).tolist() == [10, 5, 5]


def test_bins_hold_equal_counts_for_any_shape_of_distribution():
    rng = np.random.default_rng(0)
    values = table(a=rng.normal(size=1000), b=rng.pareto(1, size=1000), c=rng.uniform(size=1000))
    for column in discretise(values).T:
        assert np.bincount(column).tolist() == [50] * 20


def test_bins_keep_the_order_and_ignore_a_monotone_change():
    values = table(a=np.random.default_rng(0).normal(size=203))
    bins = discretise(values, 7)
    np.testing.assert_array_equal(bins, discretise(np.exp(values), 7))
    assert (np.diff(bins[values.a.argsort(), 0]) >= 0).all()


def test_few_values_keep_a_bin_each_however_rare():
    digits = np.array([3] * 99 + [4] + [9] * 900)
    np.testing.assert_array_equal(np.bincount(discretise(table(digit=digits))[:, 0]), [99, 1, 900])


def test_values_that_enough_images_share_keep_a_bin_each():
    """As published scores take the 40 orientations of dSprites; below that they are binned."""
    orientation = np.arange(800) % 40
    np.testing.assert_array_equal(discretise(table(a=orientation))[:, 0], orientation)
    assert len(np.unique(discretise(table(a=orientation[:780])))) == 20


def test_refuses_constant_missing_and_absent_factors():
    with pytest.raises(ValueError, match=r"factor 'b' is constant \(2\.5\): leave it out"):
        discretise(table(a=[1, 2, 3], b=[2.5, 2.5, 2.5]))
    with pytest.raises(ValueError, match="'a' is missing for 2 of 3 images, first \\[1, 2\\]"):
        discretise(table(a=[1, np.nan, np.inf], b=[1, 2, 3]))
    with pytest.raises(ValueError, match="no factors: got a table of 0 x 1"):
        discretise(table(a=[]))


def test_refuses_a_single_bin():
    with pytest.raises(ValueError, match="n_bins must be at least 2, got 1"):
        discretise(table(a=[1, 2]), 1)


def test_default_factors_are_measurements_in_their_units(mnist):
    images = mnist.test_images[:5]
    want = morphometry.measure(images)[["thickness_px", "slant_rad", "width_px"]]
    pd.testing.assert_frame_equal(measured(images), want)


@pytest.mark.slow
def test_default_factors_are_nearly_uncorrelated(mnist):
    # the reference gives "at most about 0.13" for the test images
    correlation = measured(mnist.test_images).corr().to_numpy()
    assert abs(correlation - np.eye(3)).max() == pytest.approx(0.131, abs=0.002)


def test_other_factors_come_on_request_and_are_measured_once(mnist, tmp_path):
    factors = measured(mnist.test_images[:30], ["length_px", "area_px2"], cache=tmp_path)
    assert list(factors.columns) == ["length_px", "area_px2"]
    assert len(list(tmp_path.iterdir())) == 1


def test_a_cache_that_cannot_be_written_costs_time_alone(mnist, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    images = mnist.test_images[:5]
    pd.testing.assert_frame_equal(measured(images, cache=tmp_path / "file"), measured(images))


def test_measured_refuses_unknown_names_and_blank_images(mnist):
    with pytest.raises(ValueError, match="no factors \\['colour'\\]: use"):
        measured(mnist.test_images[:2], ["colour"])
    blank = np.zeros((1, 28, 28), np.uint8)
    with pytest.raises(ValueError, match="'thickness_px' is missing for 1 of 3 images"):
        measured(np.concatenate([mnist.test_images[:2], blank]))


def test_factors_of_a_data_set_take_precedence_over_measured_ones(mnist):
    images, labels = mnist.test_images[:20], mnist.test_labels[:20]
    few = mnist._replace(test_images=images, test_labels=labels)
    given = pd.DataFrame({"size": np.arange(20) % 4, "angle": np.arange(20.0)})
    known = image_set(few._replace(test_factors=given), None)
    np.testing.assert_array_equal(known.sample.factors, discretise(given))
    np.testing.assert_array_equal(known.sample.labels, labels)
    taken = image_set(few, None)
    np.testing.assert_array_equal(taken.sample.factors, discretise(measured(images)))
    assert taken.key != known.key


def test_pictures_that_nothing_measures_have_classes_alone(mnist):
    few = mnist._replace(test_images=mnist.test_images[:20], test_labels=mnist.test_labels[:20])
    assert image_set(few._replace(measure=None), None).sample.factors.shape == (20, 0)
    with pytest.raises(ValueError, match="nothing measures pictures by 'colours'"):
        image_set(few._replace(measure="colours"), None)


def test_the_size_of_an_image_does_not_matter_to_what_is_measured(mnist):
    """A blank margin, wider on one side, leaves the digit as it is."""
    images = mnist.test_images[:30]
    wide = np.pad(images, ((0, 0), (2, 4), (6, 8)))
    rim = morphometry.measure(np.pad(images, ((0, 0), (2, 2), (2, 2))))
    pd.testing.assert_frame_equal(morphometry.measure(wide), rim, atol=1e-9)
