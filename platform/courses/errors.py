"""Why the course says no."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core.errors import ErrorText, declare_errors

_TIME_LEFT = _("Go on with the course for %(missing)s more. Reading a finished lesson again counts too.")

declare_errors(
    {
        "cc_minimum_time_required": ErrorText(
            _("You have %(verified)s of the %(required)s of verified time that credit counseling takes."), _TIME_LEFT
        ),
        "de_minimum_time_required": ErrorText(
            _("You have %(verified)s of the %(required)s of verified time that the law asks of debtor education."),
            _TIME_LEFT,
        ),
        "lessons_unfinished": ErrorText(
            _("You have finished %(finished)s of %(lessons)s lessons."),
            _("Go on with the next lesson and answer its question."),
        ),
        "test_missing": ErrorText(
            _("You have not handed in the test yet."), _("Take the test. It has %(questions)s questions.")
        ),
        "lesson_locked": ErrorText(
            _("This lesson opens after the lessons before it."), _("Finish the lesson you are at first.")
        ),
        "course_not_begun": ErrorText(
            _("You have not begun this course."), _("Begin it on the page of your enrollment.")
        ),
        "course_closed": ErrorText(
            _("This course is no longer open for answers and time."), _("Look at your enrollment for the next step.")
        ),
        "course_paused": ErrorText(_("The course is paused."), _("Go on with the course first.")),
        "course_unavailable": ErrorText(
            _("This course is not available at the moment."), _("Please call us; your place is kept."), 503
        ),
        "course_incomplete": ErrorText(
            _("A course needs chapters with lessons, a question for each lesson, and an end test."),
            _("Add what is missing and publish again."),
        ),
        "answer_missing": ErrorText(_("No answer was chosen."), _("Choose one answer and send it again."), 400),
        "test_passed": ErrorText(_("You have already passed the test."), _("Look at your result.")),
        "attempt_closed": ErrorText(_("This test was handed in already."), _("Look at your result.")),
        "signed_out": ErrorText(
            _("You are signed out, so your time is not being counted."),
            _("Sign in again. What you saved is kept."),
            401,
        ),
        "heartbeat_unreadable": ErrorText(_("The message could not be read."), _("Reload the page."), 400),
    }
)
