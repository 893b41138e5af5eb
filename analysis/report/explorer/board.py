"""Which runs of a study the explorer has on board, with their decoders."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.report.explorer.decoder import decoder_layers
from analysis.report.explorer.layers import CannotShow, Layer, halves, n_bytes
from analysis.study import Study, configuration, named
from study.config.errors import StudyError
from study.config.run import RunConfig
from study.models import Vae
from study.storage.axes import STANDARD, alike, in_words, varied
from study.storage.tables import has_table

N_RUNS = 6
MAX_BYTES = 8_000_000  # of weights, in base64


class NothingToShow(StudyError):
    """No run of a study can be on board; says why."""


class OnBoard(NamedTuple):
    """A run that the page shows."""

    run: str
    model: Vae
    config: RunConfig
    axes: dict[str, Any]  # of the study: what tells it from the others
    layers: list[Layer]  # of its decoder, in half precision

    @property
    def title(self) -> str:
        return f"{in_words(self.axes)}, seed {self.config.seed}"


class Board(NamedTuple):
    """What the page shows."""

    runs: list[OnBoard]  # the first one is shown first
    left_out: dict[str, str]  # run -> why


def choose(study: Study) -> Board:
    """Runs on board, the most disentangled first: one a configuration, the lowest seed.

    The paper's four of Figure 7 (J = 10, beta 1 and 10, with and without labels) have a place;
    the top of the ranking takes the others, up to `N_RUNS` and `MAX_BYTES`. The one with the most
    knobs that turn is shown first, of equals the most disentangled.

    Raises:
        NothingToShow: no run has its weights, or the page can show no run's decoder.
    """
    by_rank = _one_a_configuration(study)
    paper = (by_rank["latent_dim"] == 10) & by_rank["beta"].isin([1, 10])
    paper &= by_rank["run"].isin(alike(by_rank)["run"])
    order = list(by_rank["run"])
    board = load(study, [*by_rank.loc[paper, "run"], *by_rank.loc[~paper, "run"]], MAX_BYTES)
    runs = sorted(board.runs, key=lambda one: order.index(one.run))
    first = max(runs, key=lambda one: _n_knobs(study, one.run))
    runs = [first, *(other for other in runs if other is not first)]
    return board._replace(runs=runs)


def load(study: Study, runs: Iterable[str], limit: float = np.inf) -> Board:
    """These runs with their decoders, up to `N_RUNS` where the bytes have a limit, but one.

    Raises:
        NothingToShow: the page can show no run's decoder.
        StudyError: the study has no such run, or not its weights.
    """
    board, size = Board([], {}), 0
    rows = study.trials.set_index("run")[[*STANDARD, *varied(study.trials)]]
    for run in runs:
        model, config = study.model(run)
        try:
            layers = halves(decoder_layers(model))
        except CannotShow as why:
            board.left_out[run] = str(why)
            continue
        size += n_bytes(layers) * 4 // 3  # in base64
        if board.runs and (size > limit or (len(board.runs) == N_RUNS and limit < np.inf)):
            break
        board.runs.append(OnBoard(run, model, config, dict(rows.loc[run]), layers))
    if not board.runs:
        whys = "; ".join(f"{run}: {why}" for run, why in board.left_out.items())
        raise NothingToShow(f"no decoder of {study.folder} can be shown in the page: {whys}")
    return board


def configuration_of(run: str) -> str:
    """The configuration of one run."""
    return str(configuration(pd.Series([run]))[0])


def ranks_of(study: Study) -> dict[str, int]:
    """Configuration -> its rank, in the order of the ranking; empty without one."""
    if not has_table(study.folder, "ranking"):
        return {}
    ranked = study.ranking.dropna(subset="rank")
    return dict(zip(ranked["configuration"], ranked["rank"].astype(int).tolist(), strict=True))


def _one_a_configuration(study: Study) -> pd.DataFrame:
    """Finished runs with weights, the lowest seed of each configuration, in order of rank."""
    done = study.trials[study.trials["state"] == "done"].sort_values("seed", kind="stable")
    have = done[[study.has_weights(run) for run in done["run"]]]
    if have.empty:
        lacking = f"; those of {named(list(done['run']))} are elsewhere" if len(done) else ""
        raise NothingToShow(f"{study.folder} holds the weights of no finished run{lacking}")
    table = have.assign(configuration=configuration(have["run"]))
    first = table.drop_duplicates("configuration").set_index("configuration").sort_index()
    ranks = ranks_of(study)
    order = [name for name in ranks if name in first.index]
    return first.loc[order + [name for name in first.index if name not in ranks]]


def _n_knobs(study: Study, run: str) -> int:
    """Properties of a run whose knob turns: what was asked for somewhere was obtained."""
    if not has_table(study.folder, "knobs"):
        return 0
    return int(study.knobs.query("run == @run and holds and asked != 0")["property"].nunique())
