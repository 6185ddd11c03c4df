"""Card gateway, mail server and database dawdle, drip or fall silent: whoever needs none of them notices nothing."""

from __future__ import annotations

import email
import email.policy
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from aiosmtpd.controller import Controller
from django.test import Client

from jobs.models import Job
from jobs.services import enqueue
from notifications.services import DELIVER
from payments.models import Payment
from tests.database import Databases, as_system
from tests.factories.names import World
from tests.factories.shared import make_message
from tests.fakes.faultproxy import BlackHole, Delay, Drip, Fault, FaultProxy
from tests.fakes.stripe import FakeStripe
from tests.payments.people import invited
from tests.processes import free_port
from tests.torture.harness import environment, quick_worker, running, wait_until
from tests.torture.load import TOKEN
from tests.torture.readers import Reading, fetch, read
from tests.torture.test_crashes import web
from tests.trials import Trial
from tests.web import sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("crashes")]
PAGES = ("/", "/providers", "/certificates/verify")
WITHOUT_DATABASE = ("/healthz", "/robots.txt")
PAYERS, THINKS = 12, 2.0
GATEWAY_SECONDS = 3
EVER = 1_000_000
FAULTS: tuple[Fault, ...] = (BlackHole(), Drip(0.4), Delay(30))


class Payers:
    """Clients who press *Pay* again and again; `slowest` is the longest that one was kept waiting."""

    def __init__(self, base: str, world: World) -> None:
        self.base = base
        self.told: dict[int, int] = {}
        self.slowest = 0.0
        self.cookies = f"csrf={TOKEN}; session={sign_in(Client(), world.client_user_a).cookies['session'].value}"
        self.courses = [invited(world).pk for _ in range(PAYERS)]
        self._stop = threading.Event()

    def press(self, course: object) -> int:
        form = urlencode({"csrfmiddlewaretoken": TOKEN})
        status, seconds = fetch(self.base, f"/course/{course}/pay", body=form, cookies=self.cookies)
        self.told[status] = self.told.get(status, 0) + 1
        self.slowest = max(self.slowest, seconds)
        return status

    def _insist(self, course: object) -> None:
        while not self._stop.is_set():
            self.press(course)
            self._stop.wait(THINKS)

    @contextmanager
    def at_it(self) -> Iterator[None]:
        self._stop.clear()
        crowd = [threading.Thread(target=self._insist, args=(course,)) for course in self.courses]
        for person in crowd:
            person.start()
        try:
            yield
        finally:
            self._stop.set()
            for person in crowd:
                person.join()


@contextmanager
def paying(databases: Databases, world: World, **knobs: str) -> Iterator[tuple[Payers, FaultProxy]]:
    """The web, which reaches its card gateway through a proxy that misbehaves when told."""
    with (
        FakeStripe() as stripe,
        FaultProxy("127.0.0.1", urlsplit(stripe.url).port or 0) as proxy,
        web(databases, STRIPE_SECRET_KEY=stripe.api_key, STRIPE_API_BASE=proxy.url, **knobs) as base,
    ):
        yield Payers(base, world), proxy


def read_beside(payers: Payers, count: int) -> Reading:
    with payers.at_it():
        time.sleep(1)
        return read(payers.base, PAGES, count)


def has_card_page(course: object) -> bool:
    with as_system():
        return Payment.objects.filter(enrollment=course).exclude(checkout_url="").exists()


@pytest.mark.torture("E-05", long=True)  # -- silence takes its time; the suite has tests/core/test_outside.py
def test_pages_stay_quick_while_the_card_gateway_does_not_answer(
    world: World, databases: Databases, trial: Trial
) -> None:
    count, violations, ratios = 200, 0, {}
    with paying(databases, world, STRIPE_SECONDS=str(GATEWAY_SECONDS)) as (payers, proxy):
        read(payers.base, PAGES, 20)
        usual = read_beside(payers, count)
        for fault in FAULTS:
            with as_system():
                payers.courses = [invited(world).pk for _ in range(PAYERS)]
            proxy.arm(fault, times=EVER)
            troubled = read_beside(payers, count)
            proxy.disarm()
            ratios[type(fault).__name__] = round(troubled.p95 / usual.p95, 2)
            violations += troubled.slower_than(usual) + troubled.failed
        time.sleep(2 * GATEWAY_SECONDS)
        payers.press(payers.courses[0])
        violations += not has_card_page(payers.courses[0])
    violations += usual.failed + (payers.slowest > 3 * GATEWAY_SECONDS) + len(payers.told.keys() - {303})
    assert proxy.struck > 0
    trial.report(
        n=count * len(FAULTS), violations=violations, p95=round(usual.p95, 3), ratios=ratios, told=payers.told,
        longest_press=round(payers.slowest, 1),
    )  # fmt: skip


