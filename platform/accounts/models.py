"""The person: one login, many hats."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from guardian.mixins import GuardianUserMixin

from accounts.enums import Language, PlatformRole
from audit.witness import witness
from core.history import history
from core.privacy import Privacy
from core.scope import Scope, ScopedQuerySet


class UserManager(BaseUserManager.from_queryset(ScopedQuerySet)):  # type: ignore[misc]  # -- made at run time
    """Looks people up by e-mail, in any case."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)

    def create_user(self, email: str, password: str | None = None, **fields: object) -> User:
        """A user with a folded e-mail, which is the username too; without a password the account cannot sign in."""
        address = self.normalize_email(email).lower()
        user = self.model(email=address, username=address, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(GuardianUserMixin, AbstractUser):
    """A person who can sign in. What they may do follows from memberships and `platform_role`, never from
    Django's staff and superuser flags. `session_generation` rises when a role changes and ends older sessions."""

    searched: ClassVar = True
    scope: ClassVar = Scope(person="self", reached_by=("memberships", "client_profiles"), auth=True, person_writes=True)
    privacy: ClassVar = {
        "username": Privacy.PERSONAL,
        "email": Privacy.PERSONAL,
        "first_name": Privacy.PERSONAL,
        "last_name": Privacy.PERSONAL,
        "password": Privacy.SECRET,
    }

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(_("e-mail address"), max_length=254)
    username = models.CharField(max_length=254, unique=True, editable=False)
    language = models.CharField(max_length=5, choices=Language, default=Language.ENGLISH)
    platform_role = models.CharField(max_length=32, choices=PlatformRole, blank=True, default="")
    session_generation = models.PositiveIntegerField(default=1, editable=False)
    is_process = models.BooleanField(
        _("process account"), default=False, help_text=_("Names the worker in history; nobody signs in with it.")
    )

    objects: ClassVar[UserManager] = UserManager()
    history = history(excluded=("password", "last_login"))

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        ordering = ("email",)
        constraints = (
            models.UniqueConstraint(Lower("email"), name="accounts_user_email_any_case"),
            models.CheckConstraint(
                condition=models.Q(platform_role__in=["", *PlatformRole.values]), name="platform_role_known"
            ),
        )
        indexes = (models.Index(fields=["-date_joined", "id"], name="accounts_user_joined"),)
        triggers = (witness("accounts.user", "platform_role", "is_active"),)

    def __str__(self) -> str:
        return self.get_full_name() or self.email
