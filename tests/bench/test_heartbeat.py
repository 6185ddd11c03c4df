"""The heartbeat beside a bare Django view with one UPDATE, in one server; and what 300 clients are credited."""

from __future__ import annotations

import json
import socket
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db.models import Sum

from accounts.models import User
from core import clock
from courses.beats import give_word
from courses.models import CourseSession
from enrollments.enums import EnrollmentStatus
from enrollments.models import Enrollment
from tests.database import ROOT, Databases, as_system
from tests.factories import cases
from tests.processes import environment, free_port, running
from tests.web import sign_in

pytestmark = [pytest.mark.bench, pytest.mark.django_db(transaction=True)]
CLIENTS, ROUNDS, CONNECTIONS, GAP = 300, 9, 8, 30


def requests(world: Any, port: int) -> tuple[list[bytes], list[bytes], list[Enrollment]]:
    """The bytes of one heartbeat for each of 300 clients, and of one call of the bare view for each."""
    from django.test import Client  # noqa: PLC0415 -- only for the sessions

    beats, bares, enrollments = [], [], []
    for number in range(CLIENTS):
        with as_system():
            user = User.objects.create(email=f"c{number}@bench.example", username=f"c{number}@bench.example")
            client = cases.make_client(world.provider_a, user=user)
            enrollment = cases.make_enrollment(client, status=EnrollmentStatus.IN_PROGRESS)
            cases.make_session(enrollment, seconds=0)
        key = sign_in(Client(), user).cookies["session"].value
        word = give_word(enrollment, user, key, clock.now().replace(year=clock.now().year + 1))
        body = json.dumps({"enrollment": str(enrollment.pk), "language": "en"}).encode()
        beats.append(
            f"POST /api/course/heartbeat HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: session={key}\r\n"
            f"X-Course-Word: {word}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        bares.append(f"POST /bare?id={number} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 0\r\n\r\n".encode())
        enrollments.append(enrollment)
    return beats, bares, enrollments


def fire(port: int, calls: list[bytes]) -> float:
    """Send them all over eight kept connections; seconds until the last answer. Every answer must be 200."""

    def some(mine: list[bytes]) -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
            for call in mine:
                line.sendall(call)
                answer = b""
                while b"\r\n\r\n" not in answer:
                    answer += line.recv(65536)
                head, _, rest = answer.partition(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                while len(rest) < length:
                    rest += line.recv(65536)
                assert b" 200 " in head.split(b"\r\n")[0], answer

    began = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(some, [calls[number::CONNECTIONS] for number in range(CONNECTIONS)]))
    return time.perf_counter() - began


def test_a_heartbeat_beside_a_bare_view_with_one_update(
    world: Any, databases: Databases, tmp_path: Path, measured: Any
) -> None:
    port = free_port()
    beats, bares, enrollments = requests(world, port)
    command = [
        sys.executable, "-m", "gunicorn", "tests.bench.bare:application", "--bind", f"127.0.0.1:{port}",
        "--worker-class", "gthread", "--workers", "1", "--threads", "8", "--no-control-socket", "--keep-alive", "30",
        "--chdir", str(ROOT), "--pythonpath", f"platform,{ROOT}",
    ]  # fmt: skip
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name), autocommit=True) as judge:
        judge.execute("CREATE TABLE bench_bare (id integer PRIMARY KEY, beats integer NOT NULL, at timestamptz)")
        judge.execute("INSERT INTO bench_bare SELECT n, 0, now() FROM generate_series(0, %s) n", [CLIENTS])
        judge.execute("GRANT SELECT, UPDATE ON bench_bare TO app_web")
        times: tuple[list[float], list[float]] = ([], [])
        with running(command, env=environment(databases, "web"), log=tmp_path / "web.log"):
            wait_for(port)
            for number in range(ROUNDS + 1):
                past = f"now() - interval '{GAP} seconds'"
                judge.execute(f"UPDATE courses_coursesession SET last_seen_at = {past} WHERE enrollment_id = ANY(%s)",
                              [[enrollment.pk for enrollment in enrollments]])  # fmt: skip
                pair = fire(port, beats), fire(port, bares)
                if number:
                    for side, taken in zip(times, pair, strict=True):
                        side.append(taken)
    ours, baseline = (statistics.median(side) for side in times)
    short = lost(enrollments)
    basis = f"{CLIENTS / ours:.0f} a second against {CLIENTS / baseline:.0f}, one gunicorn process"
    measured("Heartbeat", "against a bare Django view with one UPDATE", ours / baseline, goal="≤ 1.5×",
             held=ours / baseline <= 1.5, basis=basis)  # fmt: skip
    measured("Heartbeat", "lost seconds, 300 clients", f"{short}", goal="0", held=short == 0,
             basis=f"{CLIENTS} clients, {ROUNDS + 1} heartbeats of {GAP} s each")  # fmt: skip


def lost(enrollments: list[Enrollment]) -> int:
    """Seconds that were not credited, or stand in no ledger. The clock of the sessions was set back between rounds, so
    the order of the minutes says nothing here."""
    with as_system():
        sessions = CourseSession.objects.filter(enrollment__in=enrollments).annotate(kept=Sum("minutes__seconds"))
        return sum(
            max(0, GAP * (ROUNDS + 1) - session.total_seconds)
            + abs(session.total_seconds - session.open_seconds - (session.kept or 0))
            for session in sessions
        )


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError("the server did not start")
