"""The report of studies whose figures are known by hand."""

import io
import json
import re
import shutil
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pages import COMMAND, finished, tiny, write_runs, write_scores
from PIL import Image

from analysis import open_study
from analysis.figures.charts import ranking
from analysis.figures.gallery import draw_all
from analysis.latent_effects.pictures import READ_FACTORS
from analysis.latent_effects.wording import moved
from analysis.report.page import gather, render, render_readme, write_report
from analysis.report.sections.claims import unlike_the_paper, verdict_kind
from analysis.report.sections.inlined import SVG_LIMIT, inline, png_size, svg_size
from analysis.report.sections.provenance import notices
from analysis.report.sections.summary import best
from study.cli.main import carry_out
from study.cli.present import report
from study.config.errors import StudyError
from study.config.run import RunConfig
from study.data.shipped.mnist import DATA_HASH
from study.data.shipped.mnist_sources import SHA256
from study.storage.axes import words_of
from study.storage.folder import Folder
from study.storage.records import WEIGHTS, new_record, runs_folder
from study.storage.tables import write_table

main = partial(carry_out, report, "analysis.report")
SECTIONS = [
    "claims",
    "questions",
    "ranking",
    "explore",
    "figures",
    "elbo",
    "ica",
    "controls",
    "alignment",
]
SECTIONS += ["failures", "details"]
MEGABYTE = 1_000_000


def png(width, height):
    """The file of an empty picture."""
    content = io.BytesIO()
    Image.new("L", (width, height)).save(content, "PNG")
    return content.getvalue()


PNG = png(320, 200)


