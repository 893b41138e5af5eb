"""The latent explorer: a page with the decoders of a study on board."""

from analysis.report.explorer.page import write_explorer

__all__ = ["write_explorer"]
