"""What a study lacks of its scores, computed over Ray; its ranking."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import pandas as pd
from rich.table import Table

from analysis.factors.image_set import ImageSet
from analysis.metrics import CLASS_PROBE, DCI, FACTOR_VAE, LABELS, METRICS, MIG, Metric, with_own
from analysis.scoring.cache import ScoreCache
from analysis.scoring.targets import Setup, score_targets
from analysis.statistics.elbo import configurations, with_joint_bound
from analysis.statistics.ranking import RANKING, agreement, ica_table, ranking, unlisted
from analysis.statistics.wording import count
from analysis.study import Study
from study.config.errors import StudyError
from study.storage.axes import with_axes
from study.storage.tables import write_table


class Outcome(NamedTuple):
    """What scoring did."""

    computed: int  # rows
    unscored: dict[str, str]  # run, pair or control -> why


def score_study(
    study: Study,
    sets: tuple[ImageSet, ...],
    connect: Callable[[], None],
    say: Callable[[str], None] = lambda _: None,
    metrics: Sequence[Metric] = (),
    advance: Callable[[str, int, int], None] = lambda *_: None,
) -> Outcome:
    """Compute and write what a study lacks of its scores; a failure costs its own rows alone.

    Args:
        study: its scores are written to its folder: scores, controls and udr.
        sets: images to score on: those of the test set, with their classes and, where they are
            known, factors; then others that have factors.
        connect: joins Ray; called once, and only where something is missing.
        say: takes news of progress, a line at a time.
        metrics: a user's own, scored beside those of analysis.metrics.
        advance: gets the stage, how many of its tasks are done, and of how many.

    Raises:
        StudyError: a table is damaged, or Ray cannot be joined.
        ValueError: a metric bears a name that is taken.
    """
    cache = ScoreCache(study, Setup(sets, with_own(METRICS, metrics)))
    if sets[0].sample.factors.shape[1] == 0:
        say("no factors are known for these images: scores of factors are left out")
    runs, unscored = _scorable(study)
    groups, failed = [], dict[str, str]()
    for run in runs:
        try:
            groups.append(score_targets(study, run))
        except StudyError as error:  # its files are damaged; the scores that it has stay
            failed[run] = str(error)
    jobs = cache.missing(groups)
    if jobs.count():
        connect()
        rows, tasks = count(jobs.rows(), "score"), count(jobs.count(), "task")
        say(f"scoring {count(len(groups), 'run')}: {rows} to compute in {tasks}")
        from analysis.scoring.tasks import work  # Ray is slow, and often nothing is missing

        try:
            failed |= work(jobs, cache, say, advance)
        finally:
            cache.write()
    elif cache.changed():
        cache.write()
    kept = set(cache.table()["run"])  # a clone may hold the rows of runs whose weights it lacks
    absent = {run: why for run, why in unscored.items() if run not in kept}
    return Outcome(cache.computed, absent | failed)


def write_ranking(study: Study) -> None:
    """Rank the configurations and write the tables behind it.

    `ranking` goes to the study's folder; `elbo`, `ica` and `agreement` go to `tables/`.
    """
    trials = with_joint_bound(study)
    ranked = ranking(trials, study.scores, study.udr)
    write_table(study.folder, "ranking", ranked, None)
    study.forget("ranking")
    tables = {
        "elbo": configurations(trials, study.latents, study.scores),
        "ica": ica_table(with_axes(study.scores, trials)),
        "agreement": agreement(ranked, unlisted(study.scores)),
    }
    for name, table in tables.items():
        write_table(study.folder / "tables", name, table, None)


def ranking_table(ranked: pd.DataFrame, more: Sequence[str] = ()) -> Table:
    """A row a configuration, as a person reads it; `more` names a user's own metrics."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    columns = [*(metric.name for metric in (MIG, DCI, FACTOR_VAE)), *more, CLASS_PROBE.name]
    headings = ["rank", "configuration", "seeds", "score [95%]", "rotated"]
    headings += [LABELS.get(name, name) for name in columns]
    for heading in (*headings, "neg_elbo_joint", "front", "untrained", "pixel PCA"):
        if heading == "configuration":  # folded, not cut: what tells two apart may stand last
            table.add_column(heading, overflow="fold", min_width=16)
        else:
            table.add_column(heading, justify="right")
    for row in ranked[ranked[RANKING].notna()].to_dict("records"):
        interval = f"{row[RANKING]:.3f} [{row[f'{RANKING}_low']:.3f}, "
        table.add_row(
            str(row["rank"]),
            row["configuration"],
            str(row["n_scored"]),
            f"{interval}{row[f'{RANKING}_high']:.3f}]",
            *(_cell(row[name]) for name in (f"{RANKING}_rotated", *columns)),
            f"{row['neg_elbo_joint']:.2f}",
            "yes" if row["pareto"] else "",
            *(_cell(row[f"{RANKING}_{name}"]) for name in ("untrained", "pixel_pca")),
        )
    table.caption = (
        f"score: {ranked['ranked_by'].iloc[0]}; rotated: the same codes after random rotations."
        f" {LABELS[CLASS_PROBE.name]}: how often a linear classifier reads the class from the"
        " codes. front (Pareto front): no other configuration has both a lower neg_elbo_joint and"
        " a higher score. Last two columns: the scores of an untrained encoder and of the pixels'"
        " PCA. –: cannot be computed, for example without active latents."
    )
    table.caption_justify = "left"
    return table


def _cell(value: float) -> str:
    """A score as the table shows it; a dash where it cannot be computed."""
    return "–" if pd.isna(value) else f"{value:.3f}"


def _scorable(study: Study) -> tuple[list[str], dict[str, str]]:
    """Runs with a model to score, and why the others have none."""
    runs, unscored = [], {}
    for row in study.trials.to_dict("records"):
        if row["state"] != "done":
            error = row["error"]  # NaN where there is none
            unscored[row["run"]] = error if isinstance(error, str) else "not finished yet"
        elif not study.has_weights(row["run"]):
            unscored[row["run"]] = "its weights are not here"
        else:
            runs.append(row["run"])
    return runs, unscored
