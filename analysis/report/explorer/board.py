"""Which runs of a study the explorer has on board, with their networks."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.report.explorer.layers import CannotShow
from analysis.report.explorer.networks import (
    decoded_samples,
    decoder_difference,
    decoder_layers,
    encoder_difference,
    encoder_layers,
)
from analysis.report.explorer.weights import Stored, stored_within
from analysis.study import Study, configuration, named
from study.config.errors import StudyError
from study.config.run import RunConfig
from study.models import Vae
from study.storage.axes import STANDARD, alike, in_words, varied
from study.storage.tables import has_table

N_RUNS = 12
N_SEEDS = 3  # of a configuration
MAX_BYTES = 9_300_000  # of weights, in base64
PIXEL_OFF = 0.05  # of 1, that rounding may change a pixel by, on samples of the prior
CODE_OFF = 0.05  # that it may change a number of a code by, on pictures of these


class NothingToShow(StudyError):
    """No run of a study can be on board; says why."""


class OnBoard(NamedTuple):
    """A run that the page shows."""

    run: str
    model: Vae
    config: RunConfig
    axes: dict[str, Any]  # of the study: what tells its configuration from the others
    decoder: list[Stored]
    encoder: list[Stored]  # empty: the page cannot run it
    no_encoder: str = ""  # why

    @property
    def configuration(self) -> str:
        """What all seeds of it have in common, in words."""
        return in_words(self.axes)

    @property
    def title(self) -> str:
        return f"{self.configuration}, seed {self.config.seed}"

    @property
    def size(self) -> int:
        """Characters in the page."""
        return sum(one.size for one in (*self.decoder, *self.encoder))


class Board(NamedTuple):
    """What the page shows."""

    runs: list[OnBoard]  # the first one is shown first
    left_out: dict[str, str]  # run -> why


def choose(study: Study) -> Board:
    """Runs on board, the most disentangled first: up to `N_SEEDS` of a configuration.

    The paper's four of Figure 7 (J = 10, beta 1 and 10, with and without labels) have a place;
    the top of the ranking takes the others, up to `N_RUNS` and `MAX_BYTES`. The one with the most
    knobs that turn is shown first; of equals the one whose knobs change the class least.

    Raises:
        NothingToShow: no run has its weights, or the page can show no run's decoder.
    """
    by_rank = _by_rank(study)
    paper = (by_rank["latent_dim"] == 10) & by_rank["beta"].isin([1, 10])
    paper &= by_rank["run"].isin(alike(by_rank)["run"])
    order = list(by_rank["run"])
    board = load(study, [*by_rank.loc[paper, "run"], *by_rank.loc[~paper, "run"]], MAX_BYTES)
    runs = sorted(board.runs, key=lambda one: order.index(one.run))
    first = max(runs, key=lambda one: _turning(study, one.run))
    own = configuration_of(first.run)
    seeds = [other for other in runs if configuration_of(other.run) == own and other is not first]
    rest = [other for other in runs if configuration_of(other.run) != own]
    return board._replace(runs=[first, *seeds, *rest])


def load(study: Study, runs: Iterable[str], limit: float = np.inf) -> Board:
    """These runs with their networks, up to `N_RUNS` where the bytes have a limit, but one.

    Raises:
        NothingToShow: the page can show no run's decoder.
        StudyError: the study has no such run, or not its weights.
    """
    board, size = Board([], {}), 0
    rows = study.trials.set_index("run")[[*STANDARD, *varied(study.trials)]]
    for run in runs:
        model, config = study.model(run)
        try:
            decoder = _decoder(model)
        except CannotShow as why:
            board.left_out[run] = f"its decoder {why}"
            continue
        encoder, no_encoder = _encoder(model)
        one = OnBoard(run, model, config, dict(rows.loc[run]), decoder, encoder, no_encoder)
        size += one.size
        if board.runs and (size > limit or (len(board.runs) == N_RUNS and limit < np.inf)):
            break
        board.runs.append(one)
    if not board.runs:
        whys = "; ".join(f"{run}: {why}" for run, why in board.left_out.items())
        raise NothingToShow(f"no decoder of {study.folder} can be shown in the page: {whys}")
    return board


def _decoder(model: Vae) -> list[Stored]:
    return stored_within(
        decoder_layers(model), PIXEL_OFF, lambda rounded: decoder_difference(model, rounded)
    )


def _encoder(model: Vae) -> tuple[list[Stored], str]:
    """The encoder, or none and the reason."""
    pictures, labels = decoded_samples(model)
    try:
        return stored_within(
            encoder_layers(model),
            CODE_OFF,
            lambda rounded: encoder_difference(model, rounded, pictures, labels),
        ), ""
    except CannotShow as why:
        return [], str(why)


def configuration_of(run: str) -> str:
    """The configuration of one run."""
    return str(configuration(pd.Series([run]))[0])


def ranks_of(study: Study) -> dict[str, int]:
    """Configuration -> its rank, in the order of the ranking; empty without one."""
    if not has_table(study.folder, "ranking"):
        return {}
    ranked = study.ranking.dropna(subset="rank")
    return dict(zip(ranked["configuration"], ranked["rank"].astype(int).tolist(), strict=True))


def _by_rank(study: Study) -> pd.DataFrame:
    """Finished runs with weights, `N_SEEDS` of each configuration, in order of rank, then seed."""
    done = study.trials[study.trials["state"] == "done"].sort_values("seed", kind="stable")
    have = done[[study.has_weights(run) for run in done["run"]]]
    if have.empty:
        lacking = f"; those of {named(list(done['run']))} are elsewhere" if len(done) else ""
        raise NothingToShow(f"{study.folder} holds the weights of no finished run{lacking}")
    names = configuration(have["run"])
    few = have.assign(configuration=names)[have.groupby(names).cumcount() < N_SEEDS]
    ranks = ranks_of(study)
    few = few.assign(rank=few["configuration"].map(ranks).fillna(np.inf))
    return few.sort_values(["rank", "configuration", "seed"], kind="stable")


def _turning(study: Study, run: str) -> tuple[int, float]:
    """Properties of a run whose knob turns: what was asked for somewhere was obtained.

    And less what share of pictures changes its class where the knobs end.
    """
    if not has_table(study.folder, "knobs"):
        return 0, 0.0
    turned = study.knobs.query("run == @run and holds and asked != 0")
    changed = turned.groupby("property")["class_change"].max().fillna(0).mean()
    return int(turned["property"].nunique()), -round(float(np.nan_to_num(changed)), 2)
