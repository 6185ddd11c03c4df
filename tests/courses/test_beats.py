"""The heartbeat in one statement counts exactly as the long way does, and opens to nobody else."""

from __future__ import annotations

import datetime as dt
import json
import random
import re

import pytest
import time_machine
from django.db import transaction
from django.test import Client

from core import clock
from courses import beats
from courses.ledger import verify_ledger
from courses.models import CourseSession
from tests.database import as_system
from tests.web import sign_in

pytestmark = pytest.mark.django_db
URL = "/api/course/heartbeat"
GAPS = (5, 7, 29, 30, 31, 59, 60, 61, 90, 118)
COLUMNS = (
    "total_seconds", "idle_seconds", "open_minute", "open_seconds", "open_idle_seconds", "chain_length", "last_seen_at",
)  # fmt: skip


def word_on(client, enrollment):
    """The word that the page of the lessons gives its script."""
    page = client.get(f"/course/{enrollment.pk}/study").content.decode()
    return re.search(r'data-word="([^"]*)"', page).group(1)


def send(client, enrollment, word="", **body):
    headers = {"x-course-word": word} if word else {}
    return client.post(
        URL, {"enrollment": str(enrollment.pk), **body}, content_type="application/json", headers=headers
    )


def session_of(enrollment):
    with as_system():
        return CourseSession.objects.get(enrollment=enrollment)


def begun(world, name="spouse"):
    client = sign_in(Client(), getattr(world, f"{name}_user_a"))
    client.post(f"/course/{world.spouse_enrollment_a.pk}/begin")
    return client


def walk(world, gaps, start, *, quick):
    """Beats after each gap by a clock that stands; what the session holds afterwards, and the answers."""
    client, enrollment, answers = begun(world), world.spouse_enrollment_a, []
    word = word_on(client, enrollment) if quick else ""
    with time_machine.travel(start, tick=False) as traveller:
        with as_system():
            session = CourseSession.objects.get(enrollment=enrollment)
            session.last_seen_at = start
            session.save(update_fields=["last_seen_at"])
        for gap in gaps:
            traveller.shift(gap)
            answers.append(json.loads(send(client, enrollment, word).content))
    found = session_of(enrollment)
    with as_system():
        assert verify_ledger(found) is None
        minutes = list(found.minutes.order_by("seq").values_list("seq", "minute", "seconds", "total_after"))
    return [getattr(found, column) for column in COLUMNS], minutes, answers


def test_both_ways_count_the_same(world, monkeypatch):
    dice, start = random.Random(7), clock.now().replace(microsecond=250_000)
    gaps = [dice.choice(GAPS) + dice.random() for _ in range(25)]
    used = []
    real = beats.quick_beat
    monkeypatch.setattr("website.quick_heartbeat.quick_beat", lambda *args: used.append(real(*args)) or used[-1])
    results = []
    for quick in (True, False):
        point = transaction.savepoint()
        results.append(walk(world, gaps, start, quick=quick))
        transaction.savepoint_rollback(point)
    assert len([beat for beat in used if beat]) == len(gaps)
    (quick_columns, quick_minutes, quick_answers), (columns, minutes, answers) = results
    assert quick_columns == columns
    assert quick_minutes == minutes
    for one, other in zip(quick_answers, answers, strict=True):
        assert one.pop("signed_in_seconds") > 0
        assert other.pop("signed_in_seconds") > 0
        assert one == other


def seconds_gained(world, client, word):
    with as_system():
        session = CourseSession.objects.get(enrollment=world.spouse_enrollment_a)
        session.last_seen_at = clock.now() - dt.timedelta(seconds=30)
        session.save(update_fields=["last_seen_at"])
    before = session_of(world.spouse_enrollment_a).total_seconds
    status = send(client, world.spouse_enrollment_a, word).status_code
    return status, session_of(world.spouse_enrollment_a).total_seconds - before


def test_the_word_opens_to_no_other_sign_in(world):
    client = begun(world)
    word = word_on(client, world.spouse_enrollment_a)
    assert seconds_gained(world, client, word) == (200, 30)
    assert seconds_gained(world, Client(), word) == (401, 0)
    other = sign_in(Client(), world.client_user_b)
    assert seconds_gained(world, other, word) == (404, 0)
    assert seconds_gained(world, other, word + "x") == (404, 0)


@pytest.mark.parametrize("loss", ["signed out", "role changed", "password changed", "switched off"])
def test_the_word_is_worth_nothing_once_the_sign_in_is_over(world, loss):
    client = begun(world)
    word = word_on(client, world.spouse_enrollment_a)
    user = world.spouse_user_a
    if loss == "signed out":
        cookie = client.cookies["session"].value
        client.post("/accounts/logout/")
        client.cookies["session"] = cookie
    with as_system():
        user.session_generation += loss == "role changed"
        user.is_active = loss != "switched off"
        if loss == "password changed":
            user.set_password("another long password")
        user.save()
    assert seconds_gained(world, client, word) == (401, 0)


def test_a_pause_and_a_flood_go_the_long_way(world):
    client, enrollment = begun(world), world.spouse_enrollment_a
    word = word_on(client, enrollment)
    statuses = {send(client, enrollment, word).status_code for _ in range(61)}
    assert statuses == {200, 429}
    with as_system():
        session = CourseSession.objects.get(enrollment=enrollment)
        session.paused_at = clock.now()
        session.save(update_fields=["paused_at"])
    assert seconds_gained(world, client, word)[1] == 0


def test_staff_who_study_get_no_word(world):
    with as_system():
        user = world.spouse_user_a
        user.platform_role = "platform_support"
        user.save()
    assert word_on(begun(world), world.spouse_enrollment_a) == ""
