"""Put a course version before new clients."""

from __future__ import annotations

from django.db import transaction

from core.errors import DomainError
from core.transitions import transition
from courses.enums import CourseStatus
from courses.models import Course, Lesson


def complete_guard(course: Course) -> DomainError | None:
    """`course_incomplete` unless every chapter has lessons, every lesson its question, and the test questions."""
    lessons = Lesson.objects.filter(chapter__course=course)
    is_complete = (
        course.questions.filter(lesson=None).exists()
        and lessons.exists()
        and not course.chapters.filter(lessons=None).exists()
        and not lessons.filter(question=None).exists()
    )
    return None if is_complete else DomainError("course_incomplete")


@transaction.atomic
def publish_course(course: Course, *, reason: str = "") -> Course:
    """Publish this version and retire the one published for the same kind; clients under way stay on theirs."""
    for other in Course.objects.locked().filter(kind=course.kind, status=CourseStatus.PUBLISHED).exclude(pk=course.pk):
        transition(other, CourseStatus.RETIRED, reason=reason)
    return transition(course, CourseStatus.PUBLISHED, reason=reason, guards=(complete_guard,))
