"""What the trials about money share: a judge that reads past every policy, and children that die on the spot."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import connection

from jobs.enums import JobState
from jobs.models import Job
from payments import gateway
from payments.models import Payment
from tests.database import Databases, as_system
from tests.factories.names import World
from tests.fakes.stripe import FakeStripe
from tests.payments.people import fresh, invited, opened, tell
from tests.work import run_due

FAR_BACK = "2020-01-01T00:00:00Z"
DIED = -signal.SIGKILL
SYNC = ("payments.apply_event", "payments.send_refund", "payments.ask_gateway")


class Books:
    """Our book, read as the superuser, beside the gateway's own."""

    def __init__(self, databases: Databases, fake: FakeStripe) -> None:
        self.dsn = databases.cluster.superuser_dsn(databases.name)
        self.fake = fake

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn) as judge:
            return judge.execute(sql, params or None).fetchall()

    def run(self, sql: str) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as superuser:
            superuser.execute(sql)

    def orphans(self) -> list[str]:
        """Every way in which the two books disagree, or in which one of them is impossible."""
        book = self.fake.book()
        found = [
            f"{key}: {len(use['refunds'])} refunds" for key, use in book["keys"].items() if len(use["refunds"]) > 1
        ]
        ours = {row[0]: row for row in self.rows(OURS)}
        for intent, theirs in book["payment_intents"].items():
            if theirs["charged"]:
                found += _compare(intent, theirs, ours.pop(intent, None))
        found += [f"{intent}: money of ours that the gateway does not know" for intent in ours]
        found += [f"{row[0]}: refund left {row[1]}" for row in self.rows(OPEN_REFUNDS)]
        return found


OURS = """
    SELECT p.payment_intent_id, p.status, p.amount_cents, p.refunded_cents,
           coalesce(sum(r.amount_cents) FILTER (WHERE r.status = 'succeeded' AND r.method = 'card'), 0)
      FROM payments_payment p LEFT JOIN payments_refund r ON r.payment_id = p.id
     WHERE p.payment_intent_id LIKE 'pi_%' AND p.succeeded_at IS NOT NULL GROUP BY p.id
"""
OPEN_REFUNDS = """
    SELECT r.id, r.status FROM payments_refund r JOIN payments_payment p ON p.id = r.payment_id
     WHERE p.payment_intent_id LIKE 'pi_%' AND r.status = 'created'
"""


def _compare(intent: str, theirs: dict[str, Any], ours: tuple[Any, ...] | None) -> list[str]:
    if ours is None:
        return [f"{intent}: charged {theirs['charged']} without a payment of ours"]
    _intent, status, amount, refunded, by_rows = ours
    wanted = {"charged": amount, "refunded": refunded}
    found = [
        f"{intent}: {name} {theirs[name]} there, {value} here"
        for name, value in wanted.items()
        if theirs[name] != value
    ]
    if by_rows != refunded:
        found.append(f"{intent}: refunds of {by_rows} in rows, {refunded} on the payment")
    if theirs["refunded"] > theirs["charged"] or (refunded == amount) != (status == "refunded"):
        found.append(f"{intent}: {refunded} of {amount} back and yet {status}")
    return found


@pytest.fixture
def books(databases: Databases, fake: FakeStripe) -> Books:
    return Books(databases, fake)


def paid_by_card(world: World, fake: FakeStripe) -> Payment:
    """A client's card payment that both sides know."""
    payment = opened(world, invited(world))
    fake.pay(payment.checkout_session_id)
    tell(fake)
    found: Payment = fresh(payment)
    return found


def past_due(*kinds: str) -> None:
    """Let the time pass that leases and waits between attempts take."""
    with as_system():
        rows = Job.objects.filter(kind__in=kinds or SYNC).exclude(state__in=(JobState.DONE, JobState.CANCELLED))
        rows.filter(state=JobState.RUNNING).update(lease_until=FAR_BACK)
        rows.update(not_before=FAR_BACK)


def work_until_quiet(*kinds: str, rounds: int = 6) -> int:
    """Run the jobs again and again as hours of retries would; returns how many rounds it took until nothing was due."""
    for number in range(1, rounds + 1):
        past_due(*kinds)
        if not run_due(*(kinds or SYNC)):
            return number
    return rounds


def die() -> None:
    """kill -9 for this very process."""
    os.kill(os.getpid(), signal.SIGKILL)


def in_a_child(act: Callable[[], object]) -> int:
    """Run `act` in a process of its own with its own connections; returns the exit code, `DIED` for kill -9."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    code = 1
    try:
        _own_connections()
        act()
        code = 0
    finally:
        sys.stdout.flush()
        os._exit(code)


_inherited: list[Any] = []


def _own_connections() -> None:
    """Forget the parent's sockets without closing them: they are the parent's."""
    _inherited.append(connection.connection)
    connection.connection = None
    connection.in_atomic_block = False
    connection.savepoint_ids = []
    connection.run_on_commit = []
    connection.closed_in_transaction = False
    gateway._client_for.cache_clear()
