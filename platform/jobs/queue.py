"""What the queue's package is for here: it keeps a worker's processes alive and gives each the order to look for work.

The work itself stands in `jobs.Job` and is taken from there (`jobs.line`); nothing of it is ever in the package's
tables, which no runtime role may write.
"""

from __future__ import annotations

import mmap
import time
import uuid
from typing import Any

from django.conf import settings
from django_q.brokers import Broker
from django_q.conf import Conf
from django_q.signing import SignedPackage

from core import clock

ORDER = "tasks.loop.look_for_work"
# Shared with every process of the cluster, which are forks. A byte needs no lock that a killed process could keep.
_stop = mmap.mmap(-1, 1)


def cluster_name(worker: str) -> str:
    """What the package is told to call the cluster of this worker."""
    return f"{settings.Q_CLUSTER['name']}@{worker}"


def worker_name() -> str:
    """The worker whose cluster this process belongs to; empty in any other process."""
    return str(Conf.CLUSTER_NAME).partition("@")[2]


def ask_to_stop() -> None:
    """Tell every process of this cluster to take no further work."""
    _stop[0] = 1


def is_stopping() -> bool:
    return _stop[0] == 1


class OrderBroker(Broker):
    """Gives out the same order again and again; the package's queue of `queue_limit` orders holds it back."""

    @staticmethod
    def get_connection(list_key: str | None = None) -> None:
        """Nothing to connect to."""

    def ping(self) -> bool:
        return True

    def info(self) -> str:
        return "CertaOS jobs"

    def dequeue(self) -> list[tuple[int, str]]:
        """One order, which needs no acknowledgement; none while the cluster stops."""
        if is_stopping():
            time.sleep(Conf.POLL)
            return []
        order: dict[str, Any] = {
            "id": uuid.uuid4().hex, "name": "look", "func": ORDER, "args": (), "kwargs": {}, "save": False,
            "started": clock.now(),
        }  # fmt: skip
        return [(0, SignedPackage.dumps(order))]

    def queue_size(self) -> int:
        return 0

    def lock_size(self) -> int:
        return 0
