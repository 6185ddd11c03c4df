"""The heartbeat in one statement counts exactly as the long way does, and opens to nobody else."""

from __future__ import annotations

import datetime as dt
import json
import random
import re

import pytest
import time_machine
from django.db import connection, transaction
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


ASK = "SELECT count(*) FROM app.course_beat(%s, %s, %s, %s, %s, now(), NULL, %s)"


def asked_directly(enrollment, user, session_key):
    """How many rows the function gives to the web's login for these facts, thirty seconds after the last heartbeat."""
    seen = clock.now() - dt.timedelta(seconds=30)
    with as_system():
        CourseSession.objects.filter(enrollment=enrollment).update(last_seen_at=seen)
    facts = [enrollment.pk, user.pk, user.session_generation, beats.password_mark(user), session_key, clock.now()]
    with connection.cursor() as cursor:
        cursor.execute(ASK, facts)
        return cursor.fetchone()[0]


def test_the_function_judges_by_itself_whose_course_it_is(world):
    client, other = begun(world), sign_in(Client(), world.client_user_b)
    key, foreign = (browser.cookies["session"].value for browser in (client, other))
    own, user = world.spouse_enrollment_a, world.spouse_user_a

    assert asked_directly(own, user, key) == 1
    before = session_of(own).total_seconds
    assert asked_directly(own, world.client_user_b, foreign) == 0
    assert asked_directly(world.studying_b, user, key) == 0
    assert asked_directly(own, user, "no session of anyone") == 0
    assert session_of(own).total_seconds == before


def test_the_function_leaves_its_rights_behind(world):
    client = begun(world)
    assert asked_directly(world.spouse_enrollment_a, world.spouse_user_a, client.cookies["session"].value) == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT app.scope(), current_user")
        assert cursor.fetchone() == ("", "app_web")
        cursor.execute("SELECT count(*) FROM courses_coursesession")
        assert cursor.fetchone()[0] == 0


def test_nobody_but_the_web_may_call_the_function(world):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT array_agg(rolname ORDER BY rolname) FROM pg_roles WHERE NOT rolsuper AND rolname LIKE 'app\\_%%'"
            " AND rolname <> 'app_test' AND has_function_privilege(rolname, 'app.course_beat(uuid, uuid, integer, text,"
            " text, timestamptz, uuid, timestamptz)', 'EXECUTE')"
        )
        assert cursor.fetchone()[0] == ["app_web"]


def test_a_quick_answer_is_protected_like_any_other(world):
    client = begun(world)
    word = word_on(client, world.spouse_enrollment_a)
    with as_system():
        CourseSession.objects.update(last_seen_at=clock.now() - dt.timedelta(seconds=30))
    quick, long = send(client, world.spouse_enrollment_a, word), send(client, world.spouse_enrollment_a)
    assert (quick.json()["total_seconds"], long.json()["total_seconds"]) == (30, 30)
    names = ("X-Frame-Options", "X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy")
    for name in names:
        assert quick.headers[name] == long.headers[name]
    policies = [set(answer.headers["Content-Security-Policy"].split("; ")) for answer in (quick, long)]
    assert policies[0] == policies[1]
    assert {"no-store", "private"} <= set(quick.headers["Cache-Control"].split(", "))
    assert quick.headers["X-Request-ID"]


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
