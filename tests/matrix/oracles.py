"""Five judges for each answer: status, leak, state, evidence, context."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.matrix.discovery import Act
from tests.matrix.ledger import business, leaks
from tests.matrix.people import PLATFORM, SEES_B, Person

LOGINS = ("/accounts/login", "/console/login", "/es/accounts/login")
# What people do without a line of evidence: their own session, language and sign-in, and the minutes of a course, which
# have a ledger of their own.
_NO_EVIDENCE = {"accounts", "plain"}
# An upload waits sealed and shows nothing to anybody; what is imported from it leaves evidence.
_NOT_YET = {"files_stagedupload"}
_OWN_LEDGER = {"course_lesson", "course_pause", "course_resume", "end_session", "account"}


@dataclass(slots=True)
class Answer:
    """What came back, and what it did."""

    status: int
    location: str
    body: bytes
    headers: str
    changes: list[Any]
    queries: int
    seen: list[dict[str, str]]
    url: str
    normal: tuple[int, bytes]

    @property
    def sends_to_login(self) -> bool:
        return self.status == 401 or (self.status == 302 and self.location.startswith(LOGINS))


def judge(act: Act, person: Person, scope: str, verdict: str, answer: Answer) -> Iterator[str]:
    """Everything that is wrong with one answer."""
    yield from _status(verdict, answer)
    yield from _leak(person, answer)
    yield from _state(act, verdict, answer)
    yield from _evidence(act, person, scope, verdict, answer)
    yield from _context(act, person, answer)


def _status(verdict: str, answer: Answer) -> Iterator[str]:
    status, away = answer.status, answer.sends_to_login
    fits = {
        "open": True,
        "login": away,
        "deny": away or status in {403, 404, 405},
        "confirm": status < 400,
        "allow": not away and status not in {401, 403, 404, 405},
    }.get(verdict, str(status) == verdict)
    if status >= 500:
        yield f"failed with {status}"
    elif not fits:
        yield f"{status} {answer.location} instead of {_WORDS.get(verdict, verdict)}"


_WORDS = {"login": "the sign-in page", "deny": "a refusal", "confirm": "a page", "allow": "being allowed"}


def _leak(person: Person, answer: Answer) -> Iterator[str]:
    if person.role not in SEES_B and leaks(answer.body, answer.headers):
        yield "shows text of tenant B"


def _state(act: Act, verdict: str, answer: Answer) -> Iterator[str]:
    written = business(answer.changes)
    if written and verdict != "open" and (act.verb == "GET" or verdict != "allow"):
        tables = sorted({f"{op} {table}" for table, op, _, _ in written})
        yield f"writes {tables} {'on GET' if act.verb == 'GET' else ''}".strip()


def _evidence(act: Act, person: Person, scope: str, verdict: str, answer: Answer) -> Iterator[str]:
    user = str(person.user.pk) if person.user and person.is_let_in else None
    if verdict == "allow" and act.area not in _NO_EVIDENCE and act.what not in _OWN_LEDGER:
        events = [fact for table, _, _, fact in answer.changes if table == "audit_auditevent"]
        if {line[0] for line in business(answer.changes)} - _NOT_YET and not any(
            event["actor_id"] == user for event in events
        ):
            yield f"writes {sorted({line[0] for line in business(answer.changes)})} without evidence of who did it"
    named = {name for name, _ in act.arguments} & {"pk", "token"}
    recorded = act.area == "console" or (bool(named) and act.area in {"site", "plain"} and scope != "malformed")
    if recorded and person.is_let_in and answer.status in {403, 404}:
        notes = [fact for table, _, _, fact in answer.changes if table == "audit_systemevent"]
        denials = [note for note in notes if note["source"].endswith(".denied") and note["detail"]["user"] == user]
        if len(denials) != 1:
            yield f"{len(denials)} records of the denial"


def _context(act: Act, person: Person, answer: Answer) -> Iterator[str]:
    for seen in answer.seen:
        if seen["login"] != "app_web":
            yield f"the view runs as {seen['login']}"
        user = str(person.user.pk) if person.is_let_in and person.user else ""
        if seen["user"] != user:
            yield f"the database knows user {seen['user'] or 'nobody'}"
        homes = person.organizations if person.is_let_in else frozenset()
        if set(seen["organizations"].strip("{}").split(",")) - {""} != set(homes):
            yield f"the database knows organizations {seen['organizations']}"
        if (seen["scope"] == "platform") != (person.role in PLATFORM) and seen["scope"] != "auth":
            yield f"the scope is {seen['scope']}"
        if seen["scope"] == "system":
            yield "a request runs in the system's scope"
