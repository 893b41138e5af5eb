import pytest
import torch

from study.config.errors import UsageError
from study.losses import OBJECTIVES, figures, find_objective


def test_beta_weighs_the_kl_alone():
    terms = {"recon": torch.tensor(80.0), "kl": torch.tensor(20.0)}
    assert OBJECTIVES["beta"](terms, {"beta": torch.tensor(4.0)}).item() == 160


def test_a_pack_has_a_cost_a_member():
    terms = {"recon": torch.tensor([80.0, 90.0]), "kl": torch.tensor([20.0, 10.0])}
    cost = OBJECTIVES["beta"](terms, {"beta": torch.tensor([4.0, 1.0])})
    assert cost.tolist() == [160, 100]


def test_the_four_figures_by_hand():
    terms = {"recon": 80.0, "kl": 20.0}
    assert figures(terms, 4.0) == {
        "objective": 160,
        "neg_elbo": 100,
        "kl_fraction": 0.5,
        "kl_fraction_raw": 0.2,
    }
    plain = figures(terms, 1.0)
    assert plain["objective"] == plain["neg_elbo"]
    assert plain["kl_fraction"] == plain["kl_fraction_raw"]


def test_another_objective_is_what_was_measured():
    measured = figures({"recon": 80.0, "kl": 20.0, "objective": 160.0}, beta=1.0)
    assert measured == figures({"recon": 80.0, "kl": 20.0}, beta=4.0)


def test_an_unknown_objective_is_named_with_the_nearest():
    with pytest.raises(UsageError, match=r"unknown objective 'bete' \(did you mean 'beta'\?\)"):
        find_objective("bete")
