"""What is asked for in a transaction stands or falls with it."""

from __future__ import annotations

from contextlib import suppress

import pytest
from django.db import transaction

from core.context import acting
from jobs.models import Job
from jobs.services import enqueue
from organizations.actors import load_actor
from tests.database import as_system
from tests.factories.names import World
from tests.trials import Trial

pytestmark = pytest.mark.django_db(transaction=True)

KIND = "torture.number"


class Undo(Exception):
    """Somebody changes their mind."""


def jobs() -> set[str]:
    with as_system():
        return set(Job.objects.filter(kind=KIND).values_list("dedupe_key", flat=True))


@pytest.mark.torture("D-09")
def test_of_many_transactions_exactly_the_committed_ones_leave_a_job(world: World, trial: Trial) -> None:
    """D-09: half are rolled back after asking, and half of the rest undo one of two wishes with a savepoint."""
    chance, wanted = trial.random, set()
    count = trial.scale(fast=400, long=10_000)
    with as_system():
        actor = load_actor(world.provider_admin_a)
    kinds = [index % 2 == 0 for index in range(count)]
    chance.shuffle(kinds)

    for index, commits in enumerate(kinds):
        with suppress(Undo), acting(actor):
            enqueue(KIND, dedupe_key=f"outer-{index}", organization=next(iter(actor.memberships)))
            if index % 2:
                ask_and_undo(f"inner-{index}")
            undo(when=not commits)
            wanted.add(f"outer-{index}")

    assert len(wanted) == count // 2
    trial.report(n=count, violations=len(jobs() ^ wanted))


def undo(*, when: bool = True) -> None:
    if when:
        raise Undo


def ask_and_undo(key: str) -> None:
    """Ask inside a savepoint, and roll back to it."""
    with suppress(Undo), transaction.atomic():
        enqueue(KIND, dedupe_key=key)
        undo()


@pytest.mark.control("D-09")
def test_a_queue_on_a_connection_of_its_own_would_keep_what_was_undone(world: World) -> None:
    """The control of the test above: it would notice."""
    with as_system():
        actor = load_actor(world.provider_admin_a)

    with suppress(Undo), acting(actor):
        Job.objects.using("side").bulk_create([Job(kind=KIND, dedupe_key="undone")])
        undo()

    assert jobs() == {"undone"}
