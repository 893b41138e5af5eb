"""Which runs figures show."""

from types import SimpleNamespace

import pandas as pd
import pytest

from analysis.figures.inputs import FigureInputs, Missing


def test_one_beta_is_the_standard_vae_if_it_is_1_and_a_beta_vae_otherwise():
    trials = pd.DataFrame(
        {"run": ["a"], "latent_dim": [5], "beta": [4.0], "conditioning": ["none"],
         "seed": [0], "state": ["done"]}
    )  # fmt: skip
    inputs = FigureInputs(SimpleNamespace(trials=trials), None)
    assert inputs.paper_run("beta").title == "β-VAE (β = 4, J = 5)"
    with pytest.raises(Missing, match="no other β than 4 at J = 5"):
        inputs.paper_run("standard")
    assert [shown.run for shown in inputs.paper_runs()] == ["a"]
