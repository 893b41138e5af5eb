import numpy as np
import pytest
from drawn_shapes import bar, ring

from analysis.factors.morphometry import measure
from analysis.factors.redraw import dilate, redraw, shear, stretch, strokes_of

MEASURED = ["thickness_px", "slant_rad", "width_px", "height_px"]


def measured(images):
    return measure(images)[MEASURED].to_numpy()


def drawn(image, **wanted):
    """One picture of `image` with some of its measurements changed."""
    own = measured(image)[0]
    row = [wanted.get(name, value) for name, value in zip(MEASURED, own, strict=True)]
    return redraw(strokes_of(image[0], own), np.array([row]))


@pytest.mark.parametrize("slant", [-0.4, -0.2, 0.2, 0.4])
def test_a_sheared_bar_leans_by_the_angle(slant):
    sheared = measure(shear(bar(4), np.tan(slant)))
    assert sheared.slant_rad[0] == pytest.approx(slant, abs=0.003)
    assert sheared.width_px[0] == pytest.approx(measure(bar(4, slant)).width_px[0], abs=0.3)


@pytest.mark.parametrize("factor", [1.25, 1.5, 2])
def test_a_stretched_bar_is_as_much_wider(factor):
    before, after = measure(bar(10)), measure(stretch(bar(10), factor))
    # `measure` blurs by a third of a pixel a side, before and after
    assert after.width_px[0] == pytest.approx(factor * before.width_px[0], abs=0.4)
    assert after.height_px[0] == pytest.approx(before.height_px[0], abs=0.05)


@pytest.mark.parametrize("amount", [-0.5, 0, 0.5, 1])
def test_a_dilated_ring_is_thicker_by_twice_the_amount(amount):
    assert measure(dilate(ring(3), amount)).thickness_px[0] == pytest.approx(
        3 + 2 * amount, abs=0.12
    )


def test_a_dilated_bar_grows_on_all_sides():
    before, after = measured(bar(6))[0], measured(dilate(bar(6), 1))[0]
    assert after[2:] - before[2:] == pytest.approx([2, 2], abs=0.2)
    assert after[1] == pytest.approx(0, abs=1e-3)


def test_each_image_takes_its_own_amount():
    two = np.concatenate([bar(4), bar(4)])
    assert measure(shear(two, [0.1, -0.3])).slant_rad.to_numpy() == pytest.approx(
        np.arctan([0.1, -0.3]), abs=0.004
    )
    wide = measure(stretch(two, [1, 2])).width_px
    assert wide[1] > 1.8 * wide[0]
    np.testing.assert_array_equal(stretch(two, 1.0), two)
    np.testing.assert_array_equal(shear(two, 0.0), two)


def test_a_digit_drawn_as_it_was_looks_and_measures_the_same(mnist):
    images = mnist.test_images[:15]
    same = np.concatenate([drawn(image[None]) for image in images])
    assert abs(same.astype(float) - images).mean() < 2.5  # grey levels of 255
    off = abs(measured(same) - measured(images)).mean(axis=0)
    assert (off < [0.1, 0.01, 0.25, 0.25]).all()


@pytest.mark.parametrize("thickness", [2, 2.5, 3.5, 4.5])
def test_a_ring_is_drawn_with_another_pen(thickness):
    other = measure(drawn(ring(3), thickness_px=thickness))
    assert other.thickness_px[0] == pytest.approx(thickness, abs=0.1)
    # 1% of the mass lies outside at either end: more columns of a thin line
    assert other.width_px[0] == pytest.approx(measure(ring(3)).width_px[0], abs=0.5)


def test_the_pen_stays_even_where_the_line_is_stretched():
    before = measured(ring(3, radius=7))[0]
    wide = drawn(ring(3, radius=7), width_px=before[2] + 6)
    assert measured(wide)[0] - before == pytest.approx([0, 0, 6, 0], abs=0.5)
    through = wide[0, :, 14] / 255, wide[0, 14] / 255  # ink across two strokes each
    assert [ink.sum() for ink in through] == pytest.approx([6, 6], abs=0.6)
    inked = stretch(ring(3, radius=7), (before[2] + 6) / before[2])
    assert inked[0, 14].sum() / 255 > 7.5  # a stretch of the ink thickens upright strokes


def test_a_loop_stays_open_however_thick_the_pen():
    small = ring(2, radius=3)
    thick = drawn(small, thickness_px=6.0)
    assert thick[0, 13:15, 13:15].max() < 0.6 * thick.max()
    assert dilate(small, 2)[0, 13:15, 13:15].min() == 255  # where a dilation fills it


def test_what_would_leave_the_image_moves_back_into_it():
    # a circle of 19 px around a place 4 px right of the middle, leaning by 0.6 rad, is 22.4 px wide
    centred = drawn(ring(3), slant_rad=0.6)
    leaning = drawn(np.roll(ring(3), 4, axis=2), slant_rad=0.6)
    columns = np.arange(28)
    shift = [(image[0].sum(axis=0) @ columns) / image.sum() for image in (leaning, centred)]
    assert shift[0] - shift[1] == pytest.approx(14 - 22.4 / 2, abs=0.5)
    assert leaning.sum() == pytest.approx(centred.sum(), rel=0.003)
