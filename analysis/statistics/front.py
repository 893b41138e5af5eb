"""What came of a search: its front, how it got there, which parameters matter, and what to use.

All of it is of held-out images; the test set is measured for the front alone, once it stands.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import optuna
import pandas as pd
import yaml

from analysis.statistics.dominance import hypervolume, non_dominated
from analysis.statistics.objectives import DIRECTIONS
from analysis.study import Study
from study.config.errors import StudyError
from study.config.run import in_a_cell
from study.config.search import Search
from study.storage.folder import Folder
from study.storage.study_file import read_study
from study.storage.tables import column_of

Floats = npt.NDArray[np.float64]

WITH_LABELS = {
    "none": "without labels",
    "label": "with labels",
    "prior": "with labels in the prior",
}
TEST = "_test"  # ends the columns of the test set
MIN_TRIALS = 4  # fewer do not show which parameter matters
BALANCED = "balanced"


def search_of(folder: Folder) -> Search:
    """The settings of a search, from the last of its invocations.

    Raises:
        StudyError: the folder is not that of a search.
    """
    invocations = read_study(folder).get("invocations", [])
    searches = [invocation["search"] for invocation in invocations if "search" in invocation]
    if not searches:
        raise StudyError(f"{folder} is not a search: its study.yaml describes none")
    return Search(**searches[-1])


def complete(trials: pd.DataFrame) -> pd.DataFrame:
    """The trials that have values; a configuration that was proposed twice, once."""
    done = trials[trials["state"] == "complete"]
    return done.drop_duplicates("run").reset_index(drop=True)


def costs(trials: pd.DataFrame, objectives: Sequence[str]) -> Floats:
    """Values of trials, (n_trials, n_objectives), signed so that lower is better."""
    signs = [1.0 if DIRECTIONS[name] == "minimize" else -1.0 for name in objectives]
    return trials[list(objectives)].to_numpy(dtype=np.float64) * signs


def front(trials: pd.DataFrame, search: Search) -> pd.DataFrame:
    """The complete trials that no other beats, in the order of the first objective.

    Returns:
        trial, run, pick (what a row is best at, "balanced", or ""), parameters, values.
    """
    done = complete(trials)
    best = done[non_dominated(costs(done, search.objectives))]
    order = np.argsort(costs(best, search.objectives)[:, 0], kind="stable")
    best = best.iloc[order].reset_index(drop=True)
    best["pick"] = _picks(costs(best, search.objectives), search.objectives)
    return best[["trial", "run", "pick", *map(column_of, search.space), *search.objectives]]


def history(trials: pd.DataFrame, objectives: Sequence[str]) -> pd.DataFrame:
    """How a search got on: trial, objective, value, best so far.

    With several objectives, "hypervolume" is one of them: that of the front so far, as a share of
    the last one's; its reference is the worst that was seen of each.
    """
    done = complete(trials).sort_values("trial")
    cost = costs(done, objectives)
    signs = costs(pd.DataFrame([dict.fromkeys(objectives, 1.0)]), objectives)[0]
    parts = []
    for name, column, sign in zip(objectives, cost.T, signs, strict=True):
        best = np.minimum.accumulate(column) * sign
        parts.append(pd.DataFrame({"objective": name, "value": column * sign, "best": best}))
    if len(objectives) > 1 and len(done) > 1:
        limit = cost.max(axis=0)
        volumes = np.array([hypervolume(cost[: n + 1], limit) for n in range(len(cost))])
        share = volumes / volumes[-1] if volumes[-1] else volumes
        parts.append(pd.DataFrame({"objective": "hypervolume", "value": share, "best": share}))
    for part in parts:
        part.insert(0, "trial", done["trial"].to_numpy())
    return pd.concat(parts, ignore_index=True)


def importance(trials: pd.DataFrame, search: Search) -> pd.DataFrame:
    """How much of each objective's variance a parameter explains: objective, parameter, share.

    Of the parameters that every trial has. fANOVA over random forests, as Optuna computes it
    (Hutter et al. 2014); no rows where fewer than four trials are complete or an objective is
    constant.
    """
    done = complete(trials)
    columns = ["objective", "parameter", "share"]
    if len(done) < MIN_TRIALS:
        return pd.DataFrame(columns=columns)
    study = as_optuna(done, search)
    rows: list[dict[str, Any]] = []
    for index, name in enumerate(search.objectives):
        if done[name].nunique() < 2:
            continue
        shares = optuna.importance.get_param_importances(
            study,
            evaluator=optuna.importance.FanovaImportanceEvaluator(seed=0),
            target=partial(_value, index=index),
        )
        rows += [{"objective": name, "parameter": p, "share": v} for p, v in shares.items()]
    return pd.DataFrame(rows, columns=columns)


def what_to_use(study: Study) -> str:
    """The picks of a front in plain words, with the test set's values in brackets."""
    search, table = search_of(study.folder), study.front
    if table.empty:
        return "no trial is complete: there is nothing to recommend yet"
    n = len(complete(study.search))
    lines = [f"What to use, from the Pareto front ({len(table)} of {n} trials):"]
    for row in table[table["pick"] != ""].to_dict("records"):
        values = ", ".join(
            f"{name} {_short(row[name])} (test {_short(row[name + TEST])})"
            for name in search.objectives
        )
        lines.append(f"  {row['pick']}: {_words(row, search)}: {values}")
    return "\n".join(lines)