class Page(HTMLParser):
    """What the tests ask of a page: its elements, and its visible text."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.words, self._open = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag in {"script", "style"}:
            self._open.append(tag)

    def handle_endtag(self, tag):
        if self._open and self._open[-1] == tag:
            self._open.pop()

    def handle_data(self, data):
        if not self._open:
            self.words.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def study(small_study):
    return small_study


@pytest.fixture
def copy(study, tmp_path):
    """To write to."""
    shutil.copytree(study.folder.location, tmp_path / "copy")
    return open_study(tmp_path / "copy")


@pytest.fixture(scope="module")
def report(study):
    return gather(study)


@pytest.fixture(scope="module")
def html(report):
    return render(report)


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def column(table, name):
    place = table.columns.index(name)
    return [row[place] for row in table.rows]


def test_the_best_configuration_in_words(report):
    assert report.outcome == [
        "J = 4, β = 4: 0.900 [0.890, 0.910], 95% interval (Higgins (3 pairs) on redrawn images,"
        " within the class).",
        "4 configurations, each against the best of the others: 0 among the best, 0 behind and 4"
        " not decided.",
        "One seed: the interval does not include the variation between seeds.",
        "1 of the paper's 2 claims holds, 1 does not, 0 are open.",
    ]


def test_ties_are_counted(tmp_path):
    configs = [tiny(beta, seed=seed) for beta in (1.0, 2.0, 4.0) for seed in (0, 1)]
    study = write_runs(Folder(tmp_path / "ties"), [finished(config) for config in configs])
    write_scores(study, {c.run_id: 0.995 if c.beta < 4 else 0.5 for c in configs})
    sentences = best(study.ranking)
    assert sentences[1].endswith(": 2 among the best, 1 behind and 0 not decided.")
    assert sentences[2].startswith("It is at the ceiling (0.99 or more)")
    assert "One seed" not in " ".join(sentences)


def test_the_first_screen(report):
    assert report.counts == {"done": 4, "failed": 1, "begun": 0, "waiting": 1}
    what = dict(report.what)
    assert what["grid"] == "tiny.yaml, with epochs = 3"
    assert what["β"] == "1, 2, 4, 10, 100"
    assert what["labels"] == "without and with"
    assert what["epochs"] == "3"
    assert what["command"] == COMMAND
    shown = {one.label: one for one in report.highlights}
    assert len(shown) == 5
    assert shown["Lowest −ELBO"].value == "97.3 nats"  # 95 + ln 10, below 100
    assert shown["Lowest −ELBO"].note.startswith("J = 4, β = 1, labels")
    # Lower ends 0.89, 0.79, 0.785 against 0.7 of the pixels; 0.64 is below.
    above = shown["Above PCA of the pixels"]
    assert above.value == "3 of 4"
    assert above.note == "configurations; PCA scores 0.700, an untrained encoder 0.500"
    assert shown["Highest score"].value == "0.900"
    assert shown["Highest score"].note.startswith("[0.890, 0.910]; J = 4, β = 4; Higgins")
    assert shown["Move only one property"].value == "1 latent"
    assert shown["Move only one property"].note == "of 4 latents of 1 run; 1 does not react"
    assert shown["The paper's claims"].value == "1 of 2 holds"


def test_the_finding_in_three_plain_sentences(report):
    assert report.finding == [
        "J = 4, β = 4 scores highest of 4 configurations, with one seed: the variation between"
        " seeds is not known.",
        "3 of 4 score significantly above the principal components of the pixels, which need no"
        " training.",
        "Of the paper's 2 claims that these runs can check, 1 holds and 1 does not.",
    ]


def test_a_study_says_in_what_it_is_unlike_the_papers(copy):
    assert unlike_the_paper(copy.trials)[0] == "3 epochs (the paper: 200)"
    papers = copy.trials.assign(epochs=200, hidden=500)
    assert unlike_the_paper(papers) == []
    faster = papers.assign(learning_rate=0.02, data="fashion")
    assert unlike_the_paper(faster) == [
        "data fashion (the paper: mnist)",
        "learning rate 0.02 (the paper: 0.01)",
    ]
    text = Page(render(gather(copy))).text
    assert text.index("Unlike the paper's study: 3 epochs") < text.index("1 does not hold")


def test_a_claim_links_to_the_figure_that_it_speaks_of(report, page):
    numbers = report.gallery.numbers
    assert sorted(numbers.values()) == list(range(1, len(numbers) + 1))
    shown = {claim.id: claim.figures for claim in report.claims}
    assert shown["cond-gain"] == {}  # figure 6a is not drawn here
    study_figures = [name for name in numbers if name.startswith("figure-3")]
    assert study_figures
    text = page.text
    assert all(f"Figure {number}." in text for number in numbers.values())


def test_questions_keep_their_answers_together(report, html):
    assert report.questions == {"Which is best?": ["That one.", "Or so."]}
    assert "Questions that the paper leaves open" in Page(html).text


def test_claims_without_their_runs_are_counted(copy):
    claims = pd.read_csv(f"{copy.folder.location}/claims.csv")
    claims.loc[1, ["verdict", "claim_verdict"]] = "not run"
    copy.folder.write("claims.csv", claims.to_csv(index=False).encode())
    report = gather(copy)
    assert [claim.id for claim in report.claims] == ["beta-costs"]
    assert report.unclaimed == 1
    assert "This study lacks the runs for 1 of the claims." in Page(render(report)).text


def test_claims_decided_on_short_runs_say_so(copy):
    """The paper's runs had 200 epochs."""
    claims = pd.read_csv(f"{copy.folder.location}/claims.csv")
    for epochs, warned in ((5, True), (200, False)):
        copy.folder.write("claims.csv", claims.assign(epochs=epochs).to_csv(index=False).encode())
        text = Page(render(gather(copy))).text
        assert ("claims, decided after 5 epochs" in text) == warned


