"""What lies in the queue, in which order, and what is brought back to it."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from core import clock
from core.context import ANONYMOUS, acting
from jobs.models import Job
from jobs.queue import HouseBroker, carry, own_queue
from jobs.recovery import requeue_due
from jobs.services import enqueue
from tests.database import as_system
from tests.factories.names import World

pytestmark = pytest.mark.django_db

SHARED = "certaos"


@pytest.fixture(autouse=True)
def only_ours(world: World) -> None:
    with as_system():
        Job.objects.all().delete()


def ask(key: str, **changes: object) -> Job:
    with acting(ANONYMOUS):
        return enqueue("files.purge", dedupe_key=key, **changes)  # type: ignore[arg-type]  # -- passed on


def keys() -> list[str]:
    return list(OrmQ.objects.order_by("pk").values_list("key", flat=True))


def take(queue: str) -> list[str]:
    """Ids of the jobs in the order in which a worker of this queue gets them, until there are no more."""
    broker, found = HouseBroker(queue), []
    while taken := broker.dequeue():
        found += [SignedPackage.loads(payload)["args"][0] for _, payload in taken]
    return found


def sweep() -> int:
    with as_system():
        return requeue_due()


def test_an_entry_carries_the_id_and_nothing_else() -> None:
    job = ask("one", params={"secret": "no"})

    (entry,) = OrmQ.objects.all()
    package = SignedPackage.loads(entry.payload)
    assert entry.key == f"{SHARED}|{job.pk}"
    assert (package["func"], package["args"], package["kwargs"]) == ("tasks.runner.run_job", (str(job.pk),), {})


def test_a_worker_takes_its_own_queue_first_and_then_the_oldest() -> None:
    moment = clock.now()
    expected = []
    for minutes, queue in ((5, ""), (3, ""), (1, own_queue("me")), (1, own_queue("other"))):
        with time_machine.travel(moment - dt.timedelta(minutes=minutes), tick=False):
            expected.append(str(ask(f"{queue}{minutes}", queue=queue).pk))

    assert take(own_queue("me")) == [expected[2], expected[0], expected[1]]
    assert HouseBroker(own_queue("other")).queue_size() == 1
    assert HouseBroker(own_queue("me")).lock_size() == 1


def test_an_entry_is_hidden_until_its_time() -> None:
    job = ask("later", not_before=clock.now() + dt.timedelta(minutes=1))

    assert take(SHARED) == []
    with time_machine.travel(clock.now() + dt.timedelta(minutes=2)):
        assert take(SHARED) == [str(job.pk)]


def test_a_lost_entry_is_made_anew_once_it_is_late() -> None:
    job = ask("lost")
    OrmQ.objects.all().delete()

    at_once = sweep()
    with time_machine.travel(clock.now() + dt.timedelta(seconds=11)):
        later, again = sweep(), sweep()

    assert (at_once, later, again) == (0, 1, 0)
    assert keys() == [f"{SHARED}|{job.pk}"]


def test_an_entry_in_the_hands_of_a_dead_worker_is_let_go_and_not_doubled() -> None:
    job = ask("taken")
    take(SHARED)

    with time_machine.travel(clock.now() + dt.timedelta(seconds=11)):
        assert sweep() == 1
        assert take(SHARED) == [str(job.pk)]
    assert len(keys()) == 1


def test_a_long_backlog_is_not_doubled_by_the_sweep() -> None:
    for number in range(30):
        ask(f"backlog-{number}")

    with time_machine.travel(clock.now() + dt.timedelta(minutes=10)):
        assert sweep() == 0
    assert len(keys()) == 30


def test_work_under_a_lease_is_left_alone_until_it_runs_out() -> None:
    job = ask("leased")
    OrmQ.objects.all().delete()
    with as_system():
        Job.objects.filter(pk=job.pk).claim(most=5, lease=dt.timedelta(minutes=1))

    with time_machine.travel(clock.now() + dt.timedelta(seconds=50)):
        held = sweep()
    with time_machine.travel(clock.now() + dt.timedelta(seconds=61)):
        ran_out = sweep()

    assert (held, ran_out) == (0, 1)


def test_a_job_asked_for_twice_is_one_job_with_its_first_details() -> None:
    first, second = ask("same", params={"number": 1}), ask("same", params={"number": 2})

    with as_system():
        assert list(Job.objects.values_list("pk", "params")) == [(first.pk, {"number": 1})]
    assert second.pk != first.pk


def test_an_entry_too_many_is_taken_like_any_other() -> None:
    job = ask("doubled")
    carry(job.pk)

    assert take(SHARED) == [str(job.pk)] * 2
