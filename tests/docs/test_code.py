"""The code on README and docs runs as it stands there."""

import pytest
from documented import PAGES, blocks, name_of

WITH_CODE = [page for page in PAGES if blocks(page, "python")]


@pytest.mark.parametrize("page", WITH_CODE, ids=name_of)
def test_every_python_block_of_a_page_runs(page, documented_results, monkeypatch):
    monkeypatch.chdir(documented_results)
    namespace = {}
    for block in blocks(page, "python"):
        source = "\n" * block.line + block.text  # errors name the line of the page
        exec(compile(source, name_of(page), "exec"), namespace)


def test_the_readme_has_an_example_for_a_notebook():
    (example,) = blocks(PAGES[0], "python")
    assert "open_study(" in example.text
    assert "study.model(" in example.text
