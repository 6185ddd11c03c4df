"""Requests that lost a race for locks are answered anew; nobody sees it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from importlib import import_module
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection, connections
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from core import middleware
from core.middleware import ContextMiddleware
from core.models import Counter as Row
from tests.database import Databases
from tests.trials import Trial

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = [f"race-{number}" for number in range(8)]


class Crowd:
    """People who change pairs of rows in whatever order; what they were told, and how often one was answered anew."""

    def __init__(self, trial: Trial, clients: int, each: int) -> None:
        for name in NAMES:
            Row.objects.create(name=name)
        self.chance, self.clients, self.each = trial.random, clients, each
        self.told: Counter[int] = Counter()
        self.views = 0
        self.handler = ContextMiddleware(self.answer)

    def view(self, request: HttpRequest) -> HttpResponse:
        self.views += 1
        for name in request.GET.getlist("row"):
            row = Row.objects.select_for_update().get(name=name)
            row.value += 1
            row.save()
            time.sleep(0.002)
        return HttpResponse("done")

    def answer(self, request: Any) -> Any:
        """Hands exceptions of the view to the middleware, as Django's own handler does."""
        try:
            return self.view(request)
        except OperationalError as error:
            answered = self.handler.process_exception(request, error)
            if answered is None:
                raise
            return answered

    def person(self) -> None:
        store = import_module(settings.SESSION_ENGINE).SessionStore
        try:
            for _ in range(self.each):
                request: Any = RequestFactory().get("/", {"row": self.chance.sample(NAMES, 2)})
                request.session = store()
                self.told[self.handler(request).status_code] += 1
        finally:
            connections.close_all()

    def work(self) -> int:
        crowd = [threading.Thread(target=self.person) for _ in range(self.clients)]
        for one in crowd:
            one.start()
        for one in crowd:
            one.join()
        return self.views - self.clients * self.each


def written(databases: Databases) -> int:
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name)) as judge:
        row = judge.execute("SELECT sum(value) FROM core_counter WHERE name LIKE 'race-%'").fetchone()
    return int(row[0]) if row else -1


@pytest.fixture(autouse=True)
def _quick_deadlocks(databases: Databases) -> None:
    """The server looks for deadlocks after 20 ms instead of a second."""
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name), autocommit=True) as superuser:
        superuser.execute(f'ALTER DATABASE "{databases.name}" SET deadlock_timeout = 20')
    connection.close()


@pytest.mark.torture("E-08")
def test_nobody_sees_a_deadlock(databases: Databases, trial: Trial) -> None:
    crowd = Crowd(trial, trial.scale(fast=8, long=32), trial.scale(fast=15, long=150))

    again = crowd.work()

    asked, done, shed = crowd.clients * crowd.each, crowd.told[200], crowd.told[503]
    assert again > 0
    assert shed <= asked / 20
    trial.report(
        n=asked, violations=asked - done - shed + abs(written(databases) - 2 * done), tried_again=again, shed=shed
    )


@pytest.mark.control("E-08")
def test_without_another_try_deadlocks_surface(
    databases: Databases, trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(middleware, "MOST_TRIES", 1)
    crowd = Crowd(trial, 8, 15)

    crowd.work()

    assert crowd.told[503] > 6
