"""Test images of a data set, and what measures the pictures that models draw."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.factors.image_set import measured
from analysis.factors.regression import in_words, read_factors
from analysis.latent_effects.alignment import PROPERTIES, Pictures, Reader, some_of_every_digit
from analysis.latent_effects.floors import floors
from study.data import Dataset

N_FLOOR = 20  # images of every digit, of which the floors are measured
READ_FACTORS = "read-factors"  # of `tables/`: how well a regression reads known factors


def measured_pictures(data: Dataset, cache: Path | None) -> Pictures:
    """Test images to start traversals from, and a reader that has learnt from the training set."""
    reader = Reader.fit(data.train_images, data.train_labels)
    spread = measured(data.test_images, PROPERTIES, cache=cache).std(ddof=0).to_numpy()
    chosen = some_of_every_digit(data.test_labels, N_FLOOR)
    floor = floors(data.test_images[chosen], spread, cache)
    digits = data.test_labels.astype(np.int64)
    return Pictures(data.test_images, digits, spread, reader, floor)


def read_pictures(
    data: Dataset, say: Callable[[str], None] = lambda _: None
) -> tuple[Pictures, pd.DataFrame]:
    """Test images to start traversals from, whose known factors a regression reads.

    Returns:
        The pictures, and how well each factor is read: see `regression.Read`.
    """
    say(f"learning to read the factors of {data.name} from its pictures")
    measurer, table = read_factors(data)
    say(f"factors of {data.name} {in_words(table)}")
    names = [factor.label for factor in measurer.factors]
    spread = pd.DataFrame(data.test_factors)[names].std(ddof=0).to_numpy(np.float64)
    labels = data.test_labels.astype(np.int64)
    nothing = np.eye(len(names))  # is known to move with another factor
    return Pictures(data.test_images, labels, spread, None, nothing, measurer), table
