"""The site: built without a warning, it asks nothing of other sites."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec

import pytest
import yaml
from documented import ROOT

pytestmark = pytest.mark.skipif(
    find_spec("mkdocs") is None or find_spec("material") is None, reason="needs the extra docs"
)


def build(source, site):
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(words, cwd=source, env=env, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    place = tmp_path_factory.mktemp("site")
    built = build(ROOT, place)
    assert built.returncode == 0, built.stderr
    return place


def test_it_has_every_page(site):
    pages = (ROOT / "docs").rglob("*.*")
    sources = {file.stem for file in pages if file.suffix in {".md", ".ipynb"}}
    assert {file.stem for file in site.rglob("*.html")} - {"404"} == sources


def test_its_pages_load_nothing_from_elsewhere(site):
    for page in site.rglob("*.html"):
        text = page.read_text()
        loaded = re.findall(r"<(?:script|img|link|iframe)\b[^>]*?(?:src|href)=\"([^\"]+)", text)
        assert loaded
        elsewhere = [one for one in loaded if "//" in one and not one.startswith("data:")]
        assert not elsewhere, page.name


@pytest.mark.parametrize("link", ["nowhere.md", "index.md#nowhere", "/absolute.md"])
def test_a_link_that_leads_nowhere_fails_the_build(link, tmp_path):
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    settings["nav"] = [{"Home": "index.md"}]
    settings["theme"]["custom_dir"] = str(ROOT / ".mkdocs")
    (tmp_path / "mkdocs.yml").write_text(yaml.safe_dump(settings))
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text(f"# Home\n\n[a link]({link})\n")
    built = build(tmp_path, tmp_path / "site")
    assert built.returncode != 0
    assert "'" + link in built.stderr
    assert "strict mode" in built.stdout + built.stderr


@pytest.mark.parametrize("folder", ["docs", "docs/guides"])
def test_a_folder_stays_small(folder):
    pages = [path for path in (ROOT / folder).iterdir() if path.suffix in {".md", ".ipynb"}]
    assert len(pages) <= 10
