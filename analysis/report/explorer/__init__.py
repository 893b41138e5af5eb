"""The latent explorer: a page with the decoders of a study on board."""

from analysis.report.explorer.board import NothingToShow
from analysis.report.explorer.page import write_explorer

__all__ = ["NothingToShow", "write_explorer"]
