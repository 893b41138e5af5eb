"""One driver a study: who holds its folder, whether that driver lives, and what it asks of workers.

`lock.json` in the study's folder says who and since when; it is renewed while its driver lives. On
a local or shared folder an operating system's lock tells at once when the driver has died; where
there is none, as on an object store, a lock counts as dead when it was not renewed for a while.
filelock, which is used, has no more than the former; neither it nor pyarrow locks an object store.
"""

import json
import logging
import os
import platform
import threading
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from filelock import BaseFileLock, FileLock, Timeout
from pydantic import TypeAdapter, ValidationError

from study.config.errors import StudyError
from study.storage.folder import Folder

log = logging.getLogger(__name__)

LOCK = "lock.json"
SYSTEM_LOCK = ".lock"  # of the operating system
BEAT_S = 5.0
EXPIRY_S = 30.0  # a driver that was silent for so long is dead; clocks may differ by less
SETTLE_S = 1.0  # object stores: of two drivers that write at once, the later write stays
ASK_S = 1.0  # how often a worker looks whether it should go on


class Holder(NamedTuple):
    """The driver of one invocation."""

    invocation: str
    host: str
    pid: int
    since: str
    beat: float  # Unix time
    stopping: bool

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since}"


_HOLDER = TypeAdapter(Holder)


class LockLost(Exception):
    """The invocation that a worker serves is over: its driver is gone, or another has begun."""


class Lock:
    """Holds a study's folder; use it as a context.

    Raises:
        StudyError: another driver holds it (named), or the folder cannot be written.
    """

    def __init__(self, study: Folder) -> None:
        self._study = study
        self._system: BaseFileLock | None = None
        self._end = threading.Event()
        self._heartbeat = threading.Thread(target=self._beat, daemon=True)
        self._writing = threading.Lock()
        now = datetime.now(UTC).isoformat(timespec="seconds")
        invocation = uuid.uuid4().hex
        self.holder = Holder(invocation, platform.node(), os.getpid(), now, time.time(), False)

    def __enter__(self) -> "Lock":
        try:
            self._system = _system_lock(self._study, timeout=1.0)
            if self._system is None:
                self._take_turns()
            elif _lives_without_system_lock(self._study):
                raise Timeout(SYSTEM_LOCK)
            self._write()
        except (Timeout, OSError) as error:
            if self._system:
                self._system.release()
            if isinstance(error, Timeout):
                raise _taken(self._study) from None
            raise StudyError(f"cannot write to the results folder {self._study}: {error}") from None
        self._heartbeat.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._heartbeat.join()  # one that outlives its lock would renew, or complain, for nobody
        try:
            with self._writing:
                if self._ours():
                    self._study.delete(LOCK)
        except OSError as failure:  # it expires by itself
            log.warning("cannot remove %s/%s: %s", self._study, LOCK, failure)
        if self._system:
            self._system.release()

    def ask_to_stop(self) -> None:
        """Tell every worker of this invocation to save and end after its present epoch."""
        self.holder = self.holder._replace(stopping=True)
        self._write()

    def require_held(self) -> None:
        """Raises StudyError where this driver holds the folder no longer; says why."""
        try:
            holder = read_holder(self._study)
        except OSError:  # a store that is away; who writes there says so
            return
        if holder is None or holder.invocation != self.holder.invocation:
            why = f"{holder} has taken it over" if holder else f"its {LOCK} was deleted"
            raise StudyError(f"stopped training {self._study}: {why}; what is done stays")

    def _take_turns(self) -> None:
        holder = read_holder(self._study)
        if holder and beats(holder.host, holder.pid, holder.beat):
            raise _taken(self._study)
        self._write()
        time.sleep(SETTLE_S)
        if not self._ours():
            raise _taken(self._study)

    def _ours(self) -> bool:
        holder = read_holder(self._study)
        return holder is not None and holder.invocation == self.holder.invocation

    def _write(self) -> None:
        with self._writing:
            if not self._end.is_set():
                self.holder = self.holder._replace(beat=time.time())
                self._study.write(LOCK, json.dumps(self.holder._asdict()).encode())

    def _beat(self) -> None:
        while not self._end.wait(BEAT_S):
            try:
                if self._ours():
                    self._write()
            except OSError as error:  # a store that is away for a moment
                log.warning("cannot renew %s/%s: %s", self._study, LOCK, error)


class Watch:
    """A worker's view of the lock that its invocation holds."""

    def __init__(self, study: Folder, invocation: str) -> None:
        self._study, self._invocation = study, invocation
        self._looked, self._stopping = -ASK_S, False

    def stopping(self) -> bool:
        """Whether the driver asks to save and end; looks at most once in `ASK_S` seconds.

        Raises:
            LockLost: the invocation is over. Whatever the worker has not saved, another will train.
        """
        now = time.monotonic()
        if now - self._looked < ASK_S:
            return self._stopping
        self._looked = now
        try:
            holder = read_holder(self._study)
        except OSError:  # a store that is away for a moment; if it stays away, saving will fail
            return self._stopping
        if holder is None or holder.invocation != self._invocation:
            raise LockLost(f"{self._study} has another driver now, or none")
        self._stopping = holder.stopping
        return self._stopping


def read_holder(study: Folder) -> Holder | None:
    """Who holds a study's folder, or held it when its driver died; None after a proper end."""
    try:
        return _HOLDER.validate_json(study.read(LOCK))
    except (FileNotFoundError, ValidationError):  # of another version: as good as none
        return None


def is_alive(study: Folder) -> bool:
    """Whether a driver works on this study now."""
    holder = read_holder(study)
    if holder is None:
        return False
    try:
        system = _system_lock(study, timeout=0.0)
    except Timeout:
        return True
    except OSError:  # a folder that this user may read alone
        return beats(holder.host, holder.pid, holder.beat)
    if system is None:
        return beats(holder.host, holder.pid, holder.beat)
    system.release()
    return _lives_without_system_lock(study)


def _lives_without_system_lock(study: Folder) -> bool:
    """Whether a driver lives though the system's lock is free: someone has deleted its file.

    Only who renews `lock.json` lives: its process may have died on another machine just now, or its
    number be that of another process, as in a restarted container.
    """
    holder = read_holder(study)
    end = time.monotonic() + 3 * BEAT_S
    while holder and beats(holder.host, holder.pid, holder.beat) and time.monotonic() < end:
        time.sleep(BEAT_S / 5)
        if (now := read_holder(study)) != holder:
            return now is not None
    return False


def require_free(study: Folder) -> None:
    """Raises StudyError, naming it, where a driver works on this study now."""
    if is_alive(study):
        raise _taken(study)


def _system_lock(study: Folder, timeout: float) -> BaseFileLock | None:
    """The operating system's lock on a folder, which ends with its process; None: there is none."""
    if not study.is_local:
        return None
    Path(study.location).mkdir(parents=True, exist_ok=True)
    lock = FileLock(Path(study.location) / SYSTEM_LOCK, timeout=timeout)
    try:
        lock.acquire()
    except NotImplementedError:  # some network file systems cannot
        return None
    return lock


def beats(host: str, pid: int, beat: float) -> bool:
    """Whether a process lives that last gave a sign of life, in Unix time, at `beat`."""
    if host == platform.node() and not _exists(pid):
        return False  # killed on this machine: no need to wait
    return time.time() - beat < EXPIRY_S


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError as error:
        return isinstance(error, PermissionError)  # another user's
    return True


def _taken(study: Folder) -> StudyError:
    holder = read_holder(study) or "another process"
    return StudyError(
        f"{study} is in use by {holder}: wait for it, stop it, or give another --name"
    )
