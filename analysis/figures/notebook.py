"""A study opened in Python: its claims, findings and figures beside its tables."""

import html
from functools import cached_property
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from analysis.figures.gallery import FIGURES
from analysis.figures.inputs import FigureInputs
from analysis.paper.findings import findings
from analysis.paper.verdicts import by_claim, claims_table
from analysis.statistics.ranking import RANKING
from analysis.statistics.wording import count
from analysis.study import Study, open_folder
from study.config.errors import UsageError, nearest
from study.storage.axes import words_of
from study.storage.tables import has_table


class OpenStudy(Study):
    """A study as `open_study` gives it.

    In a notebook it shows how many runs it has, and which configuration leads.
    """

    @cached_property
    def claims(self) -> pd.DataFrame:
        """A row a claim of the paper: id, statement, verdict and the sentence that says why."""
        return by_claim(claims_table(self))

    @cached_property
    def findings(self) -> pd.DataFrame:
        """A row a question that the paper leaves open, with its answer on this study."""
        return findings(self)

    def figure(self, name: str, data_dir: Path | None = None) -> Figure:
        """One of the study's figures, drawn anew.

        Args:
            name: as its files are called in `figures/`, such as "ranking".
            data_dir: cache of the data; None: the default one.

        Raises:
            UsageError: there is no figure of that name; lists those there are.
            StudyError: the study lacks what it is made of; says what.
        """
        known = {figure.name: figure for figure in FIGURES}
        if name not in known:
            hint = nearest(name, list(known))
            raise UsageError(f"no figure {name!r}{hint}; there are: {', '.join(known)}")
        return known[name].draw(known[name].make(FigureInputs(self, data_dir)))

    def __repr__(self) -> str:
        return f"<study {self.folder}: {'; '.join(self._facts())}>"

    def _repr_html_(self) -> str:
        items = "".join(f"<li>{html.escape(fact)}</li>" for fact in self._facts())
        return f"<b>{html.escape(str(self.folder))}</b><ul>{items}</ul>"

    def _facts(self) -> list[str]:
        states = self.trials["state"].value_counts().sort_index(key=lambda s: s != "done")
        runs = ", ".join(f"{n} {state}" for state, n in states.items())
        n_seeds = count(self.trials["seed"].nunique(), "seed")
        facts = [f"{count(len(self.trials), 'run')} ({runs}) of {n_seeds}"]
        if not has_table(self.folder, "ranking"):
            return [*facts, f"not scored yet: study score {self.folder}"]
        facts.append(f"{count(len(self.ranking), 'configuration')} scored")
        if self.ranking[RANKING].notna().any():
            words, score = words_of(self.ranking)[0], self.ranking[RANKING].iloc[0]
            facts.append(f"first in the ranking: {words}, {score:.3f}")
        return facts


def open_study(location: str | Path) -> OpenStudy:
    """A study by its results folder, e.g. "results/paper".

    Raises:
        StudyError: there is no study at that place.
    """
    return OpenStudy(open_folder(location))
