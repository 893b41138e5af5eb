"""Which images stand for a data set."""

import numpy as np
import pytest

from analysis.factors.examples import examples, examples_in_words
from study.data import Dataset


def data(labels, n_classes, measure=None):
    images, labels = np.zeros((len(labels), 4, 4), np.uint8), np.asarray(labels)
    arrays = images, labels, images, labels
    return Dataset(*arrays, n_classes=n_classes, measure=measure)


DIGITS = np.tile(np.arange(10), 3)


@pytest.mark.parametrize(
    ("of", "most", "expected", "words"),
    [
        (data(DIGITS, 10, "strokes"), 10, list(range(10)), "the first test image of every digit"),
        (data(DIGITS[::-1], 10), 20, [9, 19, 8, 18], "the first 2 test images of every class"),
        (data([1, 0, 1, 0, 1, 1], 2), 4, [1, 3, 0, 2], "the first 2 test images of every class"),
        (data(np.arange(50), 1000), 3, [0, 1, 2], "the first test image of 3 of 1000 classes"),
        (data(np.zeros(50, int), 0), 3, [0, 1, 2], "the first 3 test images"),
    ],
)
def test_a_few_of_each_class_or_the_first(of, most, expected, words):
    shown = examples(of, most)
    assert len(shown) <= most
    assert shown[: len(expected)].tolist() == expected
    assert examples_in_words(of, most) == words
