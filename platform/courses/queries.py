"""A client's way through a course, read in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from courses.models import Chapter, CourseSession, Lesson, LessonProgress, Question, TestAttempt

PlaceState = Literal["done", "current", "locked"]


@dataclass(frozen=True, slots=True)
class Place:
    """One lesson on the way. `number` counts through the whole course; `state` is done, current (the first unfinished
    one) or locked (after it)."""

    chapter: Chapter
    lesson: Lesson
    number: int
    state: PlaceState
    progress: LessonProgress | None

    @property
    def is_open(self) -> bool:
        return self.state != "locked"


@dataclass(frozen=True, slots=True)
class Part:
    """A chapter with its lessons."""

    chapter: Chapter
    places: list[Place]

    @property
    def finished(self) -> int:
        return sum(place.state == "done" for place in self.places)

    @property
    def is_done(self) -> bool:
        return self.finished == len(self.places)


@dataclass(frozen=True, slots=True)
class Outline:
    """The whole course in order. Lessons come without their text."""

    parts: list[Part]
    places: list[Place]

    @property
    def finished(self) -> int:
        return sum(place.state == "done" for place in self.places)

    @property
    def is_done(self) -> bool:
        return self.current is None

    @property
    def current(self) -> Place | None:
        """The first unfinished lesson; None when all are done."""
        return next((place for place in self.places if place.state == "current"), None)

    def find(self, chapter: str, lesson: str) -> Place | None:
        """The lesson of these slugs."""
        return next((p for p in self.places if (p.chapter.slug, p.lesson.slug) == (chapter, lesson)), None)

    def at(self, lesson_id: object) -> Place | None:
        """The place of a lesson by its id."""
        return next((place for place in self.places if place.lesson.pk == lesson_id), None)

    def neighbour(self, place: Place, step: int) -> Place | None:
        """The lesson `step` after the place (before it, when negative)."""
        index = place.number - 1 + step
        return self.places[index] if 0 <= index < len(self.places) else None


def outline(session: CourseSession) -> Outline:
    """The course of a session with the client's progress: three queries."""
    chapters = list(Chapter.objects.filter(course_id=session.course_id).order_by("position"))
    lessons = Lesson.objects.filter(chapter__in=chapters).defer("body_en", "body_es").order_by("position")
    progress = {row.lesson_id: row for row in LessonProgress.objects.filter(session=session)}
    by_chapter: dict[UUID, list[Lesson]] = {chapter.pk: [] for chapter in chapters}
    for lesson in lessons:
        by_chapter[lesson.chapter_id].append(lesson)
    return _arrange([(chapter, by_chapter[chapter.pk]) for chapter in chapters], progress)


def _arrange(content: list[tuple[Chapter, list[Lesson]]], progress: Mapping[UUID, LessonProgress]) -> Outline:
    parts: list[Part] = []
    places: list[Place] = []
    reached = False
    for chapter, lessons in content:
        part = Part(chapter, [])
        for lesson in lessons:
            row = progress.get(lesson.pk)
            is_done = not reached and row is not None and row.finished_at is not None
            state: PlaceState = "done" if is_done else "locked" if reached else "current"
            reached = reached or not is_done
            part.places.append(Place(chapter, lesson, len(places) + 1, state, row))
            places.append(part.places[-1])
        parts.append(part)
    return Outline(parts, places)


def end_test(session: CourseSession) -> list[Question]:
    """The end test in order."""
    return list(Question.objects.filter(course_id=session.course_id, lesson=None).order_by("position"))


def open_attempt(session: CourseSession) -> TestAttempt | None:
    """The attempt that is begun and not handed in."""
    return session.attempts.filter(submitted_at=None).order_by("-number").first()


def last_result(session: CourseSession) -> TestAttempt | None:
    """The attempt handed in last."""
    return session.attempts.exclude(submitted_at=None).order_by("-number").first()


def has_passed(session: CourseSession) -> bool:
    return session.attempts.filter(passed=True).exists()


def needs_contact(session: CourseSession) -> bool:
    """Whether someone must go over the test with the client: it was handed in and never passed (28 CFR 58.33). It
    holds nothing back."""
    return session.attempts.exclude(submitted_at=None).exists() and not has_passed(session)
