"""The lock of a study's folder, as drivers, workers and the status command see it."""

import json
import os
import threading
from contextlib import suppress

import pytest

from study.config.errors import StudyError
from study.storage import lock as locks
from study.storage.folder import Folder
from study.storage.lock import LOCK, SYSTEM_LOCK, Lock, LockLost, Watch, is_alive, read_holder


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "ASK_S", 0.0)
    return Folder(tmp_path / "s")


def test_one_driver_at_a_time(study):
    with Lock(study) as lock:
        assert is_alive(study)
        assert read_holder(study) == lock.holder
        with pytest.raises(StudyError, match=rf"in use by process {os.getpid()} on \S+, since 20"):
            Lock(study).__enter__()
    assert not is_alive(study)
    assert read_holder(study) is None
    with Lock(study):
        pass


def test_what_a_dead_driver_left_blocks_nobody_and_is_still_told(study, monkeypatch):
    """Even where its number is that of a process that lives."""
    monkeypatch.setattr(locks, "BEAT_S", 0.05)
    with Lock(study):
        left = study.read(LOCK)
    study.write(LOCK, left)
    assert read_holder(study).pid == os.getpid()
    assert not is_alive(study)
    with Lock(study) as lock:
        assert read_holder(study).invocation == lock.holder.invocation


def test_a_second_driver_is_refused_though_the_file_of_the_systems_lock_was_deleted(
    study, monkeypatch
):
    monkeypatch.setattr(locks, "BEAT_S", 0.2)
    with Lock(study) as lock:
        study.delete(SYSTEM_LOCK)
        assert is_alive(study)
        study.delete(SYSTEM_LOCK)
        with pytest.raises(StudyError, match=f"in use by process {os.getpid()} on"):
            Lock(study).__enter__()
        lock.require_held()
    with Lock(study):  # the refused one holds nothing
        pass


def test_a_driver_whose_lock_was_taken_says_so_in_a_line(study):
    with Lock(study) as lock:
        other = lock.holder._replace(invocation="another", pid=1)
        study.write(LOCK, json.dumps(other._asdict()).encode())
        with pytest.raises(StudyError, match=r"^stopped training \S+: process 1 on .* taken it"):
            lock.require_held()
        study.delete(LOCK)
        with pytest.raises(StudyError, match=r"its lock\.json was deleted"):
            lock.require_held()


def test_a_worker_learns_that_it_should_save_and_stop(study):
    with Lock(study) as lock:
        watch = Watch(study, lock.holder.invocation)
        assert not watch.stopping()
        lock.ask_to_stop()
        assert watch.stopping()


def test_a_worker_of_an_older_sitting_is_superseded(study):
    with Lock(study) as first:
        watch = Watch(study, first.holder.invocation)
    with pytest.raises(LockLost):
        watch.stopping()
    with Lock(study), pytest.raises(LockLost):
        watch.stopping()


def test_without_a_system_lock_a_silent_driver_counts_as_dead(study, monkeypatch):
    monkeypatch.setattr(locks, "_system_lock", lambda folder, timeout: None)
    monkeypatch.setattr(locks, "SETTLE_S", 0.0)
    with Lock(study), pytest.raises(StudyError, match="in use by"):
        Lock(study).__enter__()
    with Lock(study):
        monkeypatch.setattr(locks, "EXPIRY_S", 0.0)
        assert not is_alive(study)
        with Lock(study) as second:
            assert read_holder(study).invocation == second.holder.invocation


def test_of_two_that_write_at_once_the_later_stays(study, monkeypatch):
    monkeypatch.setattr(locks, "_system_lock", lambda folder, timeout: None)
    other = Lock(study).holder._replace(pid=1)

    def meanwhile(_):
        study.write(LOCK, locks.json.dumps(other._asdict()).encode())

    monkeypatch.setattr(locks.time, "sleep", meanwhile)
    with pytest.raises(StudyError, match="in use by process 1 on"):
        Lock(study).__enter__()
    assert read_holder(study) == other


def test_a_lock_that_is_no_lock_blocks_nobody(study):
    study.write(LOCK, b'{"half": ')
    assert read_holder(study) is None
    with Lock(study):
        pass


@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_no_heartbeat_outlives_its_lock(study, monkeypatch, error):
    monkeypatch.setattr(locks, "BEAT_S", 0.01)
    before = set(threading.enumerate())
    with suppress(ValueError, KeyboardInterrupt), Lock(study):
        assert set(threading.enumerate()) > before
        if error:
            raise error
    assert set(threading.enumerate()) == before
    assert read_holder(study) is None


def test_no_heartbeat_outlives_a_storage_that_is_gone(study, monkeypatch, tmp_path, caplog):
    monkeypatch.setattr(locks, "BEAT_S", 0.01)
    before = set(threading.enumerate())
    with Lock(study):
        (tmp_path / "s").rename(tmp_path / "away")
        (tmp_path / "s").write_text("a file where the folder was")
    assert set(threading.enumerate()) == before
    assert "cannot remove" in caplog.text
