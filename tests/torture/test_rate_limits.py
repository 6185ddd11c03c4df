"""Q-01: limits hold to the hit over processes, threads and a restart."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from core.errors import DomainError
from core.limits import hit
from tests.processes import web_server
from tests.torture.accounts import at_once
from website.views.verify import LIMIT

pytestmark = pytest.mark.django_db(transaction=True)


def spend(uses: int, limit: int, count: Any = hit) -> tuple[int, int]:
    """From many threads at once: (uses that were let through, refusals that say no time)."""

    def one(_: int) -> tuple[bool, bool]:
        try:
            count("trial", "someone", limit=limit, seconds=600)
        except DomainError as refusal:
            return False, not 0 < refusal.params["seconds"] <= 600
        return True, False

    answers = at_once(one, range(uses))
    return sum(through for through, _ in answers), sum(silent for _, silent in answers)


@pytest.mark.torture("Q-01")
def test_a_limit_is_met_exactly_by_many_at_once(trial: Any) -> None:
    limit = trial.scale(fast=40, long=400)
    through, silent = spend(limit * 3, limit)
    trial.report(n=limit * 3, violations=abs(through - limit) + silent, through=through, limit=limit)


@pytest.mark.control("Q-01")
def test_a_counter_of_each_process_is_found_out() -> None:
    import threading  # noqa: PLC0415 -- only this control counts by thread

    mine = threading.local()

    def count(name: str, who: str, *, limit: int, seconds: int) -> None:
        mine.hits = getattr(mine, "hits", 0) + 1
        if mine.hits > limit:
            raise DomainError("too_many_requests", seconds=seconds)

    assert spend(60, 10, count)[0] > 10


def look_up(bases: Sequence[str], uses: int) -> tuple[int, int]:
    """Codes asked of the servers in turn: (answered, refused without saying when to come back)."""
    through = silent = 0
    for number in range(uses):
        try:
            with urllib.request.urlopen(f"{bases[number % len(bases)]}/verify/ABCD-{number:04}", timeout=20):  # noqa: S310 -- loopback only
                through += 1
        except urllib.error.HTTPError as refused:
            silent += refused.code != 429 or not refused.headers.get("Retry-After", "").isdigit()
    return through, silent


@pytest.mark.torture("Q-01", long=True)
def test_two_servers_and_a_restart_share_one_limit(databases: Any, tmp_path: Path, trial: Any) -> None:
    folders = [tmp_path / name for name in ("one", "two", "three")]
    for folder in folders:
        folder.mkdir()
    with web_server(databases, folders[0]) as stays:
        with ExitStack() as stack:
            bases = [stays, stack.enter_context(web_server(databases, folders[1]))]
            through, silent = look_up(bases, LIMIT * 2)
        with web_server(databases, folders[2]) as again:
            after, still_silent = look_up([stays, again], 10)
    off = abs(through + after - LIMIT)
    trial.report(
        n=LIMIT * 2 + 10, violations=(off > LIMIT * 0.05) + silent + still_silent, through=through + after, limit=LIMIT
    )
