"""One job, one outcome: counted, done with its effects, tried again later, or parked where people see it."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.db import connection

from audit.models import AuditEvent, SystemEvent
from core import clock
from core.context import acting, current_actor
from core.correlation import correlation_id
from core.errors import DomainError
from core.sequences import next_number
from jobs.models import Job
from jobs.services import cancel_job, enqueue, rerun_job
from organizations.actors import load_actor
from tasks import registry
from tasks.registry import TaskFailed, task
from tasks.runner import run_job
from tests.database import as_system, role
from tests.factories.names import World
from tests.work import again, run

pytestmark = pytest.mark.django_db

MOMENT = dt.datetime(2026, 3, 2, 12, tzinfo=clock.UTC)
SEEN: list[Any] = []


@pytest.fixture(autouse=True)
def kinds() -> Iterator[None]:
    """Kinds of this test alone."""
    before = dict(registry.registered())
    SEEN.clear()

    @task("test.count", backoff=(500, 2))
    def count(job: Job) -> str:
        actor = current_actor()
        SEEN.append((next_number("test.count"), job.attempts, correlation_id(), actor.user_id if actor else None))
        return f"Counted {SEEN[-1][0]}."

    @task("test.fail", backoff=(500, 2), max_attempts=4)
    def fail(job: Job) -> str:
        next_number("test.count")
        raise ConnectionError("mail.example.org refused ada@example.org, token=abc123")

    @task("test.refuse")
    def refuse(job: Job) -> str:
        raise TaskFailed("It will never work.", final=True, keep=lambda: SEEN.append(next_number("test.kept")))

    @task("test.slow", timeout=0.2, max_attempts=1, parked=lambda job: SEEN.append(job.state))
    def slow(job: Job) -> str:
        time.sleep(5)
        return "Never."

    @task("test.sleepy", timeout=0.2, max_attempts=1)
    def sleepy(job: Job) -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(5)")
        return "Never."

    yield
    registry._TASKS.clear()
    registry._TASKS.update(before)


def ask(kind: str, subject: Any = None, **changes: Any) -> Job:
    with as_system():
        return enqueue(kind, subject, dedupe_key=changes.pop("dedupe_key", f"test-{kind}"), **changes)


def counter(name: str) -> int:
    with as_system(), connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(value), 0) FROM core_counter WHERE name = %s", [name])
        return int(cursor.fetchone()[0])


def test_a_job_is_done_with_its_effects_as_the_workers_actor_under_its_correlation_id(
    world: World, settings: Any
) -> None:
    """CERT-104: the history of automatic work shows the worker's user."""
    settings.WORKER_ACTOR_USER_ID = str(world.worker.pk)
    job = ask("test.count")
    with as_system():
        Job.objects.filter(pk=job.pk).update(correlation_id="request-12345")

    job = run(job)

    assert (job.state, job.attempts, job.result) == ("done", 1, "Counted 1.")
    assert (job.lease_until, job.last_error) == (None, "")
    assert job.finished_at is not None
    assert SEEN == [(1, 1, "request-12345", world.worker.pk)]


def test_a_second_delivery_of_the_same_id_does_nothing(world: World) -> None:
    job = ask("test.count")

    run(job)
    run(job)

    assert len(SEEN) == 1


def test_the_same_idempotency_key_asks_only_once(world: World) -> None:
    first, second = ask("test.count", dedupe_key="same"), ask("test.count", dedupe_key="same")

    run(first)
    with role("app_worker"):
        told = run_job(str(second.pk))

    assert len(SEEN) == 1
    assert told.startswith("There is no such job")


