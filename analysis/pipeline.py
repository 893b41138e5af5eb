"""Score one study, and present it: what follows on its training."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console

from analysis.factors.fidelity import fidelity
from analysis.factors.image_set import image_set
from analysis.factors.intervention import intervention_set, redrawn
from analysis.figures.gallery import draw_all
from analysis.figures.style import KINDS
from analysis.latent_effects.alignment import Pictures
from analysis.latent_effects.pictures import READ_FACTORS, measured_pictures, read_pictures
from analysis.latent_effects.tables import align_study
from analysis.metrics import Metric
from analysis.paper.verdicts import write_claims
from analysis.report.explorer import NothingToShow, write_explorer
from analysis.report.page import write_report
from analysis.report.tables.latex import write_latex
from analysis.scoring.score_study import Outcome, ranking_table, score_study, write_ranking
from analysis.statistics.ranking import RANKING, unlisted, unranked
from analysis.study import Study
from study.config.errors import reason
from study.data import Dataset
from study.data.verified_files import data_dir
from study.storage.tables import write_table


def score_and_rank(
    study: Study,
    data_folder: Path | None,
    connect: Callable[[], None],
    console: Console,
    metrics: Sequence[Metric] = (),
    advance: Callable[[str, int, int], None] = lambda *_: None,
) -> Outcome:
    """Score what is missing, write every table, print the ranking and who is not in it.

    Args:
        study: trained, as far as it is.
        data_folder: cache of the data; None: the default one.
        connect: joins Ray; called where something is missing, once or twice.
        console: gets progress, the ranking and the reasons.
        metrics: a user's own, scored beside those of analysis.metrics.
        advance: gets the stage, how many of its steps are done, and of how many.

    Raises:
        StudyError: the data, a table or Ray is not to be had.
    """
    say = partial(console.print, soft_wrap=True)
    advance("scoring", 0, 0)
    data = study.images(data_folder)
    cache = data_dir(data_folder)
    sets = [image_set(data, cache)]
    if made := redrawn(data, cache, say):
        sets.append(intervention_set(made))
        table = fidelity(made).to_csv(index=False)
        (study.folder / "tables").write("redrawn-images.csv", table.encode())
    outcome = score_study(study, tuple(sets), connect, say, metrics, advance)
    if not outcome.computed:
        console.print("every score exists already; nothing to compute")
    write_ranking(study)
    unaligned = {}
    if pictures := _pictures(study, data, cache, say):
        unaligned = align_study(study, pictures, connect, say, advance)
    else:
        say(f"nothing measures the pictures of {data.name}: what the latents move is not measured")
    if len(study.ranking[RANKING].dropna()):
        console.print(ranking_table(study.ranking, unlisted(study.scores)))
    elif why := unranked(study.scores):
        say(f"nothing is ranked: {why}")
    for what, failures in (("scored", outcome.unscored), ("aligned", unaligned)):
        for name, why in failures.items():
            console.print(f"not {what}: {name}: {why}", soft_wrap=True, markup=False)
    say(f"scores, ranking and their tables are in {study.folder}")
    return Outcome(outcome.computed, outcome.unscored | unaligned)


def _pictures(
    study: Study, data: Dataset, cache: Path, say: Callable[[str], None]
) -> Callable[[], Pictures] | None:
    """What gets the pictures that show what latents move; None where nothing measures them."""
    if data.measure:
        return partial(measured_pictures, data, cache)
    if data.train_factors is None or data.test_factors is None:
        return None

    def read() -> Pictures:
        pictures, table = read_pictures(data, say)
        write_table(study.folder / "tables", READ_FACTORS, table, None)
        return pictures

    return read


def present(
    study: Study,
    data_folder: Path | None,
    say: Callable[[str], None],
    known: Sequence[str] = (),
    advance: Callable[[str, int, int], None] = lambda *_: None,
    *,
    pdf: bool = False,
    latex: bool = False,
) -> bool:
    """Figures, claims, explorer and report of a study as it is; whether nothing went wrong.

    What goes wrong in one costs no other; each reason is given once, at the end, with its cost.

    Args:
        study: half done or not scored, too.
        data_folder: cache of the data; None: the default one.
        say: gets a line for each thing written or lacking.
        known: reasons that were given before, such as why scoring failed.
        advance: gets the stage, how many of its steps are done, and of how many.
        pdf: figures as PDF, too.
        latex: tables for LaTeX, too.
    """
    cost: dict[str, list[str]] = {}  # reason -> what could not be written
    kinds = (*KINDS, "pdf") if pdf else KINDS

    def draw() -> None:
        drawn = draw_all(study, data_folder, say, kinds, advance=advance)
        for why, names in drawn.failures.items():
            cost.setdefault(why, []).extend(names)

    parts: dict[str, Callable[[], object]] = {
        "figures": draw,
        "claims": lambda: write_claims(study),
        "explorer": lambda: say(f"latent explorer: {write_explorer(study, data_folder)}"),
        "report": lambda: say(f"the whole study on one page: {write_report(study, data_folder)}"),
    }
    if latex:
        parts["tables for LaTeX"] = lambda: say(
            f"for LaTeX, in {study.folder / 'tables'}: {', '.join(write_latex(study))}"
        )
    for done, (name, write) in enumerate(parts.items()):
        advance("writing pages", done, len(parts))
        try:
            write()
        except NothingToShow as error:  # such as weights that are not here
            say(f"{name} not written: {error}")
        except Exception as error:
            cost.setdefault(reason(error), []).append(name)
    for why, names in cost.items():
        because = ", for the same reason" if why in known else f": {why}"
        say(f"not written: {', '.join(names)}{because}")
    if cost:
        say(f"try again with study report {study.folder}")
    return not cost
