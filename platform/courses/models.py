"""Courses as versions of content, and the verified time and answers of each client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from core import clock
from core.history import history
from core.models import Row
from core.privacy import Privacy
from core.scope import Scope, ScopedManager
from courses.enums import COURSE_TRANSITIONS, CourseStatus
from enrollments.models import Enrollment
from providers.enums import CourseKind


def spoken(row: models.Model, name: str) -> str:
    """The text `name` of a row in the reader's language; English where the site has no such text."""
    return getattr(row, f"{name}_{'es' if get_language() == 'es' else 'en'}")


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer to a question in the reader's language; `number` is what is stored when it is chosen."""

    number: int
    text: str
    is_correct: bool
    why: str


class Course(Row):
    """One version of a course. A client stays on the version begun."""

    scope: ClassVar = Scope.reference()
    privacy: ClassVar = dict.fromkeys(
        ("code", "version", "title_en", "title_es", "summary_en", "summary_es"), Privacy.PUBLIC
    )
    transitions: ClassVar = {"status": COURSE_TRANSITIONS}

    code = models.CharField(_("code"), max_length=20)
    version = models.CharField(_("version"), max_length=20)
    kind = models.CharField(_("course"), max_length=2, choices=CourseKind)
    title_en = models.CharField(_("title, English"), max_length=200)
    title_es = models.CharField(_("title, Spanish"), max_length=200)
    summary_en = models.TextField(_("summary, English"))
    summary_es = models.TextField(_("summary, Spanish"))
    pass_mark_percent = models.PositiveSmallIntegerField(_("pass mark in percent"), default=70)
    status = models.CharField(_("status"), max_length=12, choices=CourseStatus, default=CourseStatus.DRAFT)

    history = history()

    class Meta:
        verbose_name = _("course")
        verbose_name_plural = _("courses")
        ordering = ("kind", "code", "-version")
        permissions = (("publish_course", "Can publish a version of a course"),)
        constraints = (
            models.UniqueConstraint(fields=["code", "version"], name="one_course_version"),
            models.UniqueConstraint(
                fields=["kind"], name="one_published_course_per_kind", condition=Q(status="published")
            ),
        )

    def __str__(self) -> str:
        return f"{self.code} {self.version}"

    @property
    def title(self) -> str:
        return spoken(self, "title")


class Chapter(Row):
    scope: ClassVar = Scope.reference()
    privacy: ClassVar = dict.fromkeys(("slug", "topic", "title_en", "title_es"), Privacy.PUBLIC)

    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="chapters")
    position = models.PositiveSmallIntegerField(_("position"))
    slug = models.SlugField(max_length=80)
    topic = models.CharField(_("mandatory topic"), max_length=40)
    title_en = models.CharField(_("title, English"), max_length=200)
    title_es = models.CharField(_("title, Spanish"), max_length=200)
    minutes = models.PositiveSmallIntegerField(_("planned minutes"))

    history = history()

    class Meta:
        verbose_name = _("chapter")
        verbose_name_plural = _("chapters")
        ordering = ("course", "position")
        constraints = (models.UniqueConstraint(fields=["course", "position"], name="one_chapter_per_position"),)

    def __str__(self) -> str:
        return self.title_en

    @property
    def title(self) -> str:
        return spoken(self, "title")


class Lesson(Row):
    """A page of reading in both languages, with one check question."""

    scope: ClassVar = Scope.reference()
    privacy: ClassVar = dict.fromkeys(("slug", "title_en", "title_es", "body_en", "body_es"), Privacy.PUBLIC)

    chapter = models.ForeignKey(Chapter, on_delete=models.CASCADE, related_name="lessons")
    position = models.PositiveSmallIntegerField(_("position"))
    slug = models.SlugField(max_length=80)
    title_en = models.CharField(_("title, English"), max_length=200)
    title_es = models.CharField(_("title, Spanish"), max_length=200)
    body_en = models.TextField(_("text, English"), help_text=_("Markdown."))
    body_es = models.TextField(_("text, Spanish"), help_text=_("Markdown."))

    history = history()

    class Meta:
        verbose_name = _("lesson")
        verbose_name_plural = _("lessons")
        ordering = ("chapter", "position")
        constraints = (models.UniqueConstraint(fields=["chapter", "position"], name="one_lesson_per_position"),)

    def __str__(self) -> str:
        return self.title_en

    @property
    def title(self) -> str:
        return spoken(self, "title")

    @property
    def body(self) -> str:
        """Markdown."""
        return spoken(self, "body")


class Question(Row):
    """A question with its choices: of a lesson (a check), or of the course's end test."""

    scope: ClassVar = Scope.reference()
    privacy: ClassVar = dict.fromkeys(("slug", "topic", "prompt_en", "prompt_es", "choices"), Privacy.PUBLIC)

    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="questions")
    lesson = models.OneToOneField(Lesson, on_delete=models.CASCADE, null=True, blank=True, related_name="question")
    position = models.PositiveSmallIntegerField(_("position"))
    slug = models.SlugField(max_length=80)
    topic = models.CharField(_("topic"), max_length=40, blank=True)
    prompt_en = models.TextField(_("question, English"))
    prompt_es = models.TextField(_("question, Spanish"))
    choices = models.JSONField(
        _("choices"), help_text=_("A list of {text: {en, es}, correct: true or false, why: {en, es}}.")
    )

    history = history()

    class Meta:
        verbose_name = _("question")
        verbose_name_plural = _("questions")
        ordering = ("course", "position")

    def __str__(self) -> str:
        return self.slug

    @property
    def prompt(self) -> str:
        return spoken(self, "prompt")

    def options(self) -> list[Choice]:
        """The choices in their stored order."""
        language = "es" if get_language() == "es" else "en"
        return [
            Choice(number, choice["text"][language], choice["correct"], choice["why"][language])
            for number, choice in enumerate(self.choices)
        ]

    def option(self, number: int | None) -> Choice | None:
        """The choice of that number, or None when there is none."""
        return next((choice for choice in self.options() if choice.number == number), None)


