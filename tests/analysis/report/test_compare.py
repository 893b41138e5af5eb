"""`study compare`, on small studies as they lie on disk."""

import pandas as pd
import pytest
from pages import finished, tiny, write_runs, write_scores

from analysis import compare
from study.cli.main import main
from study.config.errors import StudyError
from study.storage.folder import Folder


def small(place, nats, score=None, seeds=(0, 1), **more):
    """A study of beta 1 and 4; its costs rise by `nats` and, from seed to seed, by one."""
    configs = [tiny(beta, seed=seed, **more) for beta in (1.0, 4.0) for seed in seeds]
    study = write_runs(
        Folder(place), [finished(config, 100 + nats + config.seed) for config in configs]
    )
    if score is not None:
        write_scores(study, {config.run_id: score + 0.01 * config.seed for config in configs})
    return str(place)


@pytest.fixture
def one(tmp_path):
    return small(tmp_path / "one", 0, 0.5)


@pytest.fixture
def other(tmp_path):
    return small(tmp_path / "other", 7, 0.7, learning_rate=0.02)


def test_figures_and_scores_of_two_studies(one, other):
    table = compare(one, other)
    assert set(table["study_a"]) == {"one"}
    assert table["configuration_a"].nunique() == 2
    nats = table[table["name"] == "neg_elbo"]
    assert nats["difference"].tolist() == pytest.approx([7.0, 7.0])
    assert nats["low"].tolist() == pytest.approx([7.0, 7.0])  # both seeds differ by 7
    ranks = table[(table["name"] == "higgins_few") & (table["basis"] == "latent")]
    assert len(ranks)
    assert ranks["difference"].tolist() == pytest.approx([0.2] * len(ranks))
    back = compare(other, one)
    assert back["difference"].sum() == pytest.approx(-table["difference"].sum())


def test_the_command_writes_a_page_and_a_table(one, other, tmp_path, capsys):
    target = tmp_path / "compared"
    assert main(["compare", one, other, "--to", str(target)]) == 0
    printed = capsys.readouterr().out
    assert "other against one: " in printed
    written = pd.read_csv(target / "compare.csv", keep_default_na=False, na_values=[""])
    assert len(written) == len(compare(one, other))
    page = (target / "compare.html").read_text()
    assert "other against one" in page
    assert "learning rate" in page
    assert "0.02" in page
    assert "default-src 'none'" in page
    assert (target / "figures" / "compare-1.svg").read_bytes().startswith(b"<?xml")
    assert "Figure 1. Paired differences." in page
    assert "other minus one, paired by seed (2 in common)" in page
    assert page.count("http") == page.count("http-equiv")  # it asks for nothing


def test_each_study_is_compared_with_the_first(one, other, tmp_path):
    third = small(tmp_path / "third", 3, 0.5, batch_size=50)
    table = compare(one, other, third)
    pairs = table[["study_a", "study_b"]].drop_duplicates().to_numpy().tolist()
    assert pairs == [["one", "other"], ["one", "third"]]


def test_one_seed_and_unscored_studies_are_each_told_in_a_line(one, tmp_path, capsys):
    lone = small(tmp_path / "lone", 2, seeds=(0,))
    assert main(["compare", one, lone, "--to", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(f"lone is not scored: study score {lone}" in line for line in lines)
    assert sum("one seed in common" in line for line in lines) == 1
    table = compare(one, lone)
    assert set(table["kind"]) == {"figure"}
    assert table["difference"].notna().all()
    assert table["low"].isna().all()


def test_studies_with_nothing_in_common_are_a_line(one, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where the pages go
    far = write_runs(Folder(tmp_path / "far"), [finished(tiny(50.0))])
    assert main(["compare", one, str(far.folder)]) == 0  # beta tells them apart
    strange = write_runs(Folder(tmp_path / "strange"), [finished(tiny(1.0), 90.0)])
    strange.folder.delete("study.yaml")
    assert len(compare(one, str(strange.folder)))
    mixed = [finished(tiny(1.0, batch_size=50)), finished(tiny(4.0, batch_size=20))]
    left = write_runs(Folder(tmp_path / "left"), mixed)
    mixed = [finished(tiny(4.0, batch_size=50)), finished(tiny(1.0, batch_size=20))]
    right = write_runs(Folder(tmp_path / "right"), mixed)
    capsys.readouterr()
    assert main(["compare", str(left.folder), str(right.folder)]) == 1
    assert "left and right have no configuration in common" in capsys.readouterr().err


def test_mistakes_are_a_line(one, tmp_path):
    with pytest.raises(StudyError, match="needs two studies, got 1"):
        compare(one)
    with pytest.raises(StudyError, match="given twice"):
        compare(one, one)
    with pytest.raises(StudyError, match="no study at"):
        compare(one, tmp_path / "none")