def test_failures_wait_exponentially_longer_and_are_then_parked_with_an_alarm(world: World) -> None:
    """CERT-106, CERT-114: base × 2^n, by a clock that stands still; the roll-back takes the effects."""
    waits = []
    with time_machine.travel(MOMENT, tick=False) as travel:
        job = ask("test.fail", organization=world.provider_a.pk)
        for _ in range(4):
            job = run(job)
            waits.append((job.not_before - clock.now()).total_seconds())
            travel.move_to(job.not_before)

    assert (job.state, job.attempts, waits[:3]) == ("parked", 4, [0.5, 1.0, 2.0])
    assert job.last_error == "ConnectionError: mail.example.org refused [e-mail], token=[secret]"
    assert counter("test.count") == 0
    with as_system():
        alarm = SystemEvent.objects.get(detail__job=str(job.pk))
        evidence = AuditEvent.objects.get(target_id=str(job.pk), act="job.parked")
    assert (alarm.level, alarm.source, alarm.detail["attempts"]) == ("error", "jobs", 4)
    assert (evidence.organization_id, evidence.reason) == (world.provider_a.pk, "Given up after 4 attempts.")
    assert evidence.actor_label == "system: test.fail"


def test_a_retry_waits_for_its_time(world: World) -> None:
    with time_machine.travel(MOMENT, tick=False):
        job = run(ask("test.fail"))

    assert (job.state, job.not_before) == ("ready", MOMENT + dt.timedelta(milliseconds=500))


def test_a_job_before_its_time_is_left_alone(world: World) -> None:
    job = run(ask("test.count", not_before=clock.now() + dt.timedelta(minutes=5)))

    assert (job.state, job.attempts) == ("ready", 0)


def test_a_task_may_give_up_at_once_and_keep_what_it_learned(world: World) -> None:
    job = run(ask("test.refuse"))

    assert (job.state, job.attempts, job.last_error) == ("parked", 1, "It will never work.")
    assert SEEN == [1]
    assert counter("test.kept") == 1


@pytest.mark.parametrize("kind", ["test.slow", "test.sleepy"])
def test_work_over_its_time_limit_is_stopped(world: World, kind: str) -> None:
    began = time.monotonic()

    job = run(ask(kind))

    assert time.monotonic() - began < 4
    assert job.state == "parked"
    assert SEEN == (["parked"] if kind == "test.slow" else [])


def test_a_kind_nobody_registered_is_parked_with_a_clear_error(world: World) -> None:
    job = run(ask("test.unheard"))

    assert (job.state, job.attempts) == ("parked", 0)
    assert job.last_error == "No task is registered for the kind 'test.unheard'."


def test_a_lease_that_ran_out_is_claimed_again_and_one_that_holds_is_not(world: World) -> None:
    job = ask("test.count")
    with as_system():
        Job.objects.filter(pk=job.pk).claim(most=5, lease=dt.timedelta(seconds=30))

    assert run(job).state == "running"
    with time_machine.travel(clock.now() + dt.timedelta(seconds=31)):
        job = run(job)

    assert (job.state, job.attempts) == ("done", 2)


def test_a_job_whose_worker_died_every_time_is_parked(world: World) -> None:
    job = ask("test.count", max_attempts=2)
    for minutes in (0, 5):
        with time_machine.travel(clock.now() + dt.timedelta(minutes=minutes)), as_system():
            Job.objects.filter(pk=job.pk).claim(most=2, lease=dt.timedelta(seconds=30))

    with time_machine.travel(clock.now() + dt.timedelta(minutes=10)):
        job = run(job)

    assert (job.state, job.attempts, SEEN) == ("parked", 2, [])
    assert job.last_error == "The worker died during the last attempt."


def test_a_parked_job_is_rerun_with_a_reason_under_its_unchanged_key_and_on_record(world: World) -> None:
    job = ask("test.refuse", organization=world.provider_a.pk, dedupe_key="effect-1")
    run(job)
    with as_system():
        actor = load_actor(world.provider_admin_a)

    with acting(actor):
        with pytest.raises(DomainError) as refused:
            rerun_job(job, reason="  ")
        fresh = rerun_job(job, reason="The service is back.")

    assert refused.value.code == "reason_required"
    assert (fresh.state, fresh.attempts, fresh.dedupe_key) == ("ready", 0, "effect-1")
    with as_system():
        evidence = AuditEvent.objects.get(target_id=str(job.pk), act="job.ready")
        history = Job.history.filter(id=job.pk).latest("history_date")
    assert (evidence.actor_id, evidence.reason) == (world.provider_admin_a.pk, "The service is back.")
    assert (history.history_change_reason, history.dedupe_key) == ("The service is back.", "effect-1")
    assert run(job).attempts == 1


