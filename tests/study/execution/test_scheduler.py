"""How Tune is fed: tests/system has the studies that it trains."""

import os

import pytest

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


@pytest.mark.parametrize("before", [None, "3"])
def test_the_limit_of_tune_is_lifted_for_a_study_alone(monkeypatch, before):
    monkeypatch.delenv(scheduler.MOST_PENDING, raising=False)
    if before:
        monkeypatch.setenv(scheduler.MOST_PENDING, before)
    with scheduler._workers_starting_at_once():
        assert int(os.environ[scheduler.MOST_PENDING]) == int(before or 10_000)
    assert os.environ.get(scheduler.MOST_PENDING) == before
