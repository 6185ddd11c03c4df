"""Who is next, who has it, and what becomes of jobs whose process died."""

from __future__ import annotations

import datetime as dt

import pytest

from core import clock
from jobs.enums import JobState
from jobs.line import free_what_the_dead_held, give_back, reserve, start
from jobs.models import Job
from jobs.queue import OrderBroker, cluster_name
from jobs.services import enqueue
from tests.database import as_system, role
from tests.factories.names import World

pytestmark = pytest.mark.django_db

KINDS = {"files.purge"}
LEASE = dt.timedelta(seconds=30)


@pytest.fixture(autouse=True)
def only_ours(world: World) -> None:
    with as_system():
        Job.objects.all().delete()


def ask(key: str, *, minutes: float = 1, **changes: object) -> Job:
    """A job that is due since `minutes`."""
    with as_system():
        moment = clock.now() - dt.timedelta(minutes=minutes)
        return enqueue("files.purge", dedupe_key=key, not_before=moment, **changes)  # type: ignore[arg-type]  # -- passed on


def take(most: int = 100, holder: str = "one/1") -> list[str]:
    with role("app_worker"):
        found = reserve(holder, holder.partition("/")[0], kinds=KINDS, most=most)
    return [job.dedupe_key for job in found]


def test_a_worker_takes_its_own_jobs_first_and_then_the_oldest() -> None:
    for minutes, queue in ((5, ""), (3, ""), (1, "one"), (1, "other")):
        ask(f"{queue}{minutes}", minutes=minutes, queue=queue)

    assert take() == ["one1", "5", "3"]
    assert take(holder="other/2") == ["other1"]


def test_every_organization_has_its_turn(world: World) -> None:
    """D-15: who asked for much and early does not keep the others waiting."""
    for number in range(8):
        ask(f"a{number}", minutes=60 - number, organization=world.provider_a.pk)
    for number in range(2):
        ask(f"b{number}", minutes=5 - number, organization=world.provider_b.pk)
    ask("platform", minutes=4)

    assert take(6) == ["a0", "b0", "platform", "a1", "b1"]


def test_what_is_reserved_is_nobody_elses() -> None:
    for number in range(4):
        ask(str(number), minutes=10 - number)

    assert [take(2), take(2, "two/2"), take(2, "three/3")] == [["0", "1"], ["2", "3"], []]


def test_what_is_not_due_or_of_a_kind_nobody_here_knows_is_left_alone() -> None:
    ask("later", minutes=-1)
    with as_system():
        enqueue("unheard.of", dedupe_key="unheard")

    assert take() == []


def test_what_was_reserved_and_not_begun_can_be_given_back() -> None:
    ask("one")
    with role("app_worker"):
        give_back(reserve("one/1", "one", kinds=KINDS, most=5))

    assert take(holder="two/2") == ["one"]


def test_only_the_holder_starts_a_job_and_only_the_start_counts_an_attempt(world: World) -> None:
    ask("one")
    with role("app_worker"):
        (job,) = reserve("one/1", "one", kinds=KINDS, most=5)
    with as_system():
        assert Job.objects.get().attempts == 0
        job.holder = "thief/9"

    with pytest.raises(Exception, match="must be counted"):
        start(job, most=5, lease=LEASE)


@pytest.mark.django_db(transaction=True)
def test_a_start_is_committed_once(world: World) -> None:
    ask("one")
    with role("app_worker"):
        (job,) = reserve("one/1", "one", kinds=KINDS, most=5)
        begun = [start(job, most=1, lease=LEASE), start(job, most=1, lease=LEASE)]
        job.holder = "thief/9"
        stolen = start(job, most=5, lease=LEASE)

    with as_system():
        found = Job.objects.get()
    assert (begun, stolen) == ([True, False], False)
    assert (found.state, found.attempts, found.holder) == (JobState.RUNNING, 1, "one/1")
    assert found.lease_until > clock.now() + LEASE / 2


@pytest.mark.django_db(transaction=True)
def test_what_a_dead_process_held_is_due_at_once(world: World) -> None:
    for key in ("dead", "alive"):
        ask(key)
    with role("app_worker"):
        for holder in ("one/1", "one/2"):
            (job,) = reserve(holder, "one", kinds=KINDS, most=1)
            start(job, most=5, lease=LEASE)
        assert take(holder="one/3") == []
        assert free_what_the_dead_held("one", lambda pid: pid == 2) == (1, 1)
        assert free_what_the_dead_held("two", lambda _pid: False) == (0, 0)

    assert len(take(holder="one/3")) == 1


def test_a_job_asked_for_twice_is_one_job_with_its_first_details() -> None:
    first, second = ask("same", params={"number": 1}), ask("same", params={"number": 2})

    with as_system():
        assert list(Job.objects.values_list("pk", "params")) == [(first.pk, {"number": 1})]
    assert second.pk != first.pk


def test_the_package_is_given_an_order_and_no_work() -> None:
    ((acknowledge, order),) = OrderBroker(cluster_name("one")).dequeue()

    assert acknowledge == 0
    assert "files.purge" not in order


@pytest.mark.django_db(transaction=True)
def test_what_a_process_died_of_goes_to_the_end_of_its_line(world: World) -> None:
    ask("deadly", minutes=5)
    ask("next", minutes=4)
    ask("last", minutes=3)
    with role("app_worker"):
        deadly, _reserved = reserve("one/1", "one", kinds=KINDS, most=2)
        start(deadly, most=3, lease=LEASE)

        freed = free_what_the_dead_held("one", lambda _pid: False)

    assert freed == (2, 0)
    assert take() == ["next", "last", "deadly"]
