"""The course player over HTTP (CERT-92, CERT-97, UX-30 to UX-34, UX-40)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.test import Client

import website
from courses import ledger
from courses.models import CourseSession, Lesson, LessonProgress, TestAttempt
from courses.queries import end_test, outline
from enrollments.models import Enrollment
from tests.database import as_system
from tests.web import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def spouse(client, world):
    """The spouse of tenant A, signed in; their enrollment waits to begin."""
    return sign_in(client, world.spouse_user_a)


@pytest.fixture
def base(world):
    return f"/course/{world.spouse_enrollment_a.pk}"


@pytest.fixture
def begun(spouse, base):
    """The signed-in spouse, in the course."""
    spouse.post(f"{base}/begin")
    return spouse


def session(world) -> CourseSession:
    with as_system():
        return CourseSession.objects.get(enrollment=world.spouse_enrollment_a)


def places(world):
    with as_system():
        return outline(CourseSession.objects.get(enrollment=world.spouse_enrollment_a)).places


def lesson_path(base: str, place) -> str:
    return f"{base}/lessons/{place.chapter.slug}/{place.lesson.slug}"


def finish_lessons(world) -> None:
    with as_system():
        own = CourseSession.objects.get(enrollment=world.spouse_enrollment_a)
        for place in outline(own).places:
            LessonProgress.objects.create(session=own, lesson=place.lesson, chosen=0, finished_at=own.opened_at)


def serve(world, seconds: int) -> None:
    with as_system():
        own = CourseSession.objects.get(enrollment=world.spouse_enrollment_a)
        ledger.credit(own, own.opened_at, seconds)
        own.save(update_fields=ledger.SESSION_COLUMNS)


def status_of(world) -> str:
    with as_system():
        return Enrollment.objects.get(pk=world.spouse_enrollment_a.pk).status


def test_begin_leads_to_the_table_of_contents(spouse, base, world):
    response = spouse.post(f"{base}/begin", follow=True)

    assert response.redirect_chain == [(f"{base}/study", 302)]
    assert response.context["player"].way.current.number == 1
    assert status_of(world) == "in_progress"


def test_beginning_again_keeps_the_session(begun, base, world):
    first = session(world).pk
    begun.post(f"{base}/begin")

    assert session(world).pk == first


@pytest.mark.parametrize("page", ["study", "pause", "test", "lessons/your-situation/how-this-session-works"])
def test_before_the_beginning_every_page_leads_to_the_overview(spouse, base, page):
    assert spouse.get(f"{base}/{page}").headers["Location"] == base


@pytest.mark.parametrize("page", ["study", "pause", "test", "lessons/your-situation/how-this-session-works"])
def test_someone_elses_course_is_as_absent_as_none(begun, world, page):
    """CERT-92"""
    foreign = begun.get(f"/course/{world.studying_b.pk}/{page}")
    absent = begun.get(f"/course/00000000-0000-4000-8000-000000000000/{page}")

    assert (foreign.status_code, absent.status_code) == (404, 404)
    assert len(foreign.content) == len(absent.content)


@pytest.mark.parametrize("act", ["begin", "resume", "submit", "pause", "test"])
def test_nobody_acts_in_someone_elses_course(begun, world, act):
    assert begun.post(f"/course/{world.studying_b.pk}/{act}").status_code == 404


@pytest.mark.parametrize("name", ["counselor_a", "provider_admin_a", "platform_admin", "client_user_b"])
def test_the_player_is_the_clients_alone(begun, base, world, name):
    other = sign_in(Client(), getattr(world, name))

    assert [other.get(f"{base}/study").status_code, other.post(f"{base}/begin").status_code] == [404, 404]


@pytest.mark.parametrize("act", ["begin", "resume", "submit"])
def test_nothing_happens_on_a_get(begun, base, act):
    assert begun.get(f"{base}/{act}").status_code == 405


def test_a_visitor_is_asked_to_sign_in(client, base):
    assert client.get(f"{base}/study").headers["Location"].startswith("/accounts/login/?next=")


def test_a_lesson_is_answered_and_explained(begun, base, world):
    first = places(world)[0]
    with as_system():
        question = Lesson.objects.select_related("question").get(pk=first.lesson.pk).question
    right = next(option for option in question.options() if option.is_correct)

    response = begun.post(lesson_path(base, first), {"choice": right.number}, follow=True)

    assert response.redirect_chain == [(f"{lesson_path(base, first)}#answer", 302)]
    assert right.why in response.content.decode()
    assert lesson_path(base, places(world)[1]) in response.content.decode()


def test_a_lesson_without_an_answer_says_so(begun, base, world):
    response = begun.post(lesson_path(base, places(world)[0]), {})

    assert response.status_code == 422
    assert response.context["refusal"].code == "answer_missing"


def test_a_locked_lesson_leads_back_to_the_open_one(begun, base, world):
    first, second = places(world)[:2]

    assert begun.get(lesson_path(base, second)).headers["Location"] == lesson_path(base, first)
    assert begun.post(lesson_path(base, second), {"choice": 0}).headers["Location"] == lesson_path(base, first)
    assert places(world)[1].progress is None


def test_a_missing_lesson_is_not_found(begun, base):
    assert begun.get(f"{base}/lessons/your-situation/nothing").status_code == 404


def test_switching_the_language_keeps_the_place(begun, base, world):
    """UX-32"""
    first = places(world)[0]
    english = begun.get(lesson_path(base, first)).content.decode()

    spanish_path = re.search(r'href="(/es/course/[^"]+)"', english)[1]
    spanish = begun.get(spanish_path)

    assert spanish_path == f"/es{lesson_path(base, first)}"
    assert spanish.context["lesson"].pk == first.lesson.pk
    assert "Cómo funciona esta sesión" in spanish.content.decode()


def test_a_pause_says_that_the_clock_stands(begun, base, world):
    paused = begun.post(f"{base}/pause", follow=True)

    assert paused.redirect_chain == [(f"{base}/pause", 302)]
    assert 'id="heartbeat"' not in paused.content.decode()
    assert begun.get(lesson_path(base, places(world)[0])).headers["Location"] == f"{base}/pause"
    resumed = begun.post(f"{base}/resume")
    assert resumed.headers["Location"] == lesson_path(base, places(world)[0])
    assert session(world).paused_at is None


def test_without_a_script_the_page_says_that_time_is_not_counted(begun, base, world):
    """UX-34"""
    page = begun.get(lesson_path(base, places(world)[0])).content.decode()

    notice = re.search(r'<div id="time-off"[^>]*>', page)[0]
    assert "hidden" not in notice
    assert "Your time is not being counted right now" in page


def test_sending_too_early_shows_what_is_missing_with_numbers(begun, base, world):
    """CERT-97"""
    serve(world, 3599)

    response = begun.post(f"{base}/submit")

    assert response.status_code == 409
    assert "You have 59 min 59 s of the 60 min of verified time" in response.content.decode()
    assert "cc_minimum_time_required" in response.content.decode()
    assert "59 of 60 minutes" in response.content.decode()
    assert status_of(world) == "in_progress"


def test_the_test_is_taken_saved_checked_and_handed_in(begun, base, world):
    """UX-40"""
    finish_lessons(world)
    assert "Begin the test" in begun.get(f"{base}/test").content.decode()
    begun.post(f"{base}/test", {"act": "start"})
    with as_system():
        questions = end_test(session(world))
    right = {f"answer-{q.slug}": next(o.number for o in q.options() if o.is_correct) for q in questions}
    some = dict(list(right.items())[:4])

    saved = begun.post(f"{base}/test", {"act": "save", **some}, headers={"Accept": "application/json"})
    again = sign_in(Client(), world.spouse_user_a).get(f"{base}/test")
    check = begun.post(f"{base}/test", {"act": "check", **some}, follow=True)

    assert saved.json() == {"answered": 4}
    assert again.content.decode().count(" checked>") == 4
    assert "You answered 4 of 10 questions." in check.content.decode()
    with as_system():
        assert TestAttempt.objects.get(session=session(world)).submitted_at is None
    begun.post(f"{base}/test", {"act": "save", **right})
    result = begun.post(f"{base}/test", {"act": "submit"}, follow=True)
    assert "Your score: 100 percent" in result.content.decode()
    assert begun.post(f"{base}/test", {"act": "submit"}).status_code == 302


def test_a_low_score_leads_to_the_counselor_and_to_another_try(begun, base, world):
    finish_lessons(world)
    begun.post(f"{base}/test", {"act": "start"})

    page = begun.post(f"{base}/test", {"act": "submit"}, follow=True).content.decode()

    assert "You have not failed, and your certificate is not held back for it" in page
    assert "Take the test again" in page


def test_the_test_waits_for_the_last_lesson(begun, base):
    assert begun.get(f"{base}/test").headers["Location"] == f"{base}/study"
    assert begun.post(f"{base}/test", {"act": "start"}).status_code == 409


def test_everything_done_is_sent_to_the_counselor(begun, base, world):
    """CERT-98"""
    finish_lessons(world)
    begun.post(f"{base}/test", {"act": "start"})
    begun.post(f"{base}/test", {"act": "submit"})
    serve(world, 3600)

    response = begun.post(f"{base}/submit")

    assert (response.headers["Location"], status_of(world)) == (base, "review")
    after = begun.get(f"{base}/study").content.decode()
    assert 'id="heartbeat"' not in after
    assert f"{base}/submit" not in after
    assert begun.get(lesson_path(base, places(world)[3])).status_code == 200


def test_course_pages_are_light_and_cost_a_fixed_number_of_queries(begun, base, world, django_assert_max_num_queries):
    """UX-33"""
    finish_lessons(world)
    begun.post(f"{base}/test", {"act": "start"})
    for page in ("study", "test", lesson_path("", places(world)[5])[1:]):
        with django_assert_max_num_queries(34):
            response = begun.get(f"{base}/{page}")
        assert response.status_code == 200
        assert len(response.content) < 60_000


@pytest.mark.parametrize("name", ["course.css", "heartbeat.js", "course-test.js"])
def test_the_files_of_the_player_are_small(name):

    assert (Path(website.__file__).parent / "static" / "website" / name).stat().st_size < 4096
