"""Who can write what a worker would run? Nobody but the services; and a job runs again only when it may."""

from __future__ import annotations

import pickle
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.db import models

from audit.models import AuditEvent
from core.context import acting
from core.errors import DomainError
from jobs import services
from jobs.enums import JobState
from jobs.models import Job
from organizations.actors import load_actor
from tests.database import Databases, as_system
from tests.factories.names import World
from tests.factories.shared import make_job
from tests.trials import Trial

pytestmark = pytest.mark.django_db(transaction=True)

TABLES = ("django_q_ormq", "django_q_task", "django_q_schedule")
PICKLE = pickle.dumps(print).hex()
ATTACKS = {
    "a payload in the queue": (
        "INSERT INTO django_q_ormq (key, payload, lock) VALUES ('certaos', %(pickle)s, now())"
    ),
    "a pickled result": (
        "INSERT INTO django_q_task (id, name, func, args, started, stopped, success, attempt_count)"
        " VALUES (%(id)s, 'x', 'os.system', %(pickle)s, now(), now(), true, 1)"
    ),
    "a schedule": (
        "INSERT INTO django_q_schedule (func, schedule_type, repeats, next_run, intended_date_kwarg)"
        " VALUES ('os.system', 'O', 1, now(), NULL)"
    ),
    **{f"change {table}": f"UPDATE {table} SET id = id" for table in TABLES},
    **{f"empty {table}": f"DELETE FROM {table}" for table in TABLES},
    **{f"cut {table}": f"TRUNCATE {table}" for table in TABLES},
}  # fmt: skip
SCOPES = ("", "person", "platform", "system")


def succeeded(databases: Databases, login: str) -> list[str]:
    """The attacks that a real login gets away with, whatever scope it claims."""
    through = []
    with psycopg.connect(databases.dsn(login), autocommit=True) as connection:
        for scope in SCOPES:
            for name, sql in ATTACKS.items():
                try:
                    with connection.transaction(force_rollback=True):
                        connection.execute("SELECT set_config('app.scope', %s, true)", [scope])
                        connection.execute(sql, {"pickle": PICKLE, "id": uuid.uuid4().hex})
                except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction):
                    continue
                through.append(f"{login} as {scope or 'nobody'}: {name}")
    return through


@pytest.mark.torture("D-12")
def test_no_runtime_login_writes_what_the_package_would_run(world: World, databases: Databases, trial: Trial) -> None:
    logins = ("app_web", "app_worker", "app_ro")
    through = [attack for login in logins for attack in succeeded(databases, login)]
    trial.report(n=len(logins) * len(SCOPES) * len(ATTACKS), violations=len(through))


@pytest.mark.control("D-12")
def test_a_grant_too_many_is_seen(world: World, databases: Databases) -> None:
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name), autocommit=True) as superuser:
        superuser.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO app_web")
        superuser.execute("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO app_web")
    assert any("a payload in the queue" in attack for attack in succeeded(databases, "app_web"))


Rerun = Callable[[Job, str], Any]


def cases(world: World) -> Iterator[tuple[str, Job, Any, bool]]:
    """Name, job, who asks, and whether it may run again."""
    with as_system():
        admin, stranger = load_actor(world.provider_admin_a), load_actor(world.provider_admin_b)
        for state in JobState:
            yield f"in the state {state}", make_job(world.provider_a, state=state), admin, state == JobState.PARKED
        gone = make_job(world.provider_a, state=JobState.PARKED, subject_type="enrollments.enrollment",
                        subject_id=str(uuid.uuid4()))  # fmt: skip
        yield "about an erased record", gone, admin, False
        yield "of another tenant", make_job(world.provider_a, state=JobState.PARKED), stranger, False


def wrong_reruns(world: World, rerun: Rerun) -> tuple[int, int]:
    """How many cases there were, and how many went wrong: run again when they may not, or twice, or off the record."""
    wrong = count = 0
    for _name, job, actor, may in list(cases(world)):
        key, state = job.dedupe_key, job.state
        for _click in range(2):
            with acting(actor):
                try:
                    rerun(Job.objects.get(pk=job.pk), "Again.")
                except (DomainError, models.ObjectDoesNotExist):
                    continue
        with as_system():
            found = Job.objects.get(pk=job.pk)
            records = AuditEvent.objects.filter(target_id=str(job.pk), act="job.ready").count()
        expected = (JobState.READY, key, 1) if may else (state, key, 0)
        wrong += (found.state, found.dedupe_key, records) != expected
        count += 1
    return count, wrong


@pytest.mark.torture("D-13")
def test_a_job_runs_again_only_when_it_may_once_and_on_record(world: World, trial: Trial) -> None:
    count, wrong = wrong_reruns(world, lambda job, reason: services.rerun_job(job, reason=reason))
    trial.report(n=count, violations=wrong)


@pytest.mark.control("D-13")
def test_a_rerun_that_asks_nothing_is_found_out(world: World) -> None:
    """The mistake of the queue's package: whatever is ticked is queued again."""

    def blunt(job: Job, _reason: str) -> None:
        Job.objects.filter(pk=job.pk).update(state=JobState.READY, attempts=0)

    _count, wrong = wrong_reruns(world, blunt)
    assert wrong >= 4
