"""What the course player reads from a request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.http import QueryDict

from courses.models import Choice, Question, TestAttempt


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as a page shows it, with the number of the chosen answer."""

    question: Question
    number: int
    options: list[Choice]
    chosen: int | None

    @property
    def name(self) -> str:
        return f"answer-{self.question.slug}"

    @property
    def choice(self) -> Choice | None:
        return self.question.option(self.chosen)


def ask(questions: Iterable[Question], attempt: TestAttempt) -> list[Asked]:
    """The questions of a test with the answers given so far."""
    return [
        Asked(question, number, question.options(), attempt.answers.get(question.slug))
        for number, question in enumerate(questions, 1)
    ]


def whole_number(text: str | None) -> int | None:
    """A choice as it was sent; None for nothing or nonsense."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 4 else None


def sent_answers(post: QueryDict, questions: Iterable[Question]) -> dict[str, int]:
    """The answers a test form carries, by question slug; questions left open are left out."""
    numbers = {question.slug: whole_number(post.get(f"answer-{question.slug}")) for question in questions}
    return {slug: number for slug, number in numbers.items() if number is not None}
