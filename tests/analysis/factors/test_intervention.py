import numpy as np
import pytest

from analysis.factors import DEFAULT_FACTORS
from analysis.factors.fidelity import fidelity
from analysis.factors.intervention import (
    Interventions,
    intervene,
    intervention_set,
    redrawn,
)
from analysis.factors.morphometry import measure
from analysis.latent_effects.alignment import Reader
from study.data.verified_files import data_dir

SMALL = {"n_per_class": 1, "n_levels": 3}


@pytest.fixture(scope="module")
def population(mnist):
    return mnist.test_images[:150], mnist.test_labels[:150]


@pytest.fixture(scope="module")
def made(population):
    return intervene(*population, **SMALL)


def test_each_digit_takes_every_combination_of_levels(made, population):
    assert np.unique(made.source).size == 10
    assert made.images.shape == (270, 28, 28)
    np.testing.assert_array_equal(made.labels, population[1][made.source])
    for source in np.unique(made.source):
        of_it = made.levels[made.source == source]
        assert sorted(map(tuple, of_it)) == sorted(np.ndindex(3, 3, 3))


def test_any_number_of_processes_draws_the_same(made, population):
    for one, other in zip(made, intervene(*population, **SMALL, n_jobs=2), strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_is_said_to_be_obtained_measures_so(made):
    table = measure(made.images)[list(DEFAULT_FACTORS)]
    np.testing.assert_allclose(made.obtained, table, atol=1e-9)


def test_levels_are_those_asked(made):
    """Thickness and slant in common; width by class, and for a "1" on top of its thickness."""
    for column in (0, 1):
        values = [made.asked[made.levels[:, column] == level, column] for level in range(3)]
        assert [np.ptp(value) for value in values] == pytest.approx([0, 0, 0])
        assert np.diff([value[0] for value in values]).min() > 0
    width = made.asked[:, 2].copy()
    width[made.labels == 1] -= made.asked[made.labels == 1, 0]
    for digit in range(10):
        of_level = [width[(made.labels == digit) & (made.levels[:, 2] == k)] for k in range(3)]
        assert [np.ptp(value) for value in of_level] == pytest.approx([0, 0, 0])
        assert np.diff([value[0] for value in of_level]).min() > 0
    assert made.asked[:, 0].min() >= 1.6


def test_what_is_asked_is_obtained(made):
    table = fidelity(made)
    own = table[table.property == table.varied].set_index("property")
    assert (own.r2 > 0.98).all(), own
    assert own.slope.tolist() == pytest.approx([1, 1, 1], abs=0.03)
    others = table[table.property != table.varied]
    assert (abs(others.obtained - others.asked) < 0.05).all(), others


def test_the_same_seed_draws_the_same_pictures(mnist):
    few = mnist.test_images[:6], [0, 0, 0, 1, 1, 1]
    first, again, other = (
        intervene(*few, n_per_class=1, n_levels=2, seed=seed) for seed in (0, 0, 1)
    )
    for one, same in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, same)
    assert not np.array_equal(first.source, other.source)


def planted(change):
    """One digit over three levels; what is obtained is what is asked, changed."""
    levels = np.array(list(np.ndindex(3, 3, 3)))
    asked = levels * [1.0, 0.1, 2.0] + 3
    images, n = np.zeros((27, 4, 4), np.uint8), np.zeros(27, np.int64)
    spread = np.array([2.0, 0.2, 5.0])
    return Interventions(images, n, n, levels, asked, change(asked), spread)


def test_fidelity_by_hand():
    def change(asked):
        return asked + [[0, 0, 0.5]] * (asked[:, [0]] - 4)  # width follows thickness by a half

    table = fidelity(planted(change)).set_index(["property", "varied"])
    leak = table.loc[("width_px", "thickness_px")]
    assert (leak.asked, leak.obtained, leak.miss) == pytest.approx((0, 0.5 * 2 / 5, 0.2))
    own = table.loc[("width_px", "width_px")]
    assert (own.asked, own.obtained, own.slope) == pytest.approx((4 / 5, 4 / 5, 1))
    # errors of -0.5, 0 and 0.5 a third each; asked are 3, 5 and 7
    assert own.rmse == pytest.approx(np.sqrt(1 / 6))
    assert own.r2 == pytest.approx(1 - (1 / 6) / (8 / 3))
    assert table.loc[("slant_rad", "slant_rad")].r2 == pytest.approx(1)
    assert np.isnan(leak.r2)


def test_a_cache_keeps_the_pictures_and_a_damaged_one_is_replaced(mnist, tmp_path):
    few = mnist.test_images[:4], [0, 0, 1, 1]  # two classes of two digits
    made = intervene(*few, n_per_class=1, n_levels=2, cache=tmp_path)
    (kept,) = tmp_path.glob("intervention-*")
    written = kept.stat().st_mtime_ns
    for one, other in zip(
        made, intervene(*few, n_per_class=1, n_levels=2, cache=tmp_path), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    assert kept.stat().st_mtime_ns == written
    for content in (b"", b"PK damaged", kept.read_bytes()[:500]):
        kept.write_bytes(content)
        again = intervene(*few, n_per_class=1, n_levels=2, cache=tmp_path)
        np.testing.assert_array_equal(again.images, made.images)
        assert kept.stat().st_size > 1000
    intervene(*few, n_per_class=1, n_levels=2, seed=1, cache=tmp_path)
    assert len(list(tmp_path.glob("intervention-*"))) == 2


def test_a_cache_that_cannot_be_written_costs_time_alone(mnist, tmp_path):
    (tmp_path / "file").touch()
    few = mnist.test_images[:4], [0, 0, 1, 1]
    made = intervene(*few, n_per_class=1, n_levels=2, cache=tmp_path / "file")
    assert made.images.shape == (16, 28, 28)


def test_refuses_what_makes_no_grid(population):
    with pytest.raises(ValueError, match="got 1 and 20"):
        intervene(*population, n_levels=1)
    with pytest.raises(ValueError, match="got 5 and 0"):
        intervene(*population, n_per_class=0)


def test_pictures_that_nothing_measures_are_not_redrawn(mnist):
    few = mnist._replace(test_images=mnist.test_images[:4], test_labels=mnist.test_labels[:4])
    assert redrawn(few._replace(measure=None), None) is None
    colours = np.repeat(few.test_images[..., None], 3, axis=3)
    assert redrawn(few._replace(test_images=colours), None) is None


def test_levels_are_the_factors_of_an_image_set(mnist):
    few = mnist._replace(test_images=mnist.test_images[:4], test_labels=np.array([0, 0, 1, 1]))
    images = intervention_set(redrawn(few, None))
    assert images.sample.factors.shape == (4 * 125, 3)
    assert np.bincount(images.sample.factors[:, 2]).tolist() == [100] * 5
    assert np.bincount(images.sample.labels).tolist() == [250, 250]


@pytest.mark.slow
def test_all_of_it_is_obtained_and_can_be_read(mnist):
    made = intervene(mnist.test_images, mnist.test_labels, cache=data_dir())
    table = fidelity(made)
    assert (table.r2.dropna() > 0.98).all()
    others = table[table.property != table.varied]
    assert (abs(others.obtained - others.asked) < 0.05).all()
    assert (others.miss < 0.05).all()
    reader = Reader.fit(mnist.train_images, mnist.train_labels)
    source = np.unique(made.source)
    before = (reader.read(mnist.test_images[source]) == mnist.test_labels[source]).mean()
    assert (reader.read(made.images) == made.labels).mean() > 0.95 * before