def test_the_tables_are_those_of_the_study(study, report):
    ranked = study.ranking
    assert [cell.text for cell in column(report.ranking, "rank")] == ["1", "2", "3", "4", "–", "–"]
    shown = [cell.sort for cell in column(report.all_scores, "Higgins [95%]")]
    assert shown[:4] == ranked["higgins"].tolist()[:4]
    assert shown[4:] == [None, None]
    elbo = pd.read_csv(study.folder.location + "/tables/elbo.csv")
    assert [cell.text for cell in column(report.elbo, "configuration")] == words_of(elbo)
    nats = [cell.sort for cell in column(report.elbo, "−ELBO")]
    assert nats == pytest.approx(elbo["neg_elbo"].tolist())
    ica = pd.read_csv(study.folder.location + "/tables/ica.csv")
    assert len(report.ica.rows) == len(ica)
    assert [cell.sort for cell in column(report.ica, "change")] == ica["change"].tolist()
    mig = next(row for row in report.ica.rows if row[1].text == "MIG")
    assert [cell.text for cell in mig[2:6]] == [
        "measured",
        "all",
        "0.250 [0.240, 0.260]",
        "0.750 [0.740, 0.760]",
    ]
    assert mig[7] == ("+0.500", pytest.approx(0.5), True)
    assert column(report.ica_changes, "MIG")[0] == ("0.250 → 0.750", pytest.approx(0.5), True)
    assert column(report.ica_changes, "DCI")[0] == ("0.250 → 0.250", 0.0, False)
    assert "UDR" not in report.all_scores.columns  # one seed a configuration


def test_verdicts_under_other_thresholds(copy):
    row = {"id": "beta-costs", "clause": "ratio", "threshold": "margin", "set": 0.05}
    verdicts = {"at_half": "does not hold", "as_set": "holds", "at_twice": "holds"}
    content = pd.DataFrame([row | verdicts]).to_csv(index=False)
    assert gather(copy).sensitivity is None
    copy.folder.write("sensitivity.csv", content.encode())
    report = gather(copy)
    cells = report.sensitivity.rows[0]
    assert [cell.text for cell in cells[3:]] == ["0.05", "does not hold", "holds", "holds"]
    assert [cell.strong for cell in cells[4:]] == [True, False, False]
    assert "Verdicts under other thresholds" in Page(render(report)).text


def test_controls_stand_beside_the_scores(report):
    rows = [row for row in report.controls.rows if row[1].text == "Higgins"]
    figures = ["0.800", "0.333", "0.550", "0.500", "0.700", "0.600", "0.300", "0.950", "0.500"]
    assert [cell.text for cell in rows[0][2:]] == figures
    strong = [row[2].strong for row in rows]
    assert sorted(strong) == [False, True, True, True]  # 0.65 is below the pixels' 0.7
    assert len(report.other_controls.rows) == 4 * 6  # the class read among them


def test_what_the_latents_move_in_words(report):
    (one,) = report.aligned
    assert one.lines == [
        "z1: slant, +0.21 rad per step, leakage 6%, holds for 10 of 10 digits",
        "z2: the digit: 62% of pictures two steps away are read as another digit",
        "z3: mixed; mostly width, −1.50 px per step, leakage 55%, holds for 7 of 10 digits",
    ]
    assert one.n_still == 1
    assert one.knobs == [
        "width knob: width, −1.50 px per step, leakage 1%, holds for 9 of 10 digits"
    ]
    shown = [cell.text for cell in report.alignment.rows[0]]
    assert shown[1:] == ["none", "z1", "none", "1", "1", "1"]


def test_a_direction_that_reacts_and_moves_nothing_measured():
    row = {"property": "mixed", "leakage": np.nan}
    assert moved(row) == "mixed: thickness, slant and width do not change"


def test_failures_and_what_helps(study, report):
    failed, waiting = report.unfinished
    assert failed[1:] == ("failed", "0 of 3", "KL is inf <in epoch 2>")
    assert waiting[1:] == ("waiting", "0 of 3", "not started")
    score = f"study score {study.folder}"
    assert [notice.command for notice in report.notices] == [COMMAND, COMMAND, score]
    assert report.notices[0].text.startswith("Not finished: 1 run.")
    assert report.notices[1].text.startswith("Failed: 1 run, see Unfinished runs.")
    moves = "What the latents of 3 runs move is not measured yet."
    assert report.notices[2].text == moves  # one of four is aligned
    assert notices(study, {})[0].command == ""  # no study.yaml


