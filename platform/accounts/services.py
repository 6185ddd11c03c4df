"""Change a login, or take it away."""

from __future__ import annotations

import enum

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db import IntegrityError, connection, models, transaction
from guardian.models import UserObjectPermission

from accounts.models import User
from audit.services import record
from organizations.services.sessions import end_sessions


class Gone(enum.StrEnum):
    """What became of a person whose login was taken away."""

    LOGIN = "login"
    PERSON = "person"
    IDENTITY = "identity"


def choose_language(user: User, language: str) -> User:
    """Keep the language of a person's mails and documents."""
    user.language = language
    user.save(update_fields=["language"])
    return user


@transaction.atomic
def forget_login(user: User, *, reason: str) -> None:
    """Take the way to sign in away: sessions, password, second factors and proved addresses.

    The person, their roles and their records stay. Signing up again with the address brings the login back, once the
    address is proved anew.
    """
    end_sessions(user, reason=reason)
    EmailAddress.objects.filter(user=user).delete()
    Authenticator.objects.filter(user=user).delete()
    user.set_unusable_password()
    user.last_login = None
    user.save(update_fields=["password", "last_login"])
    record("user.login_forgotten", user, reason=reason)


@transaction.atomic
def forget_person(user: User, *, reason: str) -> Gone:
    """Take the login and the person away, so that the address is as if it had never been here.

    Memberships and grants go. When other records still name the person (a client's course, an acknowledgement), those
    must stay true: the row is kept without name and address, switched off, and `Gone.IDENTITY` says so; otherwise
    `Gone.PERSON`. Old versions and audit events stay in both cases.
    """
    forget_login(user, reason=reason)
    user.memberships.all().delete()
    UserObjectPermission.objects.filter(user=user).delete()
    record("user.deleted", user, reason=reason)
    try:
        with transaction.atomic():
            _delete(user)
    except IntegrityError:
        _blank(user)
        return Gone.IDENTITY
    return Gone.PERSON


def _delete(user: User) -> None:
    """Delete the row alone; IntegrityError when a record that must keep its person names it. Django's own way would
    sweep through the console's log as well, which no running process may touch."""
    for relation in user._meta.related_objects:
        if relation.on_delete is models.SET_NULL:
            rows = relation.related_model._base_manager.filter(**{relation.field.name: user})
            rows.update(**{relation.field.name: None})
    User.objects.filter(pk=user.pk)._raw_delete(using=connection.alias)  # noqa: SLF001 -- see above
    connection.check_constraints()


def _blank(user: User) -> None:
    user.email = user.username = f"{user.pk}@deleted.invalid"
    user.first_name = user.last_name = user.platform_role = ""
    user.is_active = False
    user.save(update_fields=["email", "username", "first_name", "last_name", "platform_role", "is_active"])
