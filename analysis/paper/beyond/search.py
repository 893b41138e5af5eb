"""The search of docs/beyond.md against the configurations of a grid, on the test images."""

from collections.abc import Collection, Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.paper.beyond.answers import NOTHING, Answer, signed
from analysis.paper.beyond.kinds import N_LATENTS, leading_rows
from analysis.paper.beyond.matched import UNDECIDED
from analysis.statistics.dominance import non_dominated
from analysis.statistics.elbo import with_joint_bound
from analysis.study import Study, configuration, named
from study.config.errors import StudyError

QUESTION = 7
WITH_ONE_SEED, AHEAD, NOT_AHEAD = "ahead with one seed", "ahead", "not ahead"

Floats = npt.NDArray[np.float64]


def bounds_and_scores(study: Study) -> pd.DataFrame:
    """Of every run that is scored, by its id: configuration, latent_dim, seed, neg_elbo and score.

    neg_elbo is in nats an image; with labels, it is that of image and label. Where all runs were
    trained on the same number of images, that number is not part of the configuration: so a trial,
    which does not see the held-out images, has the configuration of a run on all images.

    Raises:
        StudyError: the study is not scored.
    """
    rows = leading_rows(study)
    trials = with_joint_bound(study).set_index("run")
    score = rows[rows["basis"] == "latent"].set_index("run")["value"]
    names = configuration(trials.index.to_series())
    if trials["train_images"].nunique() == 1:
        names = names.str.replace(r"-train_images\d+", "", regex=True)
    table = trials[["latent_dim", "seed", "neg_elbo_joint"]].assign(
        score=score, configuration=names
    )
    return table.rename(columns={"neg_elbo_joint": "neg_elbo"}).dropna()


def compared(grid: pd.DataFrame) -> pd.DataFrame:
    """The runs of a grid with as many latents as the questions ask for."""
    return grid[grid["latent_dim"] == N_LATENTS]


def check_found(found: pd.DataFrame, trials: pd.DataFrame) -> None:
    """Refuse what the search did not find.

    Args:
        found: as `bounds_and_scores` gives them.
        trials: the same of the search.

    Raises:
        StudyError: a configuration is none of the search.
    """
    others = sorted(set(found["configuration"]) - set(trials["configuration"]))
    if others:
        raise StudyError(f"not found by the search, which has no such trial: {named(others)}")


def of_search(grid: pd.DataFrame, trials: pd.DataFrame, front: Collection[str]) -> Iterator[Answer]:
    """Who beats whom in both the negative ELBO and the score.

    Args:
        grid: as `bounds_and_scores` gives them; a configuration is the mean of its seeds. Left out
            are those of another number of latents than the questions'.
        trials: the same of the search; a trial is a run.
        front: the runs on its front, by held-out images.
    """
    configurations = _costs(_means(compared(grid)))
    found = _costs(trials)
    best = _costs(trials[trials.index.isin(front)])
    ahead = int(_beats(found, configurations).all(axis=1).sum())
    word = WITH_ONE_SEED if ahead else NOT_AHEAD
    yield _count("trials that beat every configuration", ahead, len(found), word)
    beaten = int(_beats(best, configurations).any(axis=0).sum())
    yield _count("configurations that a trial of the front beats", beaten, len(configurations))
    beaten = int(_beats(configurations, best).any(axis=0).sum())
    yield _count("trials of the front that a configuration beats", beaten, len(best))
    joint = non_dominated(np.concatenate([configurations, found]))
    words = "trials on the joint front of trials and configurations"
    yield _count(words, int(joint[len(configurations) :].sum()), int(joint.sum()))


def of_found(grid: pd.DataFrame, found: pd.DataFrame) -> Iterator[Answer]:
    """Whether configurations that the search found are ahead over seeds.

    Args:
        grid: as for `of_search`.
        found: the same of what was found, trained with the seeds of the grid.
    """
    grid = compared(grid)
    means = _means(grid)
    rivals = {
        ("neg_elbo", "negative ELBO"): means["neg_elbo"].idxmin(),
        ("score", "score"): means["score"].idxmax(),
    }
    each = list(found.groupby("configuration"))
    level = 1 - 0.05 / (len(each) * len(rivals))  # so that all hold at once with 95%
    for name, runs in each:
        answers = []
        for (column, words), rival in rivals.items():
            theirs = grid[grid["configuration"] == rival].set_index("seed")[column]
            apart = (runs.set_index("seed")[column] - theirs).dropna()
            words = f"{name} - {rival}, {words}"
            answers.append(signed(QUESTION, words, apart, level, "higher", "lower"))
        yield from answers
        both = [answer.answer for answer in answers]
        word = AHEAD if both == ["lower", "higher"] else NOT_AHEAD
        word = UNDECIDED if UNDECIDED in both else word
        beaten = int(_beats(_costs(_means(runs)), _costs(means)).sum())
        yield _count(f"configurations that {name} beats", beaten, len(means), word)


def _means(runs: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds, a row a configuration."""
    return runs.groupby("configuration")[["neg_elbo", "score"]].mean()


def _costs(table: pd.DataFrame) -> Floats:
    """(n, 2), lower is better."""
    return np.column_stack([table["neg_elbo"], -table["score"]]).astype(np.float64)


def _beats(ones: Floats, others: Floats) -> npt.NDArray[np.bool_]:
    """(n_ones, n_others): whether one is better in both."""
    return np.asarray((ones[:, None] < others[None]).all(axis=2))


def _count(words: str, value: int, n: int, word: str = "") -> Answer:
    """How many of how many."""
    ends = NOTHING._replace(value=float(value))
    return Answer(QUESTION, words, *ends, n, word or f"{value} of {n}")
