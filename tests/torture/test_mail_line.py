"""The mail service refuses, dawdles and hangs up; workers die: every mail arrives, and its doubles are one message."""

from __future__ import annotations

import asyncio
import email
import email.policy
import random
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from jobs.models import Job
from jobs.services import enqueue
from notifications.services import DELIVER
from tests.database import Databases, as_system
from tests.factories.names import World
from tests.factories.shared import make_message
from tests.processes import free_port
from tests.torture.harness import environment, quick_worker, running, wait_until
from tests.trials import Trial

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("workers")]


class Moody:
    """A mail server that keeps what it gets, in whatever mood it then answers."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.kept: dict[str, list[str]] = defaultdict(list)
        self.moods: dict[str, int] = defaultdict(int)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802 -- the library's name
        if self.chance.random() < 0.2:
            self.moods["refused"] += 1
            return "451 4.3.0 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 -- the library's name
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.kept[envelope.rcpt_tos[0]].append(str(mail["Message-ID"]))
        mood = self.chance.random()
        if mood < 0.2:
            self.moods["hung up after DATA"] += 1
            server.transport.close()
        elif mood < 0.4:
            self.moods["dawdled"] += 1
            await asyncio.sleep(0.4)
        return "250 2.0.0 kept"


@contextmanager
def serving(sink: Moody) -> Iterator[int]:
    port = free_port()
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def deliver(
    world: World, databases: Databases, folder: Path, chance: random.Random, count: int, kills: int, *mistake: str
) -> tuple[Moody, int, int]:
    """Send so many mails through a moody server while workers die; (what it kept, wrong mails, doubles)."""
    addresses = [f"client-{number}@example.org" for number in range(count)]
    with as_system():
        for address in addresses:
            message = make_message(world.provider_a, address, event="certificate.issued")
            enqueue(DELIVER, message, dedupe_key=f"deliver:{message.dedupe_key}")
    sink = Moody(chance)
    with serving(sink) as port:
        environ = environment(databases, world.worker, folder)
        environ |= {"MAIL_TRANSPORT": "smtp", "SMTP_URL": f"smtp://127.0.0.1:{port}"}
        with running(quick_worker(*mistake), environ, folder / "log") as worker:
            wait_until(worker.pids, "the cluster works")
            died = 0
            while left() and died < kills:
                died += worker.kill_one(chance)
                time.sleep(0.5)
            wait_until(lambda: not left(), "every mail is handed over", seconds=240)
    wrong = sum(not sink.kept[address] or len(set(sink.kept[address])) != 1 for address in addresses)
    return sink, wrong, sum(len(sink.kept[address]) - 1 for address in addresses)


def left() -> int:
    with as_system():
        return Job.objects.open().filter(kind=DELIVER).count()


@pytest.mark.torture("D-14", long=True)
def test_every_mail_arrives_and_its_doubles_are_one_message(
    world: World, databases: Databases, tmp_path: Path, trial: Trial
) -> None:
    count, kills = trial.scale(fast=8, long=300), trial.scale(fast=1, long=40)
    sink, wrong, doubles = deliver(world, databases, tmp_path, trial.random, count, kills)
    trial.report(n=count, violations=wrong, doubles=doubles, double_rate=round(doubles / count, 3), **sink.moods)


@pytest.mark.control("D-14")
def test_a_new_id_for_every_attempt_makes_doubles_strangers(world: World, databases: Databases, tmp_path: Path) -> None:
    _sink, wrong, doubles = deliver(world, databases, tmp_path, random.Random(3), 20, 0, "--new-ids")
    assert doubles > 0
    assert wrong > 0
