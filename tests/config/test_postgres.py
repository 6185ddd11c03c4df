"""The embedded cluster, for real: private clusters in temporary folders, log-ins over TCP, a killed server."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config import postgres, postgres_home
from config.postgres_home import Postmaster
from config.postgres_server import Server

LOGINS = ("owner", "app_web", "app_worker", "app_ro", "backup")


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cluster") / ".local"
    yield folder
    postgres.destroy(folder)


@pytest.fixture
def cluster(local: Path) -> postgres.Cluster:
    return postgres.ensure_running(local, fast=True)


def answer(dsn: str, query: str, *parameters: object) -> object:
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute(query, parameters).fetchone()
    return row[0] if row else None


def server_pid(local: Path) -> int:
    postmaster = Postmaster.read(Server(local).home.data)
    assert postmaster is not None
    return postmaster.pid


@pytest.mark.parametrize("role", LOGINS)
def test_every_role_logs_in_as_itself(cluster: postgres.Cluster, role: str) -> None:
    assert answer(cluster.dsn(role), "SELECT current_user::text") == role


def test_only_the_superuser_and_the_backup_role_pass_row_security(cluster: postgres.Cluster) -> None:
    query = """SELECT array_agg(rolname::text ORDER BY rolname) FROM pg_roles
               WHERE rolcanlogin AND (rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole OR rolreplication)"""
    assert answer(cluster.superuser_dsn(), query) == ["backup", "postgres"]


@pytest.mark.parametrize("role", [*LOGINS, "postgres"])
def test_a_wrong_password_is_refused_for_everybody(cluster: postgres.Cluster, role: str) -> None:
    wrong = cluster.dsn(role).replace(cluster.passwords[role], "wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_passwords_are_kept_as_scram_and_readable_by_the_installer_only(cluster: postgres.Cluster, local: Path) -> None:
    query = "SELECT bool_and(rolpassword LIKE 'SCRAM-SHA-256$%%') FROM pg_authid WHERE rolcanlogin"
    assert answer(cluster.superuser_dsn(), query) is True
    assert stat.S_IMODE((local / "pg-credentials.json").stat().st_mode) == 0o600


def test_no_password_appears_in_the_log_or_in_a_representation(cluster: postgres.Cluster, local: Path) -> None:
    told = (local / "pg.log").read_text() + repr(cluster)
    assert [role for role, password in cluster.passwords.items() if password in told] == []


def test_only_the_owner_makes_tables(cluster: postgres.Cluster) -> None:
    for role in ("app_web", "app_worker"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            answer(cluster.dsn(role), "CREATE TABLE mine ()")
    with psycopg.connect(cluster.dsn("owner")) as connection:
        connection.execute("CREATE TABLE ours ()")
        connection.rollback()


def test_reading_roles_cannot_write_even_where_granted(cluster: postgres.Cluster) -> None:
    with psycopg.connect(cluster.dsn("owner"), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS granted (id int)")
        connection.execute("GRANT INSERT ON granted TO app_ro")
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        answer(cluster.dsn("app_ro"), "INSERT INTO granted VALUES (1) RETURNING id")


def test_the_cluster_speaks_utf8_and_utc(cluster: postgres.Cluster) -> None:
    query = """SELECT concat_ws(' ', current_setting('TimeZone'), pg_encoding_to_char(encoding), datlocprovider)
               FROM pg_database WHERE datname = current_database()"""
    assert answer(cluster.dsn("app_web"), query) == "UTC UTF8 c"
    assert answer(cluster.dsn("app_web"), "SELECT lower('ÁÑÜ')") == "áñü"


def test_a_second_call_changes_nothing(cluster: postgres.Cluster, local: Path) -> None:
    before = server_pid(local)
    assert postgres.ensure_running(local) == cluster
    assert server_pid(local) == before


def test_a_killed_server_comes_back_with_its_data_and_passwords(cluster: postgres.Cluster, local: Path) -> None:
    with psycopg.connect(cluster.dsn("owner"), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept AS SELECT 7 AS value")
    before = server_pid(local)
    os.kill(before, signal.SIGKILL)
    while Server(local).ready_port():
        time.sleep(0.01)
    again = postgres.ensure_running(local)
    assert server_pid(local) != before
    assert again.passwords == cluster.passwords
    assert answer(again.dsn("owner"), "SELECT value FROM kept") == 7


def test_a_stale_note_with_a_pid_in_use_does_not_stop_the_start(cluster: postgres.Cluster, local: Path) -> None:
    note = Server(local).home.data / "postmaster.pid"
    lines = note.read_text().splitlines()
    assert postgres.stop(local)
    sleeper = subprocess.Popen(["/bin/sleep", "60"])
    try:
        note.write_text("\n".join([str(sleeper.pid), *lines[1:]]) + "\n")
        assert answer(postgres.ensure_running(local).dsn("app_web"), "SELECT 1") == 1
        assert sleeper.poll() is None
    finally:
        sleeper.kill()
        sleeper.wait()


def test_lost_credentials_are_made_anew_without_losing_data(cluster: postgres.Cluster, local: Path) -> None:
    with psycopg.connect(cluster.dsn("owner"), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS still_there AS SELECT 1 AS value")
    (local / "pg-credentials.json").unlink()
    again = postgres.ensure_running(local)
    assert again.passwords["owner"] != cluster.passwords["owner"]
    assert answer(again.dsn("owner"), "SELECT value FROM still_there") == 1


def test_many_processes_that_start_it_at_once_get_one_server(cluster: postgres.Cluster, local: Path) -> None:
    postgres.stop(local)
    code = "import sys; from pathlib import Path; from config import postgres; "
    code += "print(postgres.ensure_running(Path(sys.argv[1])).port)"
    command = [sys.executable, "-c", code, str(local)]
    starters = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    ports = {starter.communicate(timeout=120)[0] for starter in starters}
    assert ports == {f"{postgres.ensure_running(local).port}\n"}


def test_another_port_is_chosen_when_the_old_one_is_taken(cluster: postgres.Cluster, local: Path) -> None:
    postgres.stop(local)
    squatter = subprocess.Popen(
        [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(cluster.port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not _listens(cluster.port):
            time.sleep(0.05)
        again = postgres.ensure_running(local, fast=True)
        assert again.port != cluster.port
        assert answer(again.dsn("app_web"), "SELECT 1") == 1
    finally:
        squatter.kill()
        squatter.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_database_is_copied_from_a_template_and_closed_to_strangers(cluster: postgres.Cluster) -> None:
    cluster.create_database("pattern")
    with psycopg.connect(cluster.dsn("owner", "pattern"), autocommit=True) as connection:
        connection.execute("CREATE TABLE seen AS SELECT 3 AS value")
        connection.execute("GRANT SELECT ON seen TO app_web")
    cluster.create_database("copy", template="pattern")
    with psycopg.connect(cluster.superuser_dsn(), autocommit=True) as connection:
        connection.execute("CREATE ROLE stranger LOGIN PASSWORD 'x'")
    stranger = f"postgresql://stranger:x@127.0.0.1:{cluster.port}/copy"
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(stranger)
    assert answer(cluster.dsn("app_web", "copy"), "SELECT value FROM seen") == 3
    for name in ("pattern", "copy", "never_made"):
        cluster.drop_database(name)
    assert cluster.databases() == {"certaos", "postgres", "template1"}


def test_the_test_role_has_no_rights_but_may_become_each_app_role(cluster: postgres.Cluster) -> None:
    cluster.ensure_test_role()
    with psycopg.connect(cluster.dsn("app_test"), autocommit=True) as connection:
        for role in postgres.TEST_ROLE_MAY_BECOME:
            connection.execute(f"SET ROLE {role}")
            assert connection.execute("SELECT current_user::text").fetchone() == (role,)
            connection.execute("RESET ROLE")
        with pytest.raises(psycopg.errors.InvalidSchemaName):  # without a right to it, it does not even see one
            connection.execute("CREATE TABLE mine ()")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SET ROLE backup")


def test_a_copied_folder_gets_a_cluster_of_its_own(cluster: postgres.Cluster, local: Path, tmp_path: Path) -> None:
    other = tmp_path / ".local"
    shutil.copytree(local, other, symlinks=True, copy_function=shutil.copy2)
    try:
        copy = postgres.ensure_running(other, fast=True)
        assert copy.port != cluster.port
        assert server_pid(other) != server_pid(local)
        assert answer(cluster.dsn("app_web"), "SELECT 1") == 1
    finally:
        postgres.destroy(other)


def test_destroying_removes_data_and_credentials(tmp_path: Path) -> None:
    local = tmp_path / ".local"
    postgres.ensure_running(local, fast=True)
    data = Server(local).home.data
    postgres.destroy(local)
    assert not data.exists()
    assert sorted(path.name for path in local.iterdir()) == ["pg.lock"]
    assert postgres.stop(local) is False


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every account may enter, as the one in memory is."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_cluster_in_memory_is_made_anew_when_memory_was_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_folder: Path
) -> None:
    local, memory = tmp_path / ".local", open_folder
    monkeypatch.setattr(postgres_home, "_shelter_in_memory", lambda: memory / "clusters")
    try:
        first = postgres.ensure_running(local, fast=True, in_memory=True)
        assert answer(first.dsn("app_web"), "SELECT 1") == 1
        assert Server(local).home.data.is_relative_to(memory)
        postgres.stop(local)
        shutil.rmtree(memory / "clusters")
        again = postgres.ensure_running(local, fast=True, in_memory=True)
        assert answer(again.dsn("app_web"), "SELECT 1") == 1
    finally:
        postgres.destroy(local)
    assert not list(memory.glob("clusters/cluster-*"))


def test_an_interrupted_creation_is_begun_again(tmp_path: Path) -> None:
    local = tmp_path / ".local"
    (local / "pg" / "base").mkdir(parents=True)
    (local / "pg-credentials.json").write_text(json.dumps({})[:1])
    try:
        assert answer(postgres.ensure_running(local, fast=True).dsn("app_web"), "SELECT 1") == 1
    finally:
        postgres.destroy(local)
