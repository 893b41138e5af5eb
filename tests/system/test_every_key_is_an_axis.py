"""Whatever key of the configuration varies in a study: seeds are pooled, and nothing else is."""

import io
from typing import Literal, get_args, get_origin

import pytest
from pages import finished, write_runs, write_scores
from rich.console import Console

from analysis.figures.charts import (
    along_beta,
    before_and_after_ica,
    curves,
    kl_by_latent,
    pareto,
    ranking,
)
from analysis.figures.inputs import FigureInputs, Missing
from analysis.paper.checks import paper_runs
from analysis.report.explorer.board import choose, load
from analysis.report.page import gather
from analysis.report.sections.summary import best
from analysis.scoring.score_study import ranking_table
from analysis.study import Study
from study.config.belongs import KEYS as OWN
from study.config.errors import UsageError
from study.config.grid import read_grid
from study.config.run import HOW, PARTS, RunConfig
from study.data.shipped.mnist import SHAPE
from study.execution.display import trials_table
from study.models import build_model
from study.storage.axes import column_of, words_of
from study.storage.folder import Folder

SEEDS = [0, 1]
SMALL = {"latent_dim": 4, "epochs": 3, "beta": 2.0}  # of two values, neither is always the default
OTHER = {"hidden": (8, 4), "prior": "vamp", "objective": "factor"}  # the last two have own keys
KEYS = [key for key in RunConfig.model_fields if key not in {*HOW, "seed"}]


def shared(key):
    """What both configurations have besides the key, so that it belongs to them."""
    own = OWN.get(key)
    part = {own.part: next(iter(own.defaults))} if own else {}
    no_beta = key == "objective" or ("objective" in part and part["objective"] != "beta")
    return {**SMALL, **part, **({"beta": 1.0} if no_beta else {})}


def value_of(key):
    """The value of the first configuration."""
    return getattr(RunConfig(**shared(key)), key)


def other_value(key):
    """A value that a key may have besides that one."""
    field, value = RunConfig.model_fields[key], value_of(key)
    if key in OTHER:
        return OTHER[key]
    if get_origin(field.annotation) is Literal:
        return next(one for one in get_args(field.annotation) if one != value)
    if isinstance(value, str):
        return "elsewhere.parts:own"
    return value * 0.3 if isinstance(value, float) else value + 1


def configs_of(key):
    return [
        RunConfig(**{**shared(key), key: value, "seed": seed})
        for value in (value_of(key), other_value(key))
        for seed in SEEDS
    ]


def has_beta(key):
    """Whether the objective of some configuration weighs a term by beta."""
    return shared(key).get("objective", "beta") in OWN["beta"].defaults


@pytest.fixture(scope="module", params=KEYS)
def key(request):
    return request.param


@pytest.fixture(scope="module")
def study(key, tmp_path_factory):
    """Two configurations of two seeds each; the second costs ten nats more."""
    configs = configs_of(key)
    costs = [100.0, 101.0, 110.0, 111.0]
    records = [finished(config, cost) for config, cost in zip(configs, costs, strict=True)]
    study = write_runs(Folder(tmp_path_factory.mktemp("study")), records)
    runs = [config.run_id for config in configs]
    write_scores(study, dict(zip(runs, (0.9, 0.91, 0.7, 0.71), strict=True)))
    return study


@pytest.fixture(scope="module")
def inputs(study):
    return FigureInputs(study, None)


def assert_two(table, label):
    """Two configurations, told apart by `label`, and the seeds of each are pooled."""
    assert table[label].nunique() == 2
    assert set(table["n_seeds"]) == {len(SEEDS)}


def test_every_run_has_an_id_of_its_own(key):
    ids = {config.run_id for config in configs_of(key)}
    assert len(ids) == 4
    assert len({run.rpartition("-seed")[0] for run in ids}) == 2


def test_tables_have_its_column(study, key):
    for table in (study.trials, study.ranking, gather_csv(study, "elbo"), gather_csv(study, "ica")):
        assert table[column_of(key)].nunique() == 2


def gather_csv(study, name):
    return FigureInputs(study, None).table(name)


def test_the_ranking_tells_both_apart(study):
    ranked = study.ranking
    assert len(ranked) == len(set(words_of(ranked))) == 2
    assert ranked["n_scored"].tolist() == [2, 2]
    assert ranked["higgins"].tolist() == pytest.approx([0.905, 0.705])
    assert_two(gather_csv(study, "elbo"), "configuration")
    for _, part in gather_csv(study, "ica").groupby(["score", "factors", "scope"]):
        assert_two(part, "configuration")
    assert best(ranked)[0].startswith(f"{words_of(ranked)[0]}:")


def test_curves_pool_seeds_alone_and_compare_no_costs_of_other_parts(inputs, key):
    series = [curves.Series("any", "", "beta > 0", names) for names in names_of_curves()]
    if not has_beta(key):
        for one in series:
            with pytest.raises(Missing):
                curves.curves(inputs, one, "objective")
        return
    tables = [curves.curves(inputs, one, "objective").table for one in series]
    whole = [table for table in tables if table["series"].nunique() == 2]
    assert bool(whole) == (key not in PARTS)  # the one that names this key
    for table in whole:
        assert_two(table, "series")
        last = table[(table["split"] == "test") & (table["epoch"] == table["epoch"].max())]
        assert (last["high"] - last["low"]).max() < 2.5