def test_provenance(report):
    (invocation,) = report.provenance.invocations
    assert invocation.took == "1:02:03"
    assert invocation.machine == "here, fast, 2 cores, no GPU, Linux"
    assert dict(report.provenance.versions)["torch"] == "2.14.1"
    assert dict(report.provenance.data) == SHA256
    assert report.provenance.data_name == f"MNIST, {DATA_HASH}"


def test_the_same_as_text(study, report):
    text = render_readme(report)
    assert text.startswith(f"# {study.folder.name}\n")
    assert f"| `{COMMAND}` | 2026-01-01 10:00:00 UTC | 1:02:03 | here, fast, 2 cores" in text
    assert report.outcome[0] in text
    for claim in report.claims:
        assert f"| {claim.statement} | **{claim.verdict}** | {claim.sentence} |" in text
    assert all(answer in text for answers in report.questions.values() for answer in answers)
    assert "\n\n\n" not in text
    write_report(study)
    assert study.folder.read("README.md").decode() == text


def test_a_study_without_results_has_a_short_text(tmp_path):
    study = write_runs(Folder(tmp_path / "bad"), [new_record(tiny(), "failed", "no luck")])
    text = render_readme(gather(study))
    assert "0 of 1 runs are done." in text
    assert "No run is finished yet" in text
    assert "claims" not in text


def test_the_page_has_every_section_and_figure(study, page):
    ids = [element["id"] for _, element in page.elements if "id" in element]
    assert len(ids) == len(set(ids))
    assert [id_ for id_ in ids if id_ in SECTIONS] == SECTIONS
    links = [link["href"] for link in page.all("a") if link["href"] != "explorer.html"]
    assert {link.removeprefix("#") for link in links} <= set(ids)
    drawn = [name for name in (study.folder / "figures").names() if name.endswith(".svg")]
    assert len(page.all("img")) == len(drawn) > 0
    assert all(image["alt"] for image in page.all("img"))
    assert len([name for name, _ in page.elements if name == "caption"]) == len(page.all("table"))
    assert "KL is inf <in epoch 2>" in page.text


def test_nothing_in_the_page_comes_from_elsewhere(page, html):
    for tag, attributes in page.elements:
        for name in ("src", "href", "srcset", "poster", "action", "data"):
            where = attributes.get(name, "#")
            if (tag, where) == ("a", "explorer.html"):  # which lies beside it
                continue
            assert where.startswith(("#", "data:")), f"<{tag} {name}={where[:60]}>"
    css = html[html.index("<style>") : html.index("</style>")]
    assert "url(" not in css
    assert "@import" not in css
    (policy,) = [m["content"] for m in page.all("meta") if "http-equiv" in m]
    assert policy.startswith("default-src 'none'; img-src data: blob:;")


def test_the_interactive_plots_have_the_figures_of_the_tables(study, page, html):
    data = json.loads(re.search(r'id="data">(.*?)</script>', html, re.DOTALL)[1])
    runs, configurations = data["rows"]["run"], data["rows"]["configuration"]
    assert runs["names"] == study.trials.query("state == 'done'")["run"].tolist()
    higgins = dict(zip(configurations["names"], configurations["columns"]["higgins"], strict=True))
    ranked = study.ranking.dropna(subset="higgins").set_index("configuration")["higgins"]
    assert higgins == ranked.to_dict()
    assert set(configurations["columns"]) <= set(data["labels"])
    assert "udr" not in configurations["columns"]  # one seed: nothing to agree with


