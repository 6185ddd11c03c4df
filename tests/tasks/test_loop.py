"""What a worker's process takes at once, and when it lets go of the rest."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import pytest

from core import clock
from jobs.models import Job
from jobs.services import enqueue
from tasks import loop
from tests.database import as_system, role
from tests.factories.names import World

pytestmark = pytest.mark.django_db


def ask(kind: str, key: str, **options: Any) -> None:
    with as_system():
        enqueue(kind, dedupe_key=key, not_before=clock.now() - dt.timedelta(minutes=1), **options)


def test_a_slow_handful_is_given_back_so_that_the_heartbeat_has_its_turn(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One job of a handful that turned out slow was done; the others wait for whoever is free, behind a heartbeat."""
    tried: list[str] = []

    def slowly(job: Job, **_options: Any) -> str:
        tried.append(job.dedupe_key)
        time.sleep(loop.SLOW_SECONDS + 0.1)
        return "Slow."

    monkeypatch.setattr(loop, "attempt", slowly)
    monkeypatch.setattr(loop, "worker_name", lambda: "one")
    with as_system():
        Job.objects.all().delete()
    for number in range(4):
        ask("files.purge", f"slow-{number}")

    with role("app_worker"):
        done, most = loop._round(4)
        ask("jobs.beat", "beat", queue="one")
        again = loop._round(most)

    assert (done, most, again) == (1, 2, (1, 1))
    assert tried == ["slow-0", "beat"]
