"""What a search found: its front, how it got there, which parameters matter, and what to use.

All of it is of held-out images; the test set is measured for the front alone, once it stands.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import optuna
import pandas as pd
import yaml

from analysis.scoring.held_out import DIRECTIONS, on_test_set
from analysis.study import Study
from study.config.errors import StudyError
from study.config.search import Search
from study.storage.folder import Folder
from study.storage.study_file import read_study
from study.storage.tables import has_table, read_table, write_table

Floats = npt.NDArray[np.float64]

TEST = "_test"  # ends the columns of the test set
MIN_TRIALS = 4  # that importance is told from
BALANCED = "balanced"


def asked(folder: Folder) -> Search:
    """What a search was asked, by the last of its invocations.

    Raises:
        StudyError: the folder is not that of a search.
    """
    invocations = read_study(folder).get("invocations", [])
    told = [invocation["search"] for invocation in invocations if "search" in invocation]
    if not told:
        raise StudyError(f"{folder} is no search: its study.yaml does not tell of one")
    return Search(**told[-1])


def complete(trials: pd.DataFrame) -> pd.DataFrame:
    """The trials that have values; a configuration that was asked for twice, once."""
    done = trials[trials["state"] == "complete"]
    return done.drop_duplicates("run").reset_index(drop=True)


def costs(trials: pd.DataFrame, objectives: Sequence[str]) -> Floats:
    """Values of trials, (n_trials, n_objectives), signed so that lower is better."""
    signs = [1.0 if DIRECTIONS[name] == "minimize" else -1.0 for name in objectives]
    return trials[list(objectives)].to_numpy(dtype=np.float64) * signs


def non_dominated(cost: Floats) -> npt.NDArray[np.bool_]:
    """Whom no other beats in one objective and equals in the rest; (n, n_objectives) -> (n,)."""
    no_worse = (cost[:, None] <= cost[None]).all(axis=2)
    better = (cost[:, None] < cost[None]).any(axis=2)
    return np.asarray(~(no_worse & better).any(axis=0))


def hypervolume(cost: npt.ArrayLike, reference: npt.ArrayLike) -> float:
    """How much lies between the points and a reference that is worse in everything.

    Args:
        cost: (n, n_objectives), lower is better; points not better than the reference add nothing.
        reference: (n_objectives,).

    Source: Zitzler & Thiele 1999; computed slice by slice along the last objective.
    """
    limit = np.asarray(reference, np.float64)
    points = np.asarray(cost, np.float64).reshape(-1, len(limit))
    points = points[(points < limit).all(axis=1)]
    if not len(points):
        return 0.0
    if len(limit) == 1:
        return float(limit[0] - points.min())
    points = points[np.argsort(points[:, -1])]
    ends = np.append(points[1:, -1], limit[-1])
    return float(
        sum(
            (end - start) * hypervolume(points[: index + 1, :-1], limit[:-1])
            for index, (start, end) in enumerate(zip(points[:, -1], ends, strict=True))
            if end > start
        )
    )


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
    return best[["trial", "run", "pick", *search.space, *search.objectives]]


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

    fANOVA over random forests, as Optuna computes it (Hutter et al. 2014); no rows where fewer
    than four trials are complete or an objective is constant.
    """
    done = complete(trials)
    columns = ["objective", "parameter", "share"]
    if len(done) < MIN_TRIALS:
        return pd.DataFrame(columns=columns)
    study = _as_optuna(done, search)
    rows: list[dict[str, Any]] = []
    for index, name in enumerate(search.objectives):
        if done[name].nunique() < 2:
            continue
        found = optuna.importance.get_param_importances(
            study,
            evaluator=optuna.importance.FanovaImportanceEvaluator(seed=0),
            target=partial(_value, index=index),
        )
        rows += [{"objective": name, "parameter": p, "share": v} for p, v in found.items()]
    return pd.DataFrame(rows, columns=columns)


