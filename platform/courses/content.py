"""Bring courses and disclosures from the files in `fixtures/` into the database."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from courses.enums import CourseStatus
from courses.models import Chapter, Course, Lesson, Question
from enrollments.models import DisclosureSet

_LANGUAGES = ("en", "es")


def _both(name: str, text: dict[str, str]) -> dict[str, str]:
    return {f"{name}_{language}": text[language] for language in _LANGUAGES}


def load_all(folder: Path | None = None) -> tuple[int, int]:
    """Load every course and disclosure version that is not there yet; returns how many of each were new.

    A version that exists is never changed: clients are in it. The newest course of a kind is the published one.
    """
    root = folder or settings.FIXTURES_DIR
    courses = sum(load_course(_read(path)) for path in sorted((root / "courses").glob("*.json")))
    disclosures = sum(load_disclosures(_read(path)) for path in sorted((root / "disclosures").glob("*.json")))
    return courses, disclosures


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


@transaction.atomic
def load_course(data: dict[str, Any]) -> bool:
    """Make one course version with its chapters, lessons and questions, and publish it; False if it exists."""
    if Course.objects.filter(code=data["code"], version=data["version"]).exists():
        return False
    for older in Course.objects.filter(kind=data["kind"], status=CourseStatus.PUBLISHED):
        older.status = CourseStatus.RETIRED
        older.save(update_fields=["status", "updated_at"])
    course = Course.objects.create(
        code=data["code"],
        version=data["version"],
        kind=data["kind"],
        pass_mark_percent=data["pass_mark_percent"],
        status=CourseStatus.PUBLISHED,
        **_both("title", data["title"]),
        **_both("summary", data["summary"]),
    )
    for position, chapter in enumerate(data["chapters"], 1):
        _load_chapter(course, position, chapter)
    for position, question in enumerate(data["end_test"], 1):
        _load_question(course, position, question, slug=question["slug"], topic=question["topic"])
    return True


def _load_chapter(course: Course, position: int, data: dict[str, Any]) -> None:
    chapter = Chapter.objects.create(
        course=course,
        position=position,
        slug=data["slug"],
        topic=data["topic"],
        minutes=data["minutes"],
        **_both("title", data["title"]),
    )
    for number, text in enumerate(data["lessons"], 1):
        lesson = Lesson.objects.create(
            chapter=chapter,
            position=number,
            slug=text["slug"],
            **_both("title", text["title"]),
            **_both("body", text["body"]),
        )
        _load_question(course, number, text["question"], slug=text["slug"], topic=data["topic"], lesson=lesson)


def _load_question(
    course: Course, position: int, data: dict[str, Any], *, slug: str, topic: str, lesson: Lesson | None = None
) -> None:
    Question.objects.create(
        course=course,
        lesson=lesson,
        position=position,
        slug=slug,
        topic=topic,
        choices=data["choices"],
        **_both("prompt", data["prompt"]),
    )


def load_disclosures(data: dict[str, Any]) -> bool:
    """Make one disclosure version; False if it exists."""
    return DisclosureSet.objects.get_or_create(
        kind=data["kind"],
        version=data["version"],
        defaults={
            "source": data["source"],
            "items": data["items"],
            "effective_from": dt.datetime.fromisoformat(data["effective_from"]).replace(tzinfo=dt.UTC),
        },
    )[1]
