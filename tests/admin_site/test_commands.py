"""`import_csv` and `export_csv`: the console's code with the rights of one person, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from enrollments.models import Enrollment
from tests.database import ROOT, as_system
from tests.factories.names import World
from tests.resources.files import CLIENT, csv_file

pytestmark = pytest.mark.django_db(transaction=True)


def manage(databases: Any, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "CERTAOS_PROCESS"}
    environment |= {"DATABASE_URL": databases.dsn("app_web"), "WORKER_DATABASE_URL": databases.dsn("app_worker")}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip


def test_import_and_export_act_as_the_person(world: World, databases: Any, tmp_path: Path) -> None:
    path = tmp_path / "clients.csv"
    path.write_bytes(csv_file(CLIENT | {"provider_slug": "provider-a"}))
    told = ("import_csv", "enrollments", str(path), "--organization", "firm-a", "--actor", world.attorney_a.email)
    dry = manage(databases, *told, "--dry-run", "--json")
    assert (dry.returncode, json.loads(dry.stdout)) == (0, {"created": 1, "updated": 0, "skipped": 0, "errors": []})
    real = manage(databases, *told, "--json")
    assert (real.returncode, json.loads(real.stdout)["created"]) == (0, 1)
    with as_system():
        made = Enrollment.objects.select_related("firm").get(client__email=CLIENT["email"])
        assert made.history.get().history_user_id == world.attorney_a.pk
    out = manage(databases, "export_csv", "enrollments", "--actor", world.attorney_a.email)
    assert out.returncode == 0
    assert str(made.pk) in out.stdout
    assert str(world.invited_b.pk) not in out.stdout


def test_refusals_have_an_exit_code_and_a_reason(world: World, databases: Any, tmp_path: Path) -> None:
    path = tmp_path / "clients.csv"
    path.write_bytes(csv_file(CLIENT | {"kind": "XX"}))
    told = ("import_csv", "enrollments", str(path), "--organization")
    faulty = manage(databases, *told, "provider-a", "--actor", world.provider_admin_a.email, "--json")
    assert faulty.returncode == 1
    [error] = json.loads(faulty.stdout)["errors"]
    assert (error["row"], error["column"], error["code"]) == (2, "kind", "import_value_not_listed")
    assert manage(databases, *told, "provider-b", "--actor", world.provider_admin_a.email).returncode == 1
    counselor = manage(databases, *told, "provider-a", "--actor", world.counselor_a.email, "--json")
    assert (counselor.returncode, json.loads(counselor.stdout)["errors"][0]["code"]) == (1, "import_not_yours")
    assert manage(databases, *told, "provider-a", "--actor", "nobody@example.org").returncode == 1
