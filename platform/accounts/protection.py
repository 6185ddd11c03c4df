"""Guard a login: what a changed factor ends, what an administrator resets, and the way back for the true owner."""

from __future__ import annotations

import datetime as dt
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.core import signing
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.crypto import salted_hmac

from accounts.models import User
from accounts.second_factor import has_factor
from audit.services import record
from core import clock
from core.errors import DomainError
from notifications.services import notify
from organizations.actors import GENERATION_KEY
from organizations.services.sessions import end_sessions, raise_generation, reaching_logins

LINK_AGE = dt.timedelta(days=14)
UNDO_AGE = dt.timedelta(days=7)
_LINKS = "accounts.not_me"


@transaction.atomic
def note_factor_change(request: HttpRequest, user: User, what: str) -> None:
    """A factor was added, removed or renewed: the change is on the record, every other session of the person ends,
    and this one goes on under a new key."""
    person = User.objects.get(pk=user.pk)
    record("user.second_factor_changed", person, payload={"what": what})
    keep_only(request, person)


def keep_only(request: HttpRequest, user: User) -> None:
    """End every session of `user` but the one of `request`, which goes on under a new key."""
    raise_generation(user)
    request.session[GENERATION_KEY] = user.session_generation
    before = request.session.session_key
    for session in UserSession.objects.filter(user=user).exclude(session_key=before).order_by("pk"):
        session.end()
    request.session.cycle_key()
    row = UserSession.objects.filter(session_key=before).first()
    if row is not None:
        row.session_key = request.session.session_key
        row.save(update_fields=["session_key"])


@transaction.atomic
def reset_second_factor(user: User, *, reason: str) -> int:
    """Take every second factor of a person who lost theirs, with their sessions; they set up a new one where their
    role needs it. They are told by mail. Returns how many were taken. DomainError `no_second_factor`."""
    with reaching_logins():
        rows = Authenticator.objects.select_for_update().filter(user=user)
        if not has_factor(user):
            raise DomainError("no_second_factor")
        count, _ = rows.delete()
    end_sessions(user, reason=reason)
    record("user.second_factor_reset", user, reason=reason, payload={"factors": count})
    notify(
        "user.second_factor_reset",
        to=user.email,
        language=user.language,
        context={"at": clock.now()},
        dedupe_key=f"second_factor_reset:{user.pk}:{user.session_generation}",
        person=user.pk,
    )
    return count


def not_me_link(user: User, *, before: str = "") -> str:
    """The address on which the owner of the mailbox takes the account back; `before` is the address that a change
    took away. It counts until the password is changed."""
    facts = {"user": str(user.pk), "password": _mark(user), "at": clock.now().timestamp()}
    if before:
        facts |= {"before": before, "after": user.email}
    token = signing.dumps(facts, salt=_LINKS)
    return settings.SITE_URL.rstrip("/") + reverse("website:not_me", args=[token])


def read_not_me(token: str) -> tuple[User, dict[str, Any]]:
    """Whose account a link is about, and what it says. DomainError `link_unusable` when it is forged, old or used."""
    try:
        facts = signing.loads(token, salt=_LINKS, max_age=LINK_AGE)
    except signing.BadSignature:
        raise DomainError("link_unusable") from None
    user = User.objects.filter(pk=facts["user"], is_active=True, is_process=False).first()
    old = "before" in facts and clock.now().timestamp() - facts["at"] > UNDO_AGE.total_seconds()
    if user is None or facts["password"] != _mark(user) or old:
        raise DomainError("link_unusable")
    return user, facts


@transaction.atomic
def take_back(token: str) -> User:
    """Shut a stranger out: every session ends, the password counts no more, factors set up since then go, and an
    address changed since then is the old one again. The owner chooses a new password over the mailbox. DomainError
    `link_unusable`, `address_taken`."""
    user, facts = read_not_me(token)
    user = User.objects.locked().get(pk=user.pk)
    if facts["password"] != _mark(user):
        raise DomainError("link_unusable")
    since = dt.datetime.fromtimestamp(facts["at"], dt.UTC) - dt.timedelta(minutes=1)
    if facts.get("before"):
        _give_address_back(user, facts["before"])
    Authenticator.objects.filter(user=user, created_at__gte=since).delete()
    user.set_unusable_password()
    user.save(update_fields=["password", "email", "username"])
    end_sessions(user, reason="the owner of the mailbox did not know this sign-in or change")
    record("user.taken_back", user, payload={"address": "before" in facts})
    return user


def _give_address_back(user: User, address: str) -> None:
    taken = User.objects.filter(email__iexact=address).exclude(pk=user.pk).exists()
    if taken or EmailAddress.objects.filter(email__iexact=address).exclude(user=user).exists():
        raise DomainError("address_taken")
    EmailAddress.objects.filter(user=user).delete()
    EmailAddress.objects.create(user=user, email=address, verified=True, primary=True)
    user.email = user.username = address


def _mark(user: User) -> str:
    """Changes with the password, so that a link counts once."""
    return salted_hmac(_LINKS, user.password, algorithm="sha256").hexdigest()[:20]
