"""SIGINT (Ctrl-C) and SIGTERM (a scheduler, a shutdown) are one request: stop, and lose nothing."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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