def as_grid(study: Study, seeds: Sequence[int]) -> str:
    """The configurations of a front as the YAML of a grid, to train them with more seeds."""
    search = search_of(study.folder)
    members = []
    for row in study.front.to_dict("records"):
        run = study.config(row["run"].split()[0])
        values = {key: in_a_cell(value) for key, value in run}  # a list would be an axis
        members.append(search.draw(values.get))
    if not members:
        raise StudyError(f"no trial in {study.folder} is complete: there is no front to export")
    head = (
        f"# The front of {study.folder.name} for {', '.join(search.objectives)}. Without\n"
        "# train_images the runs would be trained on the held-out images too.\n"
    )
    content = {**search.constants, "seed": list(seeds), "union": members}
    return head + yaml.safe_dump(content, sort_keys=False)


def _picks(cost: Floats, objectives: Sequence[str]) -> list[str]:
    """What each point of a front is best at; `BALANCED` is nearest to the best of everything."""
    picks: list[list[str]] = [[] for _ in cost]
    if not len(cost):
        return []
    for column, name in zip(cost.T, objectives, strict=True):
        extreme = "lowest" if DIRECTIONS[name] == "minimize" else "highest"
        picks[int(column.argmin())].append(f"{extreme} {name}")
    if len(cost) > 2:
        span = np.ptp(cost, axis=0)
        scaled = (cost - cost.min(axis=0)) / np.where(span > 0, span, 1.0)
        picks[int((scaled**2).sum(axis=1).argmin())].append(BALANCED)
    return [" and ".join(words) for words in picks]


def of_all(done: pd.DataFrame, search: Search) -> list[str]:
    """Columns of parameters that every trial has: none that belongs to one objective alone."""
    return [name for name in map(column_of, search.space) if done[name].notna().all()]


def as_optuna(done: pd.DataFrame, search: Search) -> optuna.Study:
    """Complete trials as a study in memory, its parameters named as the columns.

    A parameter that is missing was not drawn.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    directions = [DIRECTIONS[name] for name in search.objectives]
    study = optuna.create_study(directions=directions)
    distributions = {column_of(name): one for name, one in search.distributions().items()}
    for row in done.to_dict("records"):
        params = {name: row[name] for name in distributions if not pd.isna(row[name])}
        own = {name: distributions[name] for name in params}
        values = [row[name] for name in search.objectives]
        study.add_trial(optuna.trial.create_trial(params=params, distributions=own, values=values))
    return study


def _value(trial: optuna.trial.FrozenTrial, index: int) -> float:
    return float(trial.values[index])


def _words(row: dict[Any, Any], search: Search) -> str:
    """`J = 12, beta = 1.5, with labels`."""
    words = []
    for name in search.space:
        value = row[column_of(name)]
        if name == "conditioning":
            words.append(WITH_LABELS[value])
        elif not pd.isna(value):
            words.append(f"{'J' if name == 'latent_dim' else name} = {_short(value)}")
    return ", ".join(words)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
