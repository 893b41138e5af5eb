"""How Tune is fed: tests/system has the studies that it trains."""

import os

from study.config.errors import StudyError
from study.execution import scheduler
from study.execution.cluster import Resources


def test_a_trial_is_made_when_there_is_room_for_it(monkeypatch):
    room = [2, 2, 2, 2, 3]
    monkeypatch.setattr(scheduler, "slots", lambda resources: room.pop(0))
    monkeypatch.setattr(scheduler, "ROOM_EVERY_S", 0.0)
    queue = scheduler._Queue(iter([{"task": k} for k in range(4)]).__next__, Resources())
    assert [queue.suggest(trial) for trial in "abc"] == [{"task": 0}, {"task": 1}, None]
    queue.on_trial_complete("a", error=True)
    assert queue.suggest("d") == {"task": 2}
    assert queue.suggest("e") == {"task": 3}, "a node has joined"


def test_no_trial_is_made_while_no_node_is_left(monkeypatch):
    def none_left(resources):
        raise StudyError("a run needs 1 CPU, the cluster has 0 CPU")

    monkeypatch.setattr(scheduler, "slots", none_left)
    queue = scheduler._Queue(lambda: {"task": 0}, Resources())
    assert queue.suggest("a") is None


def test_the_queue_ends(monkeypatch):
    monkeypatch.setattr(scheduler, "slots", lambda resources: 2)
    queue = scheduler._Queue(lambda: None, Resources())
    assert queue.suggest("a") == scheduler.Searcher.FINISHED


def test_tune_is_set_for_a_study_alone_and_not_against_the_user(monkeypatch):
    limit, period = scheduler.OF_TUNE
    monkeypatch.setenv(limit, "3")
    monkeypatch.delenv(period, raising=False)
    with scheduler._tune_as_we_use_it():
        assert [os.environ[limit], os.environ[period]] == ["3", "inf"]
    assert os.environ[limit] == "3"
    assert period not in os.environ
