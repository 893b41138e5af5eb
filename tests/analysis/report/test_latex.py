"""Tables for LaTeX: what is written sets as it stands here."""

import re

from analysis.report.tables.cells import Cell, Table
from analysis.report.tables.latex import escaped, latex, write_latex


def table(rows, columns=("name", "score"), caption="Of β."):
    return Table("t", caption, list(columns), [[Cell(*cell) for cell in row] for row in rows])


def test_special_characters_by_hand():
    assert escaped("50% of J_1 & {x} #2 $3 ~ ^ \\") == (
        r"50\% of J\_1 \& \{x\} \#2 \$3 \textasciitilde{} \textasciicircum{} \textbackslash{}"
    )
    assert escaped("β = −1 → 2–3 ≥ 0") == r"$\beta$ = $-$1 $\to$ 2--3 $\geq$ 0"
    assert escaped("0.9 [-0.8, 1.0] < 1") == "0.9 {[}$-$0.8, 1.0{]} $<$ 1"
    assert escaped("J10-beta1, 2-3") == "J10-beta1, 2-3"


def test_a_table_by_hand():
    text = latex(table([[("a_b",), ("0.5", 0.5)], [("[c]",), ("−1", -1.0, True)]]))
    lines = [line.strip() for line in text.splitlines()]
    assert lines[0].startswith("%")  # what the preamble needs
    start = lines.index(r"\begin{tabular}{lr}")
    assert lines[start + 1 : start + 7] == [
        r"\toprule", r"name & score \\", r"\midrule", r"a\_b & 0.5 \\",
        r"{[}c{]} & \textbf{$-$1} \\", r"\bottomrule",
    ]  # fmt: skip
    assert r"\caption{Of $\beta$.}" in text
    assert r"\label{tab:t}" in text


def test_a_long_table_runs_over_pages_and_long_text_has_lines():
    text = latex(table([[("x" * 60,), ("1", 1.0)]] * 46))
    assert r"\usepackage{booktabs,longtable}" in text
    assert r"\begin{longtable}{p{0." in text
    assert text.count("x" * 60) == 46


def test_few_rows_of_long_text_run_over_pages_and_no_line_is_wider_than_the_page():
    rows = [[("a claim " * 8,), ("does not hold",), ("because of this " * 20,)]] * 12
    text = latex(table(rows, ("claim", "verdict", "why")))
    shares = [float(share) for share in re.findall(r"p\{([\d.]+)\\linewidth\}", text)]
    assert shares[0] < shares[1]
    assert sum(shares) < 1 - len("does not hold") / 69  # letters in a line
    assert r"\begin{longtable}" in text
    assert r"\begin{longtable}" not in latex(table(rows[:2], ("claim", "verdict", "why")))


def test_a_study_gets_its_tables(small_study, tmp_path):
    import shutil

    from analysis import open_study

    shutil.copytree(small_study.folder.location, tmp_path / "copy")
    study = open_study(tmp_path / "copy")
    names = write_latex(study)
    assert names[:3] == ["bounds", "ranking", "scores"]
    for name in names:
        text = study.folder.read(f"tables/{name}.tex").decode()
        assert text.count(r"\toprule") == text.count(r"\bottomrule") > 0
        body = re.sub(r"\\.", "", text.partition("\n")[2])
        assert body.isascii()
        assert body.count("{") == body.count("}")
    ranking = study.folder.read("tables/ranking.tex").decode()
    assert len(re.findall(r"^J = .*\\\\$", ranking, re.M)) == len(study.ranking)