def names_of_curves():
    """How each figure of the paper names its lines."""
    figures = (*curves.STANDARD, *curves.BETA, *curves.CONDITIONAL, *curves.CONDITIONING)
    return list(dict.fromkeys(figure.make.keywords["series"].names for figure in figures))


def test_charts_name_both(inputs, key):
    for chart in (ranking.ranking, pareto.pareto):
        table = chart(inputs)
        alone = chart is pareto.pareto and key == "likelihood"  # bounds of two: two scales
        assert len(table) == len(set(words_of(table))) == 2 - alone
    if has_beta(key):
        for _, scope in along_beta.along_beta(inputs).groupby("scope"):
            assert len(scope) == len(set(words_of(scope))) == 2 - (key == "objective")
    both = before_and_after_ica.before_and_after(inputs)
    assert len(set(words_of(both))) == 2
    kl = kl_by_latent.kl_by_latent(inputs)
    assert_two(kl, "configuration")
    assert len(set(words_of(kl))) == 2


def test_legends_and_rows_have_two_names(inputs, key):
    table = ranking.ranking(inputs)
    (axes, _) = ranking.draw_ranking(table).axes
    assert len({label.get_text() for label in axes.get_yticklabels()}) == 2
    if not has_beta(key):
        return
    table = along_beta.along_beta(inputs)
    figure = along_beta.draw_along_beta(table)
    lines = [
        (axes.get_title(), bars.get_label(), float(x))
        for axes in figure.axes
        for bars in axes.containers
        for x in bars[0].get_xdata()
    ]
    assert len(set(lines)) == len(lines) == len(table)


def test_what_is_compared_differs_in_the_papers_axes_alone(inputs, key):
    settings = inputs.compared.drop_duplicates(["latent_dim", "beta", "conditioning"])
    others = {column_of(one) for one in KEYS} - {"latent_dim", "beta", "conditioning"}
    assert all(inputs.compared[column].nunique(dropna=False) == 1 for column in others)
    assert len(settings) == (2 if key in {"latent_dim", "beta", "conditioning"} else 1)


def test_claims_and_findings_are_of_the_papers_runs(study, key):
    defaults = RunConfig().model_dump()
    trials = paper_runs(study).trials
    papers = [
        config.run_id
        for config in configs_of(key)
        if all(getattr(config, one) == defaults[one] for one in KEYS[3:])
    ]
    assert sorted(trials["run"]) == sorted(papers)


def test_the_report_has_it_in_its_plots_and_its_words(study, key):
    report = gather(study)
    column = column_of(key)
    assert column in report.plots["axes"]
    assert column in report.plots["labels"]
    for level in ("configuration", "run"):
        assert len(set(report.plots["rows"][level]["columns"][column])) == 2
    value = {"conditioning": "without and with", "hidden": "8x4"}.get(key, f"{other_value(key)}")
    assert any(value.removesuffix(".0") in words for words in report.what.values())


def test_the_explorer_names_both(study, key, monkeypatch):
    """Decoders of one shape stand in: the user's own code is not here, and nothing was trained."""
    trials = study.trials.set_index("run")

    def model(_, run):
        config = RunConfig(**{**SMALL, "seed": int(trials.loc[run, "seed"])})
        return build_model(config, SHAPE), config

    monkeypatch.setattr(Study, "has_weights", lambda *_: True)
    monkeypatch.setattr(Study, "model", model)
    assert len({one.configuration for one in choose(study).runs}) == 2
    assert len({one.title for one in load(study, study.trials["run"]).runs}) == 4


def test_the_ranking_on_a_narrow_terminal_cuts_no_name(study):
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(ranking_table(study.ranking))
    lines = console.export_text().splitlines()
    heading = next(line for line in lines if "configuration" in line)
    start, end = heading.index("configuration"), heading.index("seeds")
    column = "".join(line[start:end].strip() for line in lines)
    assert all(name in column for name in study.ranking["configuration"])


def test_the_terminal_tells_both_apart(study):
    table = trials_table(study.trials)
    cells = [list(column.cells) for column in table.columns]
    rows = list(zip(*cells, strict=False))
    words = [column.header for column in table.columns]
    seed = words.index("seed")
    assert len({row[:seed] + row[seed + 1 : words.index("epochs")] for row in rows}) == 2


@pytest.mark.parametrize("how", sorted(HOW))
@pytest.mark.parametrize("seeds", ["[0, 1]", "0"])
def test_what_is_no_part_of_a_configuration_cannot_vary_within_one(how, seeds):
    """So that no run with fewer epochs is pooled with one that has more."""
    values = {"compile": "[true, false]"}.get(how, "[1, 2]")
    with pytest.raises(UsageError, match="must have the same epochs"):
        read_grid(f"{{{how}: {values}, seed: {seeds}}}", "grid")
