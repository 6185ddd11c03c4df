"""Databases for tests: real PostgreSQL, the app roles, real commits where a test asks for them.

The cluster stands in `.local/test`, its data in memory where there is room: copying a database takes a tenth of the
time there. Measurements have one on disk, `.local/bench`. A template database is built once per state of the schema:
migrated and given its policies as the owner, then filled with `build_world()`. Every test process works in a copy; a
test that commits gets a fresh copy after it. The login `app_test` owns nothing and may only become one of the app
roles; it starts as app_web.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.factories.names import World

ROOT = Path(__file__).resolve().parents[1]
CLUSTER = os.environ.get("CERTAOS_CLUSTER", "test")
LOCAL = ROOT / ".local" / CLUSTER
SHAPING = ("platform/*/migrations/*.py", "platform/*/models.py", "platform/core/*.py", "tests/factories/*.py",
           "fixtures/courses/*.json", "fixtures/disclosures/*.json", "platform/*/services/*.py",
           "platform/*/services.py")  # fmt: skip

os.environ["ENVIRONMENT"] = "test"
os.environ["CERTAOS_PROCESS"] = "web"
os.environ["DATABASE_URL"] = "postgresql://not-yet@127.0.0.1:9/not-yet"
for knob in ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_API_BASE", "RESEND_API_KEY", "SMTP_URL"):
    os.environ.pop(knob, None)


class Databases:
    """The cluster and this process's own database."""

    def __init__(self) -> None:
        from config import postgres

        self.cluster = postgres.ensure_running(LOCAL, fast=True, in_memory=CLUSTER == "test")
        self.cluster.ensure_test_role()
        self.template = f"template_{_shape()}"
        self.name = f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"

    def dsn(self, role: str) -> str:
        """A connection string to this process's database for one of the real logins."""
        return self.cluster.dsn(role, self.name)

    def test_dsn(self, become: str = "app_web") -> str:
        options = quote(f"-c role={become}")
        return f"{self.cluster.dsn('app_test', self.name)}?options={options}"

    def ensure_template(self) -> None:
        """Build the template unless some process already did."""
        LOCAL.mkdir(parents=True, exist_ok=True)
        with (LOCAL / "template.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.template in self.cluster.databases():
                return
            draft = f"draft_{os.getpid()}"
            self.cluster.drop_database(draft)
            self.cluster.create_database(draft)
            for command, role in (("migrate", "owner"), ("rls_apply", "owner"), ("load_content", "app_worker")):
                self._manage(draft, role, "manage.py", command, "--verbosity=0")
            self._manage(draft, "app_worker", "-m", "tests.factories", str(LOCAL / f"{self.template}.json"))
            with self.cluster._connect("postgres") as connection:
                connection.execute(f'ALTER DATABASE "{draft}" RENAME TO "{self.template}"')

    def _manage(self, database: str, role: str, *command: str) -> None:
        dsn = self.cluster.dsn(role, database)
        process = {"owner": "owner", "app_worker": "worker"}[role]
        names = {"DATABASE_URL": dsn, "WORKER_DATABASE_URL": dsn, "MIGRATION_DATABASE_URL": dsn}
        environment = os.environ | names | {"CERTAOS_PROCESS": process}
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed while building the test database:\n{done.stderr[-4000:]}")

    def renew(self) -> None:
        """Put a fresh copy of the template in place of this process's database."""
        self.cluster.drop_database(self.name)
        self.cluster.create_database(self.name, template=self.template)

    def sweep(self) -> None:
        """Drop what dead test processes and older schemas left behind."""
        for name in self.cluster.databases():
            pid = name.rpartition("_")[2]
            if name.startswith("test_") and pid.isdigit() and not Path(f"/proc/{pid}").exists():
                self.cluster.drop_database(name)


def _shape() -> str:
    digest = hashlib.sha256()
    for pattern in SHAPING:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Point the settings at this process's database before Django reads them."""
    databases = Databases()
    early_config.stash[KEY] = databases
    os.environ["DATABASE_URL"] = databases.test_dsn()
    os.environ["WORKER_DATABASE_URL"] = databases.test_dsn("app_worker")
    os.environ["MIGRATION_DATABASE_URL"] = databases.cluster.dsn("owner", databases.name)


KEY = pytest.StashKey[Databases]()
pytest_load_initial_conftests = pytest.hookimpl(tryfirst=True)(pytest_load_initial_conftests)


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest) -> Databases:
    """The test cluster and the names in it."""
    return request.config.stash[KEY]


@pytest.fixture(scope="session")
def django_db_setup(databases: Databases, django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """A copy of the template for this process."""
    databases.ensure_template()
    databases.sweep()
    databases.renew()
    yield
    _close_connections()
    databases.cluster.drop_database(databases.name)


def _close_connections() -> None:
    from django.db import connections

    for connection in connections.all(initialized_only=True):
        connection.close()


@pytest.fixture(autouse=True)
def _fresh_database_after_commits(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    marker = request.node.get_closest_marker("django_db")
    if marker and (marker.kwargs.get("transaction") or "transactional_db" in request.fixturenames):
        _close_connections()
        request.config.stash[KEY].renew()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every database test may use the side connection; nothing is flushed, a fresh copy comes instead."""
    from django.test import TransactionTestCase

    TransactionTestCase._fixture_teardown = lambda _: None  # type: ignore[method-assign]  # -- see renew()
    for item in items:
        marker = item.get_closest_marker("django_db")
        if marker:
            marker.kwargs.setdefault("databases", ["default", "side"])


@contextmanager
def role(name: str) -> Iterator[None]:
    """Become `name` (app_web, app_worker, app_ro, owner) on the business connection for a block."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        before = cursor.fetchone()[0]
        cursor.execute(f"SET ROLE {name}")
    try:
        yield
    finally:
        if not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute(f"SET ROLE {before}")


@pytest.fixture
def world(databases: Databases, request: pytest.FixtureRequest) -> World:
    """Two full tenants and the platform, as `tests.factories.world.build_world` made them."""
    return World.load(LOCAL / f"{databases.template}.json")


@contextmanager
def as_system(job: str = "test") -> Iterator[None]:
    """Act as the worker does: its role and the system scope, in a transaction of its own or a savepoint."""
    from core.context import acting, system_actor

    with role("app_worker"), acting(system_actor(job)):
        yield