class CourseSession(Row):
    """A client's course: when it began, where they are, and how much time the server verified, in seconds.

    Only the server's clock counts. `last_seen_at` is the moment up to which time has been judged. `chain_hash` is the
    head of the time ledger; `open_*` is the minute that runs now and stands in no ledger entry yet. See
    `courses.ledger` for the sums that always hold.
    """

    scope: ClassVar = Scope.through("enrollment")
    privacy: ClassVar = {"chain_hash": Privacy.INTERNAL}

    enrollment = models.OneToOneField(Enrollment, on_delete=models.PROTECT, related_name="course_session")
    course = models.ForeignKey(Course, on_delete=models.PROTECT, related_name="+")
    lesson = models.ForeignKey(Lesson, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    opened_at = models.DateTimeField(_("begun"), default=clock.now)
    last_seen_at = models.DateTimeField(_("last seen"), null=True, blank=True)
    total_seconds = models.PositiveIntegerField(_("verified seconds"), default=0)
    idle_seconds = models.PositiveIntegerField(_("idle seconds"), default=0)
    paused_at = models.DateTimeField(_("paused"), null=True, blank=True)
    open_minute = models.DateTimeField(null=True, blank=True, editable=False)
    open_seconds = models.PositiveSmallIntegerField(default=0, editable=False)
    open_idle_seconds = models.PositiveIntegerField(default=0, editable=False)
    chain_length = models.PositiveIntegerField(default=0, editable=False)
    chain_hash = models.CharField(max_length=64, default="0" * 64, editable=False)

    class Meta:
        verbose_name = _("course session")
        verbose_name_plural = _("course sessions")
        ordering = ("-opened_at", "id")
        indexes = (models.Index(fields=["-opened_at", "id"], name="session_newest"),)

    def __str__(self) -> str:
        return f"{self.total_seconds // 60} min"


class TimeLedgerMinute(models.Model):
    """Verified seconds of one minute of one session, chained by hash to the minute before it. Append-only."""

    scope: ClassVar = Scope.through("session", append_only=True)
    privacy: ClassVar = {"prev_hash": Privacy.INTERNAL, "hash": Privacy.INTERNAL}

    id = models.UUIDField(primary_key=True, editable=False)
    session = models.ForeignKey(CourseSession, on_delete=models.PROTECT, related_name="minutes")
    seq = models.PositiveIntegerField(_("number"))
    minute = models.DateTimeField(_("minute"))
    seconds = models.PositiveSmallIntegerField(_("verified seconds"))
    idle_seconds = models.PositiveIntegerField(_("idle seconds before it"), default=0)
    total_after = models.PositiveIntegerField(_("total after it"))
    prev_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    objects = ScopedManager()

    class Meta:
        verbose_name = _("time ledger entry")
        verbose_name_plural = _("time ledger entries")
        ordering = ("session", "seq")
        constraints = (models.UniqueConstraint(fields=["session", "seq"], name="time_ledger_gapless"),)

    def __str__(self) -> str:
        return f"{self.minute:%Y-%m-%d %H:%M} · {self.seconds} s"


class LessonProgress(Row):
    """A client's way through one lesson: opened, question answered, done."""

    scope: ClassVar = Scope.through("session")

    session = models.ForeignKey(CourseSession, on_delete=models.PROTECT, related_name="progress")
    lesson = models.ForeignKey(Lesson, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(_("opened"), default=clock.now)
    chosen = models.PositiveSmallIntegerField(_("choice"), null=True, blank=True)
    was_correct = models.BooleanField(_("correct"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("lesson progress")
        verbose_name_plural = _("lesson progress")
        ordering = ("session", "lesson")
        constraints = (models.UniqueConstraint(fields=["session", "lesson"], name="one_progress_per_lesson"),)

    def __str__(self) -> str:
        return str(self.lesson)


class TestAttempt(Row):
    """One try at the end test. Answers are saved as the client goes; the score is set when it is handed in."""

    __test__ = False
    scope: ClassVar = Scope.through("session")
    privacy: ClassVar = {"answers": Privacy.SENSITIVE}

    session = models.ForeignKey(CourseSession, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField(_("attempt"))
    answers = models.JSONField(_("answers"), default=dict, blank=True)
    started_at = models.DateTimeField(_("begun"), default=clock.now)
    submitted_at = models.DateTimeField(_("handed in"), null=True, blank=True)
    score_percent = models.PositiveSmallIntegerField(_("score in percent"), null=True, blank=True)
    passed = models.BooleanField(_("passed"), null=True)

    class Meta:
        verbose_name = _("test attempt")
        verbose_name_plural = _("test attempts")
        ordering = ("session", "-number")
        constraints = (models.UniqueConstraint(fields=["session", "number"], name="one_attempt_per_number"),)

    def __str__(self) -> str:
        return f"#{self.number}"