def write_front(study: Study, data_folder: Path | None) -> None:
    """Write the tables of a search: `front`, and `tables/` history and importance.

    Raises:
        DataError: the test set, on which the front is measured, is not to be had.
    """
    search = asked(study.folder)
    table = front(study.search, search)
    columns = [name + TEST for name in search.objectives]
    known = {}
    if has_table(study.folder, "front"):  # what was measured before
        before = read_table(study.folder, "front")
        if set(columns) <= set(before):
            known = dict(zip(before["run"], before[columns].to_numpy().tolist(), strict=True))
    measured = [
        known.get(runs) or _measured(study, runs.split(), search.objectives, data_folder)
        for runs in table["run"]
    ]
    table[columns] = np.array(measured, dtype=np.float64).reshape(len(table), len(columns))
    write_table(study.folder, "front", table, None)
    study.forget("front")
    tables = {
        "search-history": history(study.search, search.objectives),
        "search-importance": importance(study.search, search),
    }
    for name, rows in tables.items():
        (study.folder / "tables").write(f"{name}.csv", rows.to_csv(index=False).encode())


def what_to_use(study: Study) -> str:
    """The picks of a front in plain words, with the test set's values in brackets."""
    search, table = asked(study.folder), study.front
    if table.empty:
        return "no trial is complete: there is nothing to recommend yet"
    n = len(complete(study.search))
    lines = [f"What to use, of the {len(table)} of {n} trials that no other beats:"]
    for row in table[table["pick"] != ""].to_dict("records"):
        values = ", ".join(
            f"{name} {_short(row[name])} (test {_short(row[name + TEST])})"
            for name in search.objectives
        )
        lines.append(f"  {row['pick']}: {_words(row, search)}: {values}")
    return "\n".join(lines)


def as_grid(study: Study, seeds: Sequence[int]) -> str:
    """The configurations of a front as the YAML of a grid, to train them with more seeds."""
    search = asked(study.folder)
    members = []
    for row in study.front.to_dict("records"):
        run = study.config(row["run"].split()[0])
        members.append({name: getattr(run, name) for name in search.space})
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
    said: list[list[str]] = [[] for _ in cost]
    if not len(cost):
        return []
    for column, name in zip(cost.T, objectives, strict=True):
        extreme = "lowest" if DIRECTIONS[name] == "minimize" else "highest"
        said[int(column.argmin())].append(f"{extreme} {name}")
    if len(cost) > 2:
        span = np.ptp(cost, axis=0)
        scaled = (cost - cost.min(axis=0)) / np.where(span > 0, span, 1.0)
        said[int((scaled**2).sum(axis=1).argmin())].append(BALANCED)
    return [" and ".join(words) for words in said]


def _measured(
    study: Study, runs: list[str], objectives: list[str], data_folder: Path | None
) -> list[float]:
    models = [study.model(run) for run in runs]
    return on_test_set([(config, model) for model, config in models], objectives, data_folder)


def _as_optuna(done: pd.DataFrame, search: Search) -> optuna.Study:
    """Complete trials as a study in memory."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    directions = [DIRECTIONS[name] for name in search.objectives]
    study = optuna.create_study(directions=directions)
    distributions = search.distributions()
    for row in done.to_dict("records"):
        params = {name: row[name] for name in search.space}
        values = [row[name] for name in search.objectives]
        study.add_trial(
            optuna.trial.create_trial(params=params, distributions=distributions, values=values)
        )
    return study


def _value(trial: optuna.trial.FrozenTrial, index: int) -> float:
    return float(trial.values[index])


def _words(row: dict[Any, Any], search: Search) -> str:
    """`J = 12, beta = 1.5, with labels`."""
    said = []
    for name in search.space:
        value = row[name]
        if name == "conditioning":
            said.append("with labels" if value == "label" else "without labels")
        else:
            said.append(f"{'J' if name == 'latent_dim' else name} = {_short(value)}")
    return ", ".join(said)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
