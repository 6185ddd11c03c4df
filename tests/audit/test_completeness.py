"""Each change of a status leaves exactly one event that says who, what, where and why; and no event holds a secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.db import DatabaseError, models, transaction
from django.test import Client

from audit.services import note
from core.apps import core_config
from core.context import acting
from core.correlation import correlated
from core.models import Row
from core.transitions import transition
from organizations.actors import load_actor
from tests.database import Databases, as_system
from tests.factories.names import World
from tests.trials import Trial
from tests.web import sign_in

REASON = "Because of the trial"
SECRETS = ("correct-horse-battery", "078-05-1120", "4242424242424242", "whsec_trialtrialtrial", "tok_trial_secret")
HOSTILE = "\x1b[31mred\r\nforged: line\x00"
FORM = {"kind": "CC", "mode": "individual", "court_id": "cacb", "first_name": "Lucia", "last_name": "Ramos"}


def steps() -> Iterator[tuple[type[Row], str, Any, Any]]:
    """Every step of every table of transitions."""
    for model in apps.get_models():
        for field, table in (getattr(model, "transitions", None) or {}).items():
            for before, afters in table.items():
                for after in sorted(afters):
                    yield model, field, before, after


def put(row: models.Model, field: str, value: Any) -> bool:
    """Bring a row where a step begins, past every rule but the database's."""
    try:
        with transaction.atomic():
            type(row)._base_manager.filter(pk=row.pk).update(**{field: value})
    except DatabaseError:
        return False
    return True


def missing(judge: psycopg.Connection, actor: Any) -> tuple[int, list[str], list[str]]:
    """Steps that were taken, those whose events are not exactly one and whole, and those no row could take."""
    tried, wrong, void = 0, [], []
    for model, field, before, after in steps():
        name = f"{model._meta.label}.{field}: {before} to {after}"
        with as_system():
            row = model._base_manager.first()
            if row is None or not put(row, field, before):
                void.append(name)
                continue
        [last] = judge.execute("SELECT coalesce(max(id), 0) FROM audit_auditevent").fetchone()
        try:
            with correlated(f"trial-{tried:08d}"), as_system(), acting(actor):
                transition(row, after, field=field, reason=REASON)
        except DatabaseError:
            void.append(name)
            continue
        tried += 1
        told = judge.execute(
            "SELECT actor_id = %s AND reason = %s AND correlation_id = %s AND payload->>'from' = %s"
            " AND payload->>'to' = %s FROM audit_auditevent WHERE id > %s AND target_id = %s",
            [actor.user_id, REASON, f"trial-{tried - 1:08d}", str(before), str(after), last, str(row.pk)],
        ).fetchall()
        if told != [(True,)]:
            wrong.append(f"{name}: {told}")
    return tried, wrong, void


@pytest.fixture
def judge(databases: Databases) -> Iterator[psycopg.Connection]:
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name), autocommit=True) as connection:
        yield connection


@pytest.fixture
def decider(world: World) -> Any:
    with as_system():
        return load_actor(world.platform_admin)


@pytest.mark.torture("L-01")
@pytest.mark.django_db(transaction=True)
def test_each_step_leaves_exactly_one_whole_event(judge: psycopg.Connection, decider: Any, trial: Trial) -> None:
    tried, wrong, void = missing(judge, decider)

    assert wrong == []
    assert tried > len(void)
    trial.report(n=tried, violations=len(wrong), no_row_could=len(void))


@pytest.mark.control("L-01")
@pytest.mark.django_db(transaction=True)
def test_a_step_that_tells_nobody_is_found(
    judge: psycopg.Connection, decider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core_config(), "record", lambda *_args, **_named: None, raising=False)

    tried, wrong, _void = missing(judge, decider)

    assert len(wrong) == tried


def work_with_secrets(world: World, client: Client) -> int:
    """People type secrets where they should not, and programs send control characters."""
    told = 0
    for secret in SECRETS:
        client.post("/accounts/login/", {"login": "nobody@mail.example", "password": secret})
        client.post("/provider-a/enroll", FORM | {"email": "no mail at all", "first_name": secret})
        client.post(
            "/api/payments/stripe/webhook", secret, content_type="text/plain", headers={"Stripe-Signature": secret}
        )
        told += 3
    person = sign_in(Client(), world.provider_admin_a)
    for path in (f"/console/{HOSTILE}", "/console/payments/payment/?q=" + SECRETS[1]):
        person.get(path, headers={"X-Request-ID": HOSTILE})
        told += 1
    with as_system():
        transition(world.waiver_a, "denied", reason=HOSTILE.replace("\x00", ""))
    return told + 1


def indiscreet(judge: psycopg.Connection) -> list[str]:
    """Texts of events that hold a secret, a stack trace or a control character."""
    found = []
    for table in ("audit_auditevent", "audit_systemevent"):
        for (text,) in judge.execute(f"SELECT row_to_json(t)::text FROM {table} t").fetchall():
            plain = re.sub(r"\\u00[01][0-9a-f]|\\[nrt]", "\x1b", text)
            if any(secret in text for secret in SECRETS) or "Traceback" in text or re.search(r"[\x00-\x1f\x7f]", plain):
                found.append(text[:300])
    return found


@pytest.mark.torture("L-07")
@pytest.mark.django_db(transaction=True)
def test_evidence_holds_no_secret_and_no_trick(
    world: World, client: Client, judge: psycopg.Connection, trial: Trial
) -> None:
    acts = work_with_secrets(world, client)

    found = indiscreet(judge)

    assert found == []
    trial.report(n=acts, violations=len(found))


@pytest.mark.control("L-07")
@pytest.mark.django_db(transaction=True)
def test_an_event_that_keeps_the_form_is_found(world: World, judge: psycopg.Connection) -> None:
    with as_system():
        note("forms", "Somebody sent a form.", posted={"password": SECRETS[0]})

    assert len(indiscreet(judge)) == 1
