"""The heartbeat over HTTP (CERT-94, CERT-95, CERT-97)."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from core import clock
from courses.models import CourseSession
from courses.queries import outline
from enrollments.models import Enrollment
from tests.database import as_system
from tests.web import sign_in

pytestmark = pytest.mark.django_db
URL = "/api/course/heartbeat"


@pytest.fixture
def begun(client, world):
    signed_in = sign_in(client, world.spouse_user_a)
    signed_in.post(f"/course/{world.spouse_enrollment_a.pk}/begin")
    return signed_in


def seen(world, seconds_ago: int, **columns) -> None:
    with as_system():
        last = clock.now() - dt.timedelta(seconds=seconds_ago)
        CourseSession.objects.filter(enrollment=world.spouse_enrollment_a).update(last_seen_at=last, **columns)


def send(client, enrollment, **body):
    return client.post(URL, {"enrollment": str(enrollment.pk), **body}, content_type="application/json")


def test_a_heartbeat_answers_with_the_totals(begun, world):
    seen(world, 30)

    answer = send(begun, world.spouse_enrollment_a).json()

    assert answer.pop("signed_in_seconds") > 43_000
    assert answer == {
        "enrollment": str(world.spouse_enrollment_a.pk),
        "state": "counting",
        "total_seconds": 30,
        "required_seconds": 3600,
        "missing_seconds": 3570,
        "idle_seconds": 0,
        "was_idle": False,
        "code": "cc_minimum_time_required",
        "shown": "0 of 60 minutes",
        "text": "60 minutes to go.",
        "why": "",
    }


def test_what_the_client_claims_is_ignored(begun, world):
    """CERT-94"""
    seen(world, 5)
    claims = {
        "seconds": 10_000,
        "total_seconds": 7200,
        "last_seen_at": "2020-01-01T00:00:00Z",
        "now": 0,
        "elapsed": 9e9,
    }

    assert send(begun, world.spouse_enrollment_a, **claims).json()["total_seconds"] == 5


@pytest.mark.parametrize(("gap", "total", "idle", "was_idle"), [(119, 60, 0, False), (121, 0, 121, True)])
def test_two_minutes_of_silence_are_the_border(begun, world, gap, total, idle, was_idle):
    """CERT-95"""
    seen(world, gap)

    answer = send(begun, world.spouse_enrollment_a).json()

    assert (answer["total_seconds"], answer["idle_seconds"], answer["was_idle"]) == (total, idle, was_idle)


def test_an_open_gate_has_no_code(begun, world):
    seen(world, 1, total_seconds=3599)

    answer = send(begun, world.spouse_enrollment_a).json()

    assert (answer["total_seconds"], answer["code"], answer["missing_seconds"]) == (3600, None, 0)
    assert answer["text"] == "You have spent the time that is needed."


def test_the_sentences_come_in_the_language_of_the_page(begun, world):
    answer = send(begun, world.spouse_enrollment_a, language="es").json()

    assert (answer["shown"], answer["text"]) == ("0 de 60 minutos", "Faltan 60 minutos.")


def test_the_lesson_on_the_screen_becomes_the_place(begun, world):
    with as_system():
        first, second = outline(CourseSession.objects.get(enrollment=world.spouse_enrollment_a)).places[:2]

    for place in (first, second):
        send(begun, world.spouse_enrollment_a, lesson=str(place.lesson.pk))

    with as_system():
        assert CourseSession.objects.get(enrollment=world.spouse_enrollment_a).lesson_id == first.lesson.pk


def test_a_foreign_and_an_absent_enrollment_answer_alike(begun, world):
    """CERT-92"""
    answers = [
        begun.post(URL, {"enrollment": value}, content_type="application/json")
        for value in (str(world.studying_b.pk), "00000000-0000-4000-8000-000000000000", "nonsense", 7, None)
    ]

    assert [answer.status_code for answer in answers] == [404] * 5
    assert len({answer.content for answer in answers}) == 1


def test_staff_cannot_count_time_for_a_client(begun, world):
    counselor = sign_in(Client(), world.counselor_a)

    assert send(counselor, world.spouse_enrollment_a).status_code == 404


def test_signed_out_is_said_in_json(client, world):
    response = send(client, world.spouse_enrollment_a)

    assert (response.status_code, response.json()["error"]["code"]) == (401, "signed_out")


def test_a_course_not_begun_is_said_in_json(client, world):
    response = send(sign_in(client, world.spouse_user_a), world.spouse_enrollment_a)

    assert (response.status_code, response.json()["error"]["code"]) == (409, "course_not_begun")


def test_a_heartbeat_needs_the_token_of_the_page(world):
    strict = sign_in(Client(enforce_csrf_checks=True), world.spouse_user_a)

    assert send(strict, world.spouse_enrollment_a).status_code == 403


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '"x"', "\x00"])
def test_an_unreadable_body_is_refused(begun, body):
    response = begun.post(URL, body, content_type="application/json")

    assert (response.status_code, response.json()["error"]["code"]) == (400, "heartbeat_unreadable")


def test_only_a_post_is_a_heartbeat(begun):
    assert begun.get(URL).status_code == 405


@pytest.mark.parametrize(("column", "state"), [("paused", "paused"), ("review", "closed"), ("cancelled", "closed")])
def test_a_standing_clock_says_why(begun, world, column, state):
    if column == "paused":
        seen(world, 30, paused_at=clock.now())
    else:
        seen(world, 30)
        with as_system():
            Enrollment.objects.filter(pk=world.spouse_enrollment_a.pk).update(status=column)

    answer = send(begun, world.spouse_enrollment_a).json()

    assert (answer["state"], answer["total_seconds"], bool(answer["why"])) == (state, 0, True)


def test_a_flood_is_slowed_down_and_gains_nothing(begun, world):
    seen(world, 10)

    answers = [send(begun, world.spouse_enrollment_a) for _ in range(70)]

    codes = [answer.status_code for answer in answers]
    assert codes.count(429) >= 10
    assert {answer.json()["total_seconds"] for answer in answers if answer.status_code == 200} <= set(range(10, 25))


def test_studying_keeps_a_person_signed_in(begun, world):
    with as_system():
        Session.objects.update(expire_date=clock.now() + dt.timedelta(minutes=5))

    answer = send(begun, world.spouse_enrollment_a).json()

    with as_system():
        left = Session.objects.get(pk=begun.cookies["session"].value).expire_date - clock.now()
    assert answer["signed_in_seconds"] == 43_200
    assert left > dt.timedelta(hours=11)
