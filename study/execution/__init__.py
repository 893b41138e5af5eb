"""Runs on Ray; here what must stand before Ray is imported, and what signals do.

SIGINT (Ctrl-C) and SIGTERM (a scheduler, a shutdown) are one request: stop, and lose nothing.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Ray reads these when it is imported. Its own tables, files and notices are of no use to a study.
os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
os.environ.setdefault("TUNE_DISABLE_SIGINT_HANDLER", "1")  # ours also knows SIGTERM
os.environ.setdefault("TUNE_GLOBAL_CHECKPOINT_S", "1000000000")  # a snapshot is of no use either

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def on_signals(act: Callable[[], None]) -> Iterator[None]:
    """Call `act` at every such signal; outside the main thread, which alone gets them, nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda *_: act()) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def interrupt() -> None:
    """Raises KeyboardInterrupt."""
    raise KeyboardInterrupt