def test_an_unscored_study_says_so_and_which_command_helps(tmp_path):
    study = write_runs(Folder(tmp_path / "new"), [finished(tiny())])
    report = gather(study)
    assert report.notices == [
        ("Nothing is scored: no ranking, ICA, controls or alignment.", ""),
        (
            f"Not in this folder: the weights of {tiny().run_id}. Score on the machine that has"
            " them.",
            "",
        ),
    ]
    (runs_folder(study.folder) / tiny().run_id).write(WEIGHTS, b"")
    (notice,) = gather(study).notices
    assert notice.command == f"study score {study.folder}"
    assert report.ranking is report.ica is report.controls is report.alignment is None
    assert len(report.elbo.rows) == 1
    page = Page(render(report))
    assert "No configuration is scored." in page.text
    ids = {element.get("id") for _, element in page.elements}
    assert ids & set(SECTIONS) == {"explore", "elbo", "details"}  # a section has something to say


def test_a_study_of_one_scored_run(tmp_path):
    study = write_runs(Folder(tmp_path / "one"), [finished(tiny())])
    write_scores(study, {tiny().run_id: 0.8})
    report = gather(study)
    assert report.outcome[1] == "No other configuration is scored."
    assert [notice.text for notice in report.notices] == [
        "What the latents of 1 run move is not measured yet."
    ]
    assert not report.unfinished
    assert "Unfinished" not in Page(render(report)).text


def test_runs_done_after_the_scores_are_named(tmp_path):
    study = write_runs(Folder(tmp_path / "two"), [finished(tiny()), finished(tiny(4.0))])
    write_scores(study, {tiny().run_id: 0.8})
    assert gather(study).notices[0].text == "Finished but not scored: 1 run."


def test_a_study_where_every_run_failed(tmp_path):
    study = write_runs(Folder(tmp_path / "bad"), [new_record(tiny(), "failed", "no luck")])
    report = gather(study)
    assert report.notices[0] == ("No run is finished yet: there is nothing to compare.", COMMAND)
    text = Page(render(report)).text
    assert "no luck" in text
    assert "Figures" not in text


def test_a_study_without_its_run_folders_or_study_yaml(tmp_path):
    folder = Folder(tmp_path / "tables")
    study = write_runs(folder, [finished(tiny()), new_record(tiny(4.0), "waiting")])
    runs_folder(folder).delete_all()
    folder.delete("study.yaml")
    report = gather(study)
    assert [one.epochs for one in report.unfinished] == ["0"]
    assert "This study has no study.yaml." in Page(render(report)).text


def test_the_gallery_names_the_figures_and_what_is_missing(tmp_path):
    folder = Folder(tmp_path / "gallery")
    study = write_runs(folder, [finished(tiny())])
    figures = folder / "figures"
    svg = b'<svg width="10pt" height="10pt"></svg>'
    figures.write("wide.svg", svg + b" " * SVG_LIMIT)
    figures.write("wide.png", PNG)
    figures.write("alone.svg", svg + b" " * SVG_LIMIT)
    figures = [
        {"name": name, "title": f"<{name}>", "caption": "Two & two.", "group": group}
        for name, group in (("wide", "pictures"), ("alone", "latents"), ("gone", "scores"))
    ]
    listed = {"figures": figures, "missing": [{"name": "traversals", "reason": "no weights"}]}
    (folder / "tables").write("gallery.json", json.dumps(listed).encode())
    report = gather(study)
    shown = {group.name: group.figures for group in report.gallery.groups}
    assert shown["pictures"][0].source.startswith("data:image/png;")
    assert shown["latents"][0].source.startswith("data:image/svg+xml;")  # there is no PNG of it
    missing = [("traversals", "no weights"), ("gone", "its file is not in figures/")]
    assert report.gallery.missing == missing
    page = Page(render(report))
    assert {image["alt"] for image in page.all("img")} == {"<wide>", "<alone>"}
    assert page.text.count("Two & two.") == 1  # nothing is said twice
    assert "What is left out, and why traversals : no weights" in page.text


