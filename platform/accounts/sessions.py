"""How long a session lasts, when it was opened and used, and whether its second step was done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from django.conf import settings
from django.http import HttpRequest

from core import clock
from core.context import Actor

SIGNED_IN_AT = "signed_in_at"
SEEN_AT = "activity_noted_at"
PROOFS = ("mfa", "password")


@dataclass(frozen=True, slots=True)
class Term:
    """Seconds a session may lie idle, and seconds it may last at all."""

    idle: int
    absolute: int


def term_of(actor: Actor) -> Term:
    """The stricter, the more a person reaches: the platform's people, staff, everybody else."""
    name = "platform" if actor.platform_role else "staff" if actor.organization_ids else "person"
    return Term(*settings.SESSION_TERMS[name])


def now_stamp() -> int:
    return int(clock.now().timestamp())


def seconds_left(session: Any, actor: Actor) -> int:
    """How long the session lasts if nothing more happens; 0 or less when it is over. A session without marks counts
    from its first request."""
    now, term = now_stamp(), term_of(actor)
    opened = session.get(SIGNED_IN_AT)
    if opened is None:
        opened = session[SIGNED_IN_AT] = now
    return int(min(session.get(SEEN_AT, now) + term.idle, opened + term.absolute) - now)


def proofs(request: HttpRequest, methods: Iterable[str] = PROOFS) -> list[dict[str, Any]]:
    """What the person proved in this session, oldest first: `method` and `at` (seconds)."""
    wanted = frozenset(methods)
    return [proof for proof in get_authentication_records(request, request.user) if proof.get("method") in wanted]


def passed_second_step(request: HttpRequest) -> bool:
    """Whether this session proved a second factor."""
    return bool(proofs(request, ("mfa",)))


def is_fresh(request: HttpRequest) -> bool:
    """Whether the person proved who they are lately enough for a dangerous act."""
    last = max((proof["at"] for proof in proofs(request)), default=0)
    return bool(clock.now().timestamp() - last < settings.FRESH_MINUTES * 60)
