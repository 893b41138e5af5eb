"""A study opened in Python shows what it is, and has claims, findings and figures."""

import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis import open_study
from study.config.errors import StudyError, UsageError


@pytest.fixture(scope="module")
def opened(small_study):
    return open_study(small_study.folder.location)


def test_it_says_how_many_runs_it_has(opened):
    assert "6 runs (4 done, 1 waiting, 1 failed) of 1 seed" in repr(opened)
    assert "<li>6 configurations scored</li>" in opened._repr_html_()


def test_the_name_of_a_folder_is_no_markup(small_study, tmp_path):
    (tmp_path / "<b>x").symlink_to(small_study.folder.location)
    assert "&lt;b&gt;x" in open_study(tmp_path / "<b>x")._repr_html_()


def test_claims_and_findings_are_tables(opened):
    assert {"id", "verdict", "sentence"} <= set(opened.claims)
    assert isinstance(opened.findings, pd.DataFrame)


def test_a_figure_is_one_of_matplotlib(opened):
    assert isinstance(opened.figure("figure-3a"), Figure)


def test_figures_that_there_are_not_are_said(opened):
    with pytest.raises(UsageError, match=r"no figure 'rankin' .did you mean 'ranking'"):
        opened.figure("rankin")
    with pytest.raises(StudyError, match="weights"):
        opened.figure("prior-samples")
