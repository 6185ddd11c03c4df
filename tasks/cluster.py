"""The processes of one worker: django-q2's cluster, tied to the life of whoever started them."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

from django_q.cluster import Cluster

from jobs.queue import ask_to_stop


def run_cluster() -> None:
    """Start the processes and return; they go on until SIGTERM, and none outlives its parent (on Linux)."""
    os.register_at_fork(after_in_child=die_with_parent(signal.SIGKILL))
    cluster = Cluster()

    def stop(number: int, frame: FrameType | None) -> None:
        ask_to_stop()
        cluster.sig_handler(number, frame)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    cluster.start()


def die_with_parent(number: int) -> Callable[[], None]:
    """For a child to call first: have the kernel send it this signal when its parent is gone. Linux only."""
    if sys.platform != "linux":
        return lambda: None
    library, set_parent_death_signal = ctypes.CDLL(None), 1

    def ask() -> None:
        library.prctl(set_parent_death_signal, number)

    return ask