def test_only_a_parked_job_can_be_rerun_and_never_twice(world: World) -> None:
    """D-13."""
    parked, done = run(ask("test.refuse")), run(ask("test.count"))

    with as_system():
        rerun_job(parked, reason="Again.")
        for job in (parked, done):
            with pytest.raises(DomainError) as refused:
                rerun_job(job, reason="Again.")
            assert refused.value.code == "transition_not_allowed"


def test_a_cancelled_job_never_runs(world: World) -> None:
    job = ask("test.count")
    with as_system():
        cancel_job(job, reason="Not wanted any more.")

    assert (run(job).state, SEEN) == ("cancelled", [])


def test_the_effects_of_a_job_that_was_closed_while_it_ran_do_not_stay(world: World) -> None:
    @task("test.closing")
    def closing(job: Job) -> str:
        next_number("test.count")
        Job.objects.filter(pk=job.pk).update(state="cancelled")
        return "Done all the same."

    job = run(ask("test.closing"))

    assert counter("test.count") == 0
    assert (job.state, job.attempts) == ("ready", 1)


def test_a_member_of_another_organization_sees_no_job(world: World) -> None:
    job = ask("test.count", organization=world.provider_a.pk)
    with as_system():
        actor = load_actor(world.provider_admin_b)

    with acting(actor):
        assert not Job.objects.filter(pk=job.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_of_many_deliveries_at_once_one_has_the_effect(world: World) -> None:
    """D-06: eight workers get the same id."""
    job = ask("test.count")

    answers = in_threads([str(job.pk)] * 8)

    assert answers.count("Counted 1.") == 1
    assert (len(SEEN), again(job).state, again(job).attempts) == (1, "done", 1)


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_only_seemed_dead_and_its_successor_have_one_effect(world: World) -> None:
    """D-06: the lease runs out while the first worker is still at it; the second stands back."""
    begun, may_end = threading.Event(), threading.Event()

    @task("test.long", timeout=20, grace=0)
    def long(job: Job) -> str:
        begun.set()
        may_end.wait(10)
        return f"Counted {next_number('test.count')}."

    job = ask("test.long")
    first: list[str] = []
    thread = threading.Thread(target=lambda: first.extend(in_threads([str(job.pk)])))
    thread.start()
    begun.wait(10)
    with as_system():
        Job.objects.filter(pk=job.pk).update(lease_until=clock.now() - dt.timedelta(seconds=1))
    second = in_threads([str(job.pk)])
    may_end.set()
    thread.join()

    assert second == ["Another job works on the same record; this one waits."]
    assert (first, counter("test.count")) == (["Counted 1."], 1)
    assert (again(job).state, again(job).attempts) == ("done", 1)


@pytest.mark.django_db(transaction=True)
def test_two_jobs_of_one_kind_about_one_record_never_run_at_once(world: World) -> None:
    subject = world.studying_a
    jobs = [ask("test.crowded", subject=subject, dedupe_key=f"crowded-{number}") for number in range(4)]
    inside: list[int] = []
    most: list[int] = []

    @task("test.crowded")
    def crowded(job: Job) -> str:
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.1)
        inside.pop()
        return "Alone."

    answers = in_threads([str(job.pk) for job in jobs])

    assert max(most) == 1
    assert answers.count("Alone.") >= 1
    assert {again(job).attempts for job in jobs if again(job).state == "ready"} <= {0}


def in_threads(ids: list[str]) -> list[str]:
    """Run these jobs at once, each on a connection of its own; returns what the runner said."""
    said: list[str] = []

    def work(job_id: str) -> None:
        try:
            with role("app_worker"):
                said.append(run_job(job_id))
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(job_id,)) for job_id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return said
