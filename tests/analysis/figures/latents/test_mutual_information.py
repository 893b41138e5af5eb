"""What latents tell of factors."""

import numpy as np
import pandas as pd
import pytest
from planted_codes import N_VALUES, grid, perfect
from tidy import assert_tidy, ticks

from analysis.figures.latents.mutual_information import caption, draw_information, information


def test_a_latent_that_is_a_factor_tells_all_of_it_and_nothing_else():
    factors = grid()
    table = information(perfect(factors), factors, ["a", "b", "c"])
    wide = table.pivot(index="latent", columns="factor", values="information")
    np.testing.assert_allclose(wide, np.log(N_VALUES) * np.eye(3), atol=1e-12)
    assert table["entropy"].to_numpy() == pytest.approx(np.log(N_VALUES))
    assert wide.index.tolist() == [1, 2, 3]


@pytest.mark.parametrize(("n_runs", "j"), [(1, 3), (4, 10), (4, 200)])
def test_information_shows_at_most_twenty_latents_with_the_factors(n_runs, j):
    rows = [
        {"run": f"r{run}", "latent_dim": j, "beta": 4.0, "conditioning": "none", "latent": latent,
         "factor": factor, "information": 0.01 * latent, "entropy": 3.0}
        for run in range(n_runs)
        for latent in range(1, j + 1)
        for factor in ("thickness_px", "slant_rad", "width_px")
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    figure = draw_information(table)
    assert_tidy(figure)
    assert len(figure.axes) == n_runs + 1
    assert ticks(figure.axes[0]) == [f"z{latent}" for latent in range(max(1, j - 19), j + 1)]
    assert ticks(figure.axes[0], "x") == ["thickness", "slant", "width"]
    assert figure.axes[-1].get_ylabel() == "mutual information (nats)"
    assert f"{0.01 * j:.2f} nats: z{j} of" in caption(table)
