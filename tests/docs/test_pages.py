"""README and docs agree with the code and the tables that they describe."""

import re

import pyarrow.parquet as pq
import pytest
from documented import PAGES, ROOT, blocks, name_of
from generated_docs import PARTS, up_to_date

from study.config.run import RunConfig

README = ROOT / "README.md"
PAPER = ROOT / "results" / "paper"
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
WEB = re.compile(r"https?://[a-z0-9.-]+\.[a-z]{2,}(?:[:/]\S*)?")
AXES = {"run", "latent_dim", "beta", "conditioning", "seed"}
TABLES = sorted(PAPER.glob("*.parquet"))


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_what_is_made_from_the_code_is_up_to_date(part):
    stands = (ROOT / part.page).read_text()
    assert up_to_date(part) == stands, "run python tests/support/generated_docs.py"


def test_the_readme_shows_own_code_of_the_docs_each_part_in_under_twenty_lines():
    parts = [block for block in blocks(README, "python") if "from analysis" not in block.text]
    assert len(parts) == 3
    for part in parts:
        assert len(part.text.splitlines()) < 20
        assert part.text in (ROOT / "docs/grids.md").read_text()


def test_the_readme_is_short_and_has_the_two_commands():
    text = README.read_text()
    assert len(text.split()) < 1000
    assert "\npython -m pip install -e . && python -m study.run --grid quick " in text
    assert "\npython -m pip install -e '.[test]' && python -m pytest " in text


def test_every_key_of_a_grid_has_a_meaning():
    assert all(field.description for field in RunConfig.model_fields.values())
    rows = re.findall(r"^\| `(\w+)` \| `", (ROOT / "docs/grids.md").read_text(), re.MULTILINE)
    assert rows == list(RunConfig.model_fields)


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.stem)
def test_results_has_every_column_of_a_table_with_its_unit(table):
    page = (ROOT / "docs/results.md").read_text()
    (section,) = re.findall(rf"^### {table.stem}$(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"`(\w+)`", section))
    rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| `")]
    units = {name: row[1].strip(" |") for row in rows for name in re.findall(r"`(\w+)`", row[0])}
    for field in pq.read_schema(table):
        unit = (field.metadata or {}).get(b"unit", b"").decode()
        assert field.name in named | AXES, field.name
        if unit in {"nats per image", "fraction", "epochs", "s"}:
            assert units[field.name] == unit, field.name
    assert units.keys() <= set(pq.read_schema(table).names)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "results/README.md"], ids=name_of)
def test_every_link_leads_somewhere(page):
    for target in LINK.findall(page.read_text()):
        if "://" in target:
            assert WEB.fullmatch(target), target
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path) if path else page
        assert file.exists(), target
        if anchor:
            heads = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
            slugs = [re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in heads]
            assert anchor in slugs, target


def test_every_test_that_robustness_names_is_there():
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs/robustness.md").read_text()))
    files = "".join(file.read_text() for file in (ROOT / "tests").rglob("test_*.py"))
    assert named
    assert named <= set(re.findall(r"^def (test_\w+)", files, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_of_the_project_that_a_page_names_is_there(page):
    named = re.findall(r"`((?:study|analysis|configs|tests)/[\w./-]*)`", page.read_text())
    assert not [path for path in named if not (ROOT / path).exists() and "NAME" not in path]


def test_every_list_that_a_seam_has_is_there():
    page = (ROOT / "docs/contributing.md").read_text()
    rows = re.findall(r"^\| [a-z ]+ \| .* \| `(\w+/\w+/)` \| (.*) \| .* \|$", page, re.MULTILINE)
    assert len(rows) == 5
    for room, listed in rows:
        code = "\n".join(file.read_text() for file in (ROOT / room).rglob("*.py"))
        for name in re.findall(r"`([A-Z]+)`", listed):
            assert re.search(rf"^{name}\b.*=", code, re.MULTILINE), name
