"""A start on a database that lies is refused."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.db import connection

from config import startup
from config.faults import ConfigurationError
from tests.database import ROOT, Databases, role
from tests.processes import environment, free_port
from tests.trials import Trial

GOOD = {
    "statement_timeout": "30s", "lock_timeout": "10s", "idle_in_transaction_session_timeout": "60s",
    "synchronous_commit": "on",
}  # fmt: skip
NOT_DURABLE = ["fsync is off; it must be on.", "full_page_writes is off; it must be on."]  # as test clusters are


def told(**changed: str) -> list[str]:
    with connection.cursor() as cursor:
        for name, value in (GOOD | changed).items():
            cursor.execute("SELECT set_config(%s, %s, true)", [name, value])
    return startup.lies()


LIES = {name: ({name: "0"}, f"{name} is 0; ") for name in list(GOOD)[:3]} | {
    "synchronous_commit": ({"synchronous_commit": "off"}, "synchronous_commit is off; ")
}


@pytest.mark.torture("E-06")
@pytest.mark.django_db
def test_every_setting_that_lies_is_named(trial: Trial) -> None:
    unnoticed = [name for name, (setting, said) in LIES.items() if not told(**setting)[-1].startswith(said)]
    if told() != NOT_DURABLE:
        unnoticed.append("fsync, or a good server is refused")
    with role("owner"):
        if not told()[-1].startswith("The role owns tables"):
            unnoticed.append("owner")

    assert unnoticed == []
    trial.report(n=len(LIES) + 3, violations=len(unnoticed))


@pytest.mark.django_db
def test_a_test_cluster_alone_may_be_forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup, "lies", lambda durable: NOT_DURABLE if durable else [])
    startup.refuse_lies()
    monkeypatch.setattr(startup, "env", type("Deployed", (), {"ENVIRONMENT": "local", "deployed": False}))
    with pytest.raises(ConfigurationError, match="Database: fsync is off"):
        startup.refuse_lies()


@pytest.mark.torture("E-06")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("login", ["postgres", "owner"])
def test_the_web_does_not_start_as_a_role_that_passes_the_policies(databases: Databases, login: str) -> None:
    command = [sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{free_port()}",
               "--no-control-socket", "--chdir", str(ROOT), "--pythonpath", "platform"]  # fmt: skip
    dsn = databases.cluster.superuser_dsn(databases.name) if login == "postgres" else databases.dsn(login)

    done = subprocess.run(
        command, env=environment(databases, "web", DATABASE_URL=dsn), capture_output=True, text=True, timeout=60,
        check=False, cwd=ROOT,
    )  # fmt: skip

    assert done.returncode == 3
    assert "Database: The role" in done.stderr