@pytest.mark.torture("E-05", long=True)
@pytest.mark.control("E-05")
def test_a_web_that_lets_everybody_wait_for_the_gateway_serves_nobody(world: World, databases: Databases) -> None:
    """The mistake: as many wait as there are threads."""
    with paying(databases, world, STRIPE_MOST_AT_ONCE="64", STRIPE_SECONDS="8") as (payers, proxy):
        usual = read(payers.base, PAGES, 40)
        proxy.arm(BlackHole(), times=EVER)
        troubled = read_beside(payers, 20)
    assert troubled.slower_than(usual)


class Kept:
    """A mail server that keeps what it gets."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 -- the library's name
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.ids.append(str(mail["Message-ID"]))
        return "250 2.0.0 kept"


@contextmanager
def mail_server(sink: Kept) -> Iterator[FaultProxy]:
    port = free_port()
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        with FaultProxy("127.0.0.1", port) as proxy:
            yield proxy
    finally:
        controller.stop()


def open_jobs(kind: str) -> int:
    with as_system():
        return Job.objects.open().filter(kind=kind).count()


@pytest.mark.torture("E-05", long=True)  # -- as above
def test_work_goes_on_while_the_mail_server_does_not_answer(
    world: World, databases: Databases, tmp_path: Path, trial: Trial
) -> None:
    """Mails were first in line; other work is done while they wait, and they all arrive in the end, once."""
    mails, jobs, sink = 100, 100, Kept()
    fault = trial.random.choice((BlackHole(), Drip(0.4)))
    with as_system():
        for number in range(mails):
            message = make_message(world.provider_a, f"client-{number}@example.org", event="certificate.issued")
            enqueue(DELIVER, message, dedupe_key=f"deliver:{message.dedupe_key}")
        for number in range(jobs):
            enqueue("torture.number", dedupe_key=f"beside-{number}")
    with mail_server(sink) as proxy:
        proxy.arm(fault, times=EVER)
        environ = environment(databases, world.worker, tmp_path) | {
            "MAIL_TRANSPORT": "smtp", "SMTP_URL": f"smtp://127.0.0.1:{proxy.port}", "MAIL_SECONDS": "3",
        }  # fmt: skip
        with running(quick_worker(), environ, tmp_path / "log") as worker:
            wait_until(worker.pids, "the cluster works")
            began = time.monotonic()
            wait_until(lambda: not open_jobs("torture.number"), "other work is done")
            waited, undelivered = time.monotonic() - began, open_jobs(DELIVER)
            proxy.disarm()
            wait_until(lambda: not open_jobs(DELIVER), "every mail is handed over", seconds=240)
            replaced = worker.said().count("replaces its cluster")
    violations = (undelivered < mails) + replaced + abs(len(set(sink.ids)) - mails)
    trial.report(
        n=mails, violations=violations, others_waited=round(waited, 1), doubles=len(sink.ids) - mails,
        fault=type(fault).__name__,
    )  # fmt: skip


@pytest.mark.torture("E-05", long=True)  # -- as above; the suite has tests/config/test_backend.py
def test_the_web_lets_go_of_a_database_that_does_not_answer_and_comes_back(databases: Databases, trial: Trial) -> None:
    """The line to it stays open and carries nothing. Pages without the database stay quick, the others say 503."""
    count, rounds = 200, 3
    away, slowest, violations, ratios = [], 0.0, 0, []
    where = urlsplit(databases.dsn("app_web"))
    with FaultProxy(where.hostname or "", where.port or 5432) as proxy:
        dsn = where._replace(netloc=f"{where.netloc.rpartition('@')[0]}@127.0.0.1:{proxy.port}").geturl()
        with web(databases, DATABASE_URL=dsn) as base:
            read(base, PAGES, 20)
            usual = read(base, WITHOUT_DATABASE, count)
            for _ in range(rounds):
                proxy.arm(BlackHole(), times=EVER)
                first = read(base, PAGES, 8, people=8)
                troubled = read(base, WITHOUT_DATABASE, count)
                with_database = read(base, PAGES, 20)
                proxy.disarm()
                began = time.monotonic()
                wait_until(lambda: fetch(base, "/providers")[0] == 200, "the web is back", seconds=20)
                away.append(time.monotonic() - began)
                slowest = max(slowest, *first.seconds, *with_database.seconds)
                ratios.append(round(troubled.p95 / usual.p95, 2))
                violations += troubled.slower_than(usual) + troubled.failed + (first.failed < 8)
    violations += slowest > 15
    trial.report(
        n=(count + 28) * rounds, violations=violations, p95=round(usual.p95, 4), ratios=ratios,
        slowest=round(slowest, 1), seconds_to_return=round(max(away), 1),
    )  # fmt: skip