def test_a_figure_has_the_size_that_it_was_drawn_at(study):
    _, svg = inline(study.folder, "figure-3a")
    png = png_size((study.folder / "figures").read("figure-3a.png"))
    assert svg == pytest.approx((3.3 * 96, 2.76 * 96), rel=0.02)  # inches: a column wide
    assert png == pytest.approx(svg, abs=1)
    assert png_size(PNG) == (320, 200)  # no resolution is given
    assert svg_size(b'<svg viewBox="0 0 1 1" width="2in" height="48px">') == (192, 48)
    with pytest.raises(StudyError, match="no width and height"):
        svg_size(b'<svg viewBox="0 0 1 1">')


@pytest.mark.parametrize(
    ("name", "command"),
    [
        *((name, "study claims") for name in ("claims", "sensitivity", "findings")),
        *((f"tables/{name}", "study score") for name in ("ica", READ_FACTORS)),
        ("tables/gallery", "study report"),
    ],
)
def test_a_flipped_bit_in_what_a_report_reads_is_named_with_the_command_that_mends_it(
    copy, name, command
):
    folder, _, stem = name.rpartition("/")
    place = copy.folder / folder if folder else copy.folder
    if stem == "gallery":
        assert draw_all(copy, figures=[ranking.FIGURE]).failures == {}
    else:
        columns = {"id": ["beta-costs"], "score": ["mig"], "factors": ["a"], "value": [0.25]}
        write_table(place, stem, pd.DataFrame(columns), None)
    (path,) = (p for p in Path(place.location).glob(f"{stem}.*") if p.suffix != ".csv")
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)
    with pytest.raises(StudyError, match=rf"/{name}\.\w+ is damaged.*repeat {command}$"):
        gather(copy)


def test_a_damaged_gallery_is_named_and_drawn_anew(tmp_path, capsys):
    folder = Folder(tmp_path / "bad")
    study = write_runs(folder, [finished(tiny())])
    (folder / "tables").write("gallery.json", b"[")
    with pytest.raises(StudyError, match=r"tables/gallery.json is damaged"):
        write_report(study)
    assert main([str(tmp_path / "bad")]) == 0


def test_the_command_line(copy, capsys, tmp_path):
    place = copy.folder.location
    assert main([place]) == 0
    assert f"the whole study on one page: {place}/report.html\n" in capsys.readouterr().out
    assert open_study(place).folder.read("report.html").startswith(b"<!DOCTYPE html>")
    assert main([str(tmp_path)]) == 1
    printed = capsys.readouterr().err
    assert printed == f"analysis.report: no study at {tmp_path}: it has no trials.parquet\n"
    assert main(["ftp://user:secret@host/x"]) == 2
    assert "secret" not in capsys.readouterr().err


def test_fifty_configurations_of_three_seeds_are_under_fifteen_megabytes(tmp_path):
    configs = [
        RunConfig(latent_dim=j, beta=beta, conditioning=kind, seed=seed, epochs=1)
        for j in (3, 5, 10, 20, 200)
        for beta in (1, 3, 5, 10, 20)
        for kind in ("none", "label")
        for seed in (0, 1, 2)
    ]
    study = write_runs(Folder(tmp_path / "full"), [finished(config) for config in configs])
    for number in range(30):  # more than there are, each as large as may be, in both forms
        svg = b'<svg width="10pt" height="10pt">' + b" " * (SVG_LIMIT - 38) + b"</svg>"
        (study.folder / "figures").write(f"figure-{number}.svg", svg)
        (study.folder / "figures").write(f"figure-{number}.png", PNG + b" " * 200_000)
    write_report(study)
    content = study.folder.read("report.html")
    assert len(content) < 15 * MEGABYTE
    page = Page(content.decode())
    assert len(page.all("img")) == 30
    assert "150 of 150 runs done" in page.text


def test_verdicts_are_coloured():
    verdicts = ("holds", "does not hold", "fails", "cannot be told", "undecided")
    kinds = [verdict_kind(verdict) for verdict in verdicts]
    assert kinds == ["good", "bad", "bad", "open", "open"]
