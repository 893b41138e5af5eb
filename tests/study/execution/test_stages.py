"""What a command shows of its stages, on a terminal and on a pipe, and writes for others."""

import io
import time

import pytest
from rich.console import Console

from study.config.run import RunConfig
from study.execution import stages as module
from study.execution.display import Display
from study.execution.stages import Look, Stages
from study.storage.folder import Folder
from study.storage.progress import read_progress
from study.storage.study_file import write_study

EPOCH = {"epoch": 1, "test_recon": 80.0, "test_kl": 20.0}


@pytest.fixture
def study(tmp_path):
    write_study(Folder(tmp_path / "s"), {"name": "s"})
    return Folder(tmp_path / "s")


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands until it is moved."""

    class Clock:
        now = 1000.0

        def time(self):
            return self.now

        monotonic = time

    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr("study.execution.display.time", clock)
    return clock


@pytest.fixture
def stages(study):
    return Stages(Console(file=io.StringIO(), width=140), study)


def seen(stages):
    """What a terminal would show."""
    console = Console(file=io.StringIO(), width=140, force_terminal=True, color_system=None)
    console.print(stages.render())
    return console.file.getvalue()


def test_the_time_left_is_at_the_pace_so_far_and_falls_between_steps(stages, clock):
    stages("scoring", 0, 10)
    assert stages.look() == Look("scoring", 0, 10, None)
    clock.now += 20
    stages("scoring", 4, 10)
    assert stages.look().left == pytest.approx(30)  # 5 s a step, 6 steps
    clock.now += 10
    assert stages.look().left == pytest.approx(20)
    assert "4 of 10" in seen(stages)
    assert "30 s, about 20 s left" in seen(stages)
    clock.now += 25  # longer than a step ever took: nobody knows
    assert stages.look().left is None


def test_a_stage_whose_steps_nobody_counts_has_its_usual_length(stages, clock):
    stages("start-up", 2)
    first = stages.look()
    clock.now += 5
    later = stages.look()
    assert later.left == pytest.approx(first.left - 5)
    assert later.done == pytest.approx(first.done + 5)
    clock.now += 1000
    assert stages.look().done < stages.look().total


def test_training_moves_within_an_epoch_and_names_the_best_run(stages, clock):
    run = RunConfig(epochs=10)
    display = Display(stages, [run], 0, {})
    with stages.following(display.look):
        assert stages.look().stage == "start-up"
        display.started(run.run_id)
        display.phase(run.run_id, "compiling")
        assert stages.look().stage == "compiling"
        display.phase(run.run_id, "training")
        clock.now += 10
        display.epoch(run.run_id, 1, 100.0, EPOCH)
        look = stages.look()
        assert (look.stage, look.done, look.total) == ("training", 1, 10)
        assert look.left == pytest.approx(90)
        assert look.running == {run.run_id: [EPOCH]}
        clock.now += 5
        assert stages.look().done == pytest.approx(1.5)
        assert stages.look().left == pytest.approx(85)
        display.finished(run.run_id, None, "done")
        assert stages.look().running == {}


def test_while_runs_compile_nobody_knows_how_long_they_will_take(stages, clock):
    runs = [RunConfig(epochs=20), RunConfig(epochs=20, network="conv")]
    display = Display(stages, runs, 0, {})
    for run in runs:
        display.started(run.run_id)
        display.phase(run.run_id, "compiling")
    clock.now += 100
    display.epoch(runs[0].run_id, 1, 100.0, EPOCH)
    assert display.look().left is None
    for epoch in range(2, 5):
        clock.now += 1
        display.epoch(runs[0].run_id, epoch, 100.0, EPOCH)
    assert display.look().left is not None


def test_a_terminal_shows_the_bar_the_runs_and_the_best_one(study, clock):
    console = Console(file=io.StringIO(), width=140, force_terminal=True)
    stages, runs = Stages(console, study), [RunConfig(epochs=4), RunConfig(epochs=4, beta=4.0)]
    display = Display(stages, runs, 0, {})
    with stages.following(display.look):
        for run, recon in zip(runs, (80.0, 90.0), strict=True):
            display.started(run.run_id)
            clock.now += 1
            display.epoch(run.run_id, 1, recon + 20, {**EPOCH, "test_recon": recon})
        text = seen(stages)
    assert "0 of 2 runs done, 2 running, 0 waiting" in text
    assert f"100.00 nats, {runs[0].run_id}" in text
    assert text.count("1/4") == 2


def test_a_pipe_gets_few_lines(stages, clock):
    for done in range(100):
        stages("scoring", done, 100)
        clock.now += 1
    lines = stages.console.file.getvalue().splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("scoring: 31 of 100, about")


def test_others_can_read_how_far_it_is_until_it_ends(study, monkeypatch):
    monkeypatch.setattr(module, "EVERY_S", 0.01)
    with Stages(Console(file=io.StringIO()), study) as stages:
        stages("drawing", 3, 25)
        deadline = time.monotonic() + 20
        while not (progress := read_progress(study)):
            assert time.monotonic() < deadline
        assert (progress.stage, progress.done, progress.total) == ("drawing", 3, 25)
    assert read_progress(study) is None
    assert "progress.json" not in study.names()


def test_no_folder_is_made_for_a_study_that_did_not_begin(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "EVERY_S", 0.01)
    with Stages(Console(file=io.StringIO()), Folder(tmp_path / "none")) as stages:
        stages("start-up")
        time.sleep(0.1)
    assert not (tmp_path / "none").exists()
