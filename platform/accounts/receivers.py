"""What follows when a package signs someone in or changes their address."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.account.signals import email_changed
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.models import User
from accounts.sessions import SEEN_AT, SIGNED_IN_AT, now_stamp
from audit.services import record
from organizations.actors import GENERATION_KEY


@receiver(user_logged_in, dispatch_uid="accounts.remember_generation")
def remember_generation(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:
    """The session remembers when it was opened, and the generation it was opened in; a later one ends it."""
    request.session[GENERATION_KEY] = user.session_generation
    request.session[SIGNED_IN_AT] = now_stamp()
    request.session.pop(SEEN_AT, None)


@receiver(email_changed, dispatch_uid="accounts.follow_address")
def follow_address(sender: Any, user: User, to_email_address: EmailAddress, **_: Any) -> None:
    """The user name is the address, also after a change; the change is on the record."""
    user.email = user.username = to_email_address.email.lower()
    user.save(update_fields=["email", "username"])
    record("user.email_changed", user)
