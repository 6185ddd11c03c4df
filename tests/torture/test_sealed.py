"""Personal numbers are unreadable wherever the database is read from, and every key can be replaced."""

from __future__ import annotations

import base64
import subprocess
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command

from config.postgres_home import Home
from core.crypto import SealBroken, unseal
from enrollments.models import Client
from tests.database import LOCAL, Databases, as_system, role
from tests.factories.names import World
from tests.trials import Trial

pytestmark = pytest.mark.django_db(transaction=True)
FACTS = {"ssn_last4": "8362 canary", "birth_date": "1961-11-07 canary"}  # longer than life, so that no id looks alike
SEALED = "SELECT id::text, ssn_last4, birth_date FROM enrollments_client WHERE ssn_last4 <> ''"


def write_facts(world: World) -> None:
    with as_system():
        for client in (world.client_a, world.client_b, world.spouse_a):
            for name, value in FACTS.items():
                setattr(client, name, value)
            client.save()


def dumped(databases: Databases) -> str:
    """Everything in the database as text, and its files as bytes would show it."""
    program = Home(LOCAL).binaries / "pg_dump"
    done = subprocess.run(
        [program, "--data-only", databases.cluster.superuser_dsn(databases.name)], capture_output=True, check=True
    )
    return done.stdout.decode()


def opened(pk: Any) -> dict[str, str]:
    with as_system():
        client = Client.objects.get(pk=pk)
        return {name: str(getattr(client, name)) for name in FACTS}


@pytest.mark.torture("Q-08")
def test_nothing_is_readable_at_rest_and_keys_change_hands(
    world: World, databases: Databases, trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_facts(world)
    readable = [value for value in FACTS.values() if value in dumped(databases)]
    wrong: list[str] = []
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name)) as judge:
        rows = judge.execute(SEALED).fetchall()
    for pk, number, born in rows:
        for column, text in (("ssn_last4", number), ("birth_date", born)):
            for place in (f"enrollments_client|{rows[0][0]}x|{column}", f"enrollments_client|{pk}|phone"):
                wrong += [f"{column} opens elsewhere"] * opens(text, place)

    old = dict(settings.FIELD_KEYS)
    monkeypatch.setattr(settings, "FIELD_KEYS", {"new": base64.b64decode("A" * 43 + "="), **old})
    with role("app_worker"):
        call_command("reseal", stdout=(said := StringIO()))
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name)) as judge:
        left = judge.execute(
            "SELECT count(*) FROM enrollments_client WHERE ssn_last4 NOT LIKE 'v1:new:%' AND ssn_last4 <> ''"
        ).fetchone()
    monkeypatch.setattr(settings, "FIELD_KEYS", {"new": base64.b64decode("A" * 43 + "=")})
    if opened(world.client_a.pk) != FACTS or left != (0,):
        wrong.append("the new key alone does not open everything")
    monkeypatch.setattr(settings, "FIELD_KEYS", old)
    with pytest.raises(SealBroken):
        opened(world.client_a.pk)

    assert (readable, wrong) == ([], [])
    trial.report(n=len(rows), violations=len(readable) + len(wrong), said=said.getvalue().strip())


def opens(text: str, bound_to: str) -> int:
    try:
        unseal(text, bound_to=bound_to)
    except SealBroken:
        return 0
    return 1


@pytest.mark.control("Q-08")
def test_a_number_that_is_not_sealed_is_found_in_the_dump(world: World, databases: Databases) -> None:
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name)) as superuser:
        superuser.execute("UPDATE enrollments_client SET ssn_last4 = 'plain 8362'")

    assert "plain 8362" in dumped(databases)
