"""The command line itself: its commands, help, completion, and one line for every mistake."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pages import finished

from study.cli.main import COMMANDS, main, train
from study.config.errors import StudyError
from study.config.run import RunConfig
from study.data.load import SOURCES
from study.data.shipped.mnist_sources import SHA256
from study.storage.folder import Folder
from study.storage.records import runs_folder, write_record

ROOT = Path(__file__).parents[3]
NAMES = [
    "run",
    "search",
    "score",
    "report",
    "explore",
    "claims",
    "compare",
    "status",
    "watch",
    "bench",
    "data",
]
ARGUMENTS = {"study", "studies", "name", "name_", "device"}  # which click shows without help
SLOW = {"numpy", "pandas", "pydantic", "pyarrow", "ray", "rich", "torch", "yaml"}


def python(*words, **variables):
    env = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, timeout=120, env=env
    )


def test_study_alone_shows_its_commands(capsys):
    assert main([]) == 0
    text = capsys.readouterr().out
    assert re.findall(r"^  ([a-z]+)  ", text, re.MULTILINE) == NAMES
    assert main(["--help"]) == 0
    assert capsys.readouterr().out == text
    assert "..." not in text.partition("Commands:")[2]  # every line is whole


@pytest.mark.parametrize("command", COMMANDS, ids=NAMES)
def test_every_command_has_help(command, capsys):
    assert main([command.name, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"Usage: study {command.name}" in text
    for option in command.params:
        assert getattr(option, "help", None) or option.name in ARGUMENTS


def test_help_imports_nothing_slow():
    script = (
        "import sys; from study.cli.main import main; main(['run', '--help']);"
        f" print(sorted({SLOW} & set(sys.modules)))"
    )
    done = python("-c", script)
    assert done.stdout.endswith("[]\n"), done.stdout + done.stderr


def test_the_version_and_the_code(capsys):
    assert main(["--version"]) == 0
    assert re.fullmatch(r"study (\d[\w.]*|not installed), code \w{12}\n", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rnu"], "study: No such command 'rnu'"),
        (["run"], "study run: Missing option '--grid'"),
        (["run", "--gird", "quick"], "study run: No such option '--gird'. Did you mean '--grid'?"),
        (["run", "--grid", "papre"], "study run: unknown grid 'papre' (did you mean 'paper'?)"),
        (["run", "--grid", "quick", "--set", "hidden=[400,400]"], "study run: --set: hidden: "),
        (["run", "--grid", "quick", "--seeds", "-1"], "study run: --seeds: seed should be "),
        (["run", "--grid", "quick", "--pack", "x"], "study run: --pack: pack"),
        (["run", "--grid", "quick", "--from", "x"], "--from is an option of study search"),
        (["search"], "study search: give one search"),
        (["search", "search-quick", "--search", "search-quick"], "study search: give one search"),
        (["search", "search-quick", "--grid", "quick"], "--grid is an option of study run"),
        (["search", "search-quick", "--set", "beta=-1"], "study search: --set: beta should be"),
        (["score"], "study score: Missing argument 'results/NAME'"),
        (["claims", "ftp://user:secret@host/x"], "study claims: "),
    ],
    ids=lambda value: " ".join(value)[:50] if isinstance(value, list) else "",
)
def test_a_mistake_is_one_line_and_status_2(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    text = capsys.readouterr().err
    assert message in text
    assert text.count("\n") == 1
    assert "secret" not in text
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["score", "report", "explore", "claims", "status", "watch"])
def test_a_study_that_is_not_there_is_one_line_and_status_1(command, tmp_path, capsys):
    assert main([command, str(tmp_path / "none")]) == 1
    assert capsys.readouterr().err.startswith(f"study {command}: no study at ")


def test_options_without_a_command_are_answered_with_the_command(capsys):
    assert main(["--grid", "quick", "--set", "beta=[1, 4]"]) == 2
    error = capsys.readouterr().err
    assert (
        error
        == "study: options come after the command: study run --grid quick --set 'beta=[1, 4]'\n"
    )
    assert main(["--results", "x", "--search=search-quick"]) == 2
    assert "study search --results x --search=search-quick" in capsys.readouterr().err


def test_a_search_is_named_either_way(tmp_path, capsys):
    words = ["--results", str(tmp_path / "r"), "--set", "budget={trials: 7}", "--dry-run"]
    printed = []
    for start in (main, ["search", "search-quick"]), (main, ["search", "--search", "search-quick"]), (train, ["--search", "search-quick"]):  # fmt: skip  # noqa: E501
        command, first = start
        assert command([*first, *words]) == 0
        printed.append(capsys.readouterr().out.splitlines()[:4])
    assert printed[0] == printed[1] == printed[2]
    assert not (tmp_path / "r").exists()


MODULES = {
    "study": "study",
    "study.run": "study",
    "study.status": "study.status",
    "analysis.score": "analysis.score",
    "analysis.report": "analysis.report",
    "analysis.explorer": "analysis.explorer",
    "analysis.claims": "analysis.claims",
}


@pytest.mark.parametrize(("module", "name"), MODULES.items(), ids=MODULES)
def test_the_module_forms_stay(module, name, tmp_path):
    words = ["--grid", "papre"] if name == "study" else [str(tmp_path / "none")]
    done = python("-m", module, *words)
    assert done.returncode == (2 if name == "study" else 1)
    assert done.stderr.startswith(f"{name}: ")
    assert done.stderr.count("\n") == 1


def test_a_shell_completes_commands_options_and_names():
    def complete(line):
        script = "import sys; from study.cli.main import main; sys.exit(main())"
        n = str(len(line.split(" ")) - 1)
        variables = {"_STUDY_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": n}
        return python("-c", script, **variables).stdout

    assert "plain,report" in complete("study re")
    assert "plain,--grid" in complete("study run --gr")
    assert "plain,quick" in complete("study run --grid qu")
    assert "plain,search-quick" in complete("study search search-q")
    assert "dir," in complete("study report resu")


def test_data_says_what_is_there_and_fetches_on_request(tmp_path, monkeypatch, capsys):
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(b"nothing")
    words = ["data", "--data-dir", str(tmp_path)]
    assert main(words) == 1
    text = capsys.readouterr().out
    assert f"data in {tmp_path}" in text
    assert "t10k-labels-idx1-ubyte: damaged" in text
    assert text.count("ubyte: missing") == 3
    assert "put 3dshapes.h5 there by hand" in text
    assert "mnist: fetched from torchvision's mirrors" in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t10k-labels-idx1-ubyte"]
    fetched = []
    fetch = SOURCES["mnist"]._replace(fetch=lambda place, progress: fetched.append(place))
    monkeypatch.setitem(SOURCES, "mnist", fetch)
    assert main([*words, "mnist", "--fetch"]) == 1
    assert fetched == [tmp_path]
    assert main([*words, "--fetch"]) == 2
    assert "--fetch takes a NAME: mnist" in capsys.readouterr().err


def test_data_in_the_cache_is_verified(mnist, capsys):
    assert main(["data", "mnist"]) == 0
    assert capsys.readouterr().out.count(": verified") == len(SHA256)


def test_a_file_that_cannot_be_written_is_one_line(monkeypatch, tmp_path, capsys):
    def fail(*_):
        raise PermissionError("read-only")

    monkeypatch.setattr("analysis.open_study", fail)
    assert main(["score", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"study score: cannot use {tmp_path}: read-only\n"


def test_what_was_trained_stands_where_scoring_fails_and_the_reason_is_said_once(
    small_study, tmp_path, monkeypatch, capsys
):
    """As after `study run`: one reason for the scores and for all that is drawn."""
    from study.cli.options import new_console
    from study.cli.training import Training, show
    from study.execution.stages import Stages

    def fail(*_, **__):
        raise StudyError("the data is\nnot to be had")

    monkeypatch.setattr("analysis.pipeline.score_and_rank", fail)
    monkeypatch.setattr("analysis.pipeline.draw_all", fail)
    monkeypatch.setattr("analysis.pipeline.write_explorer", fail)
    given = Training(
        (), None, False, False, False, False, (), None, "", None, None, 1.0, None, 2, None, False
    )
    study = Folder(shutil.copytree(small_study.folder.location, tmp_path / "study"))
    stages = Stages(new_console(), study)
    assert not show(study, given, [], stages)
    text = capsys.readouterr().out
    assert text.count("not to be had") == 1
    assert "could not score: the data is not to be had; try again with" in text
    assert "not written: figures, explorer, for the same reason" in text
    assert show(study, given._replace(no_scores=True), [], stages)


def test_fewer_epochs_than_runs_have_are_said(tmp_path, capsys):
    for beta, epochs in ((1, 3), (4, 3), (8, 1)):
        config = RunConfig(beta=beta, epochs=epochs)
        folder = runs_folder(Folder(tmp_path / "quick")) / config.run_id
        write_record(folder, finished(config))
    words = ["run", "--grid", "quick", "--set", "conditioning=none", "--results", str(tmp_path)]
    assert main([*words, "--set", "beta=[1,4,8]", "--set", "epochs=1", "--dry-run"]) == 0
    text = capsys.readouterr().out
    assert "2 runs have 3 epochs already, 1 were requested: they stay as they are\n" in text
    assert "3 runs, 0 to train" in text
    assert main([*words, "--set", "beta=[1,4,8]", "--set", "epochs=3", "--dry-run"]) == 0
    assert "already" not in capsys.readouterr().out
