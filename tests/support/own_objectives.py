"""Objectives from outside the packages that go wrong."""

import torch


def never_finite(terms, weights):
    return terms["recon"] + torch.log(terms["recon"] - terms["recon"] - 1)


def goes_wrong_later(terms, weights):
    """Not finite from the fourth step on."""
    return terms["recon"] * torch.where(terms["step"] < 3, 1.0, torch.nan)


def of_another_shape(terms, weights):
    return terms["latent"].sum(dim=-1)
