"""The page of a trained study in a real browser; a file that looks at other pages has its own."""

import shutil

import pytest
from browser import chromium, complaints, requests
from explorer_page import Page

from analysis import open_study
from analysis.report.explorer import write_explorer
from analysis.report.explorer.board import choose
from analysis.report.explorer.contents import payload


@pytest.fixture(scope="module")
def study(explored_study, tmp_path_factory):
    """A copy of the study with its page."""
    place = tmp_path_factory.mktemp("browser") / "small"
    shutil.copytree(explored_study.folder.location, place)
    study = open_study(place)
    write_explorer(study)
    return study


@pytest.fixture(scope="module")
def content(explored_study):
    """What the study's page is given."""
    return payload(explored_study, choose(explored_study))


@pytest.fixture(scope="module")
def driver():
    with chromium(1280, 800) as driver:
        yield driver


@pytest.fixture
def page(driver, study):
    """The page as one opens it; complains of anything that it complains of."""
    opened = Page(driver, f"file://{study.folder}/explorer.html")
    opened.open()
    yield opened
    assert complaints(driver) == []
    assert requests(driver) == []
