"""Private files, and uploads that wait for their confirmation."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.links import HomeKey
from core.models import Row
from core.privacy import Privacy
from core.scope import Scope


class StoredFile(Row):
    """A file in private storage: a certificate, evidence of a filing, an export."""

    scope: ClassVar = Scope(organization="organization", readers=("released_to",), person="person", person_writes=False)
    privacy: ClassVar = {
        "kind": Privacy.INTERNAL,
        "name": Privacy.PERSONAL,
        "key": Privacy.INTERNAL,
        "content_type": Privacy.INTERNAL,
        "sha256": Privacy.INTERNAL,
    }

    organization = models.ForeignKey(
        "organizations.Organization", on_delete=models.PROTECT, null=True, blank=True, db_index=False,
        related_name="files",
    )  # fmt: skip
    released_to = models.ForeignKey(
        "organizations.Organization", on_delete=models.PROTECT, null=True, blank=True, related_name="received_files"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="files"
    )
    kind = models.CharField(_("kind"), max_length=40)
    name = models.CharField(_("file name"), max_length=200)
    key = models.CharField(max_length=300, unique=True)
    content_type = models.CharField(_("type"), max_length=100)
    size = models.PositiveBigIntegerField(_("bytes"))
    sha256 = models.CharField(max_length=64)
    expires_at = models.DateTimeField(_("kept until"), null=True, blank=True)

    class Meta:
        verbose_name = _("file")
        verbose_name_plural = _("files")
        ordering = ("-created_at", "id")
        indexes = (
            models.Index(fields=["organization", "-created_at", "id"], name="file_by_organization"),
            models.Index(fields=["-created_at", "id"], name="file_newest"),
        )
        constraints = (HomeKey(fields=["id", "organization"], name="file_home"),)

    def __str__(self) -> str:
        return self.name


class StagedUpload(Row):
    """An uploaded table between preview and confirmation: sealed, bound to its uploader, gone after an hour."""

    scope: ClassVar = Scope(person="person", auth=False)
    privacy: ClassVar = {
        "name": Privacy.INTERNAL,
        "resource": Privacy.INTERNAL,
        "sha256": Privacy.INTERNAL,
        "body": Privacy.SENSITIVE,
    }

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    organization = models.ForeignKey(
        "organizations.Organization", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    resource = models.CharField(max_length=80)
    name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    body = models.TextField()
    expires_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("staged upload")
        verbose_name_plural = _("staged uploads")
        ordering = ("-created_at",)
