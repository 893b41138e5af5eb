"""Captions of the charts: what is seen and how to read it, with figures from the table itself."""

import pandas as pd

from analysis.figures.charts import words_of
from analysis.figures.grids import number
from analysis.metrics import LABELS, RANKABLE
from analysis.statistics.elbo import Curves
from study.training.trainer import ACTIVE_NATS


def curves(panel: Curves) -> str:
    table = panel.table
    last = table[(table["split"] == "test") & (table["epoch"] == table["epoch"].max())]
    last = last.dropna(subset="mean").sort_values("mean")
    if panel.metric == "objective":
        what, low, high = "The training objective, recon + β KL,", "{:.1f} nats", "{:.1f} nats"
    else:
        what, low, high = "The share of β KL in the objective", "{:.1%}", "{:.1%}"
    said = f"{what} by epoch: test solid, train dashed; a band spans the seeds."
    if last.empty:
        return said
    ends = last.iloc[0], last.iloc[-1]
    said += f" At epoch {ends[0]['epoch']} it is {low.format(ends[0]['mean'])} on the test set"
    if len(last) > 1:
        said += (
            f" for {ends[0]['series']} and {high.format(ends[1]['mean'])} for {ends[1]['series']}"
        )
    return f"{said}."


def pareto(table: pd.DataFrame) -> str:
    said = (
        f"{_many(len(table), 'configuration')}: further left is a tighter bound, further up more"
        f" disentangled; bars are 95% intervals. No other is better in both than the"
        f" {int(table['pareto'].sum())} on the dashed front, outlined and numbered."
    )
    if table["conditioning"].nunique() > 1:
        said += " With labels the bound is on log p(x|label): compare bounds within one marker."
    return said


def score_by_beta(table: pd.DataFrame) -> str:
    best = table.sort_values("higgins").tail(1)
    return (
        f"The Higgins score by β, a panel for each J that has several; bars are 95% intervals"
        f" ({_seeds(table)}). The highest of them is {_interval(best.iloc[0], 'higgins')}, at"
        f" {words_of(best)[0]}."
    )


def ranking(table: pd.DataFrame) -> str:
    first = table[table["rank"] == 1].sort_values("higgins")
    said = (
        f"Configurations by their Higgins score with 95% intervals; one shares a rank while its"
        f" interval overlaps that of the rank's first. {_many(len(first), 'configuration')} of"
        f" {len(table)} {'has' if len(first) == 1 else 'share'} rank 1, where the highest score is"
        f" {_interval(first.iloc[-1], 'higgins')}."
    )
    pca = table["higgins_pixel_pca"].max()
    if pd.notna(pca):
        said += f" Principal components of the pixels reach {pca:.2f}."
    return said


def before_and_after(table: pd.DataFrame) -> str:
    parts = []
    for score in RANKABLE:
        part = table[table["score"] == score]
        if part.empty:
            continue
        apart = part[part["separated"].astype(bool)]
        up, down = (apart["ica"] > apart["latent"]).sum(), (apart["ica"] < apart["latent"]).sum()
        parts.append(f"{LABELS[score]} {up} up, {down} down")
    return (
        f"Scores of the latents (open) and of their independent components (filled) for"
        f" {_many(table['configuration'].nunique(), 'configuration')}. Changes whose intervals are"
        f" apart: {'; '.join(parts)}."
    )


def kl(table: pd.DataFrame) -> str:
    active = (table["kl"] > ACTIVE_NATS).groupby(table["configuration"], sort=False).sum()
    first = table.drop_duplicates("configuration").set_index("configuration")
    fewest, most = first[active.eq(active.min())].head(1), first[active.eq(active.max())].head(1)
    return (
        f"KL of every latent on the test set, the largest first; grey: below {ACTIVE_NATS:g} nats,"
        f" not active. Active latents: {active.min()} ({words_of(fewest)[0]}) to {active.max()}"
        f" ({words_of(most)[0]})."
    )


def information(table: pd.DataFrame) -> str:
    top = table.loc[[table["information"].idxmax()]]
    row = top.iloc[0]
    return (
        f"How much each latent tells of each factor of the test images; all there is to tell are"
        f" {table['entropy'].max():.2f} nats. The most is {row['information']:.2f} nats:"
        f" z{row['latent']} of {words_of(top)[0]}, of {row['factor'].partition('_')[0]}."
    )


def slopes(table: pd.DataFrame) -> str:
    one_way = table.groupby(["run", "direction"])["effect"].agg(
        lambda effects: bool((effects > 0).all() or (effects < 0).all())
    )
    strongest = table.loc[[table["effect"].abs().idxmax()]]
    row = strongest.iloc[0]
    return (
        f"Aligned latents of the compared models: how many standard deviations of the property"
        f" among real digits one standard deviation of the latent moves, digit by digit."
        f" {one_way.sum()} of {len(one_way)} move it the same way in all ten digits; the largest"
        f" effect is {number(row['effect'], 2, sign=True)}, on the {row['property']} of the"
        f" {row['digit']}"
        f" ({words_of(strongest)[0]})."
    )


def plane(table: pd.DataFrame) -> str:
    first = table.drop_duplicates("run")
    shares = [
        f"{share:.0%} ({words})"
        for share, words in zip(
            first["first_share"] + first["second_share"], words_of(first), strict=True
        )
    ]
    return (
        f"{_many(len(table) // len(first), 'test image')} on the two strongest principal"
        f" components of the codes, a model a row, coloured by digit (numerals stand at their"
        f" medians) and by what was measured. Share of the active latents' variance:"
        f" {', '.join(shares)}."
    )


def _interval(row: "pd.Series[float]", score: str) -> str:
    low, high = row[f"{score}_low"], row[f"{score}_high"]
    return f"{row[score]:.3f} [{low:.3f}, {high:.3f}]"


def _many(n: int, word: str) -> str:
    return f"{n:,} {word}{'' if n == 1 else 's'}"


def _seeds(table: pd.DataFrame) -> str:
    least, most = table["n_scored"].min(), table["n_scored"].max()
    return _many(most, "seed") if least == most else f"{least} to {most} seeds"
