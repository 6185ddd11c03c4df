"""Evidence of who did what, and the raw errors that only the platform sees."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _

from core import clock
from core.correlation import correlation_id
from core.models import Row
from core.privacy import Privacy
from core.scope import Scope, ScopedManager

NEVER_CHANGED = pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)


class AuditEvent(models.Model):
    """One act, chained to the one before it in the same organization (the platform has a chain of its own).

    Rows are written by the database function `app.append_audit` only; no runtime role may insert, change or delete.
    `hash` is SHA-256 over the length-prefixed fields of the row and `prev_hash`; `audit.chain` recomputes it.
    """

    scope: ClassVar = Scope(organization="organization", function_only=True)
    privacy: ClassVar = dict.fromkeys(
        ("actor_label", "act", "target_type", "target_id", "reason", "correlation_id", "payload"), Privacy.INTERNAL
    ) | {"prev_hash": Privacy.PUBLIC, "hash": Privacy.PUBLIC}

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(
        "organizations.Organization", on_delete=models.PROTECT, null=True, related_name="audit_events"
    )
    seq = models.BigIntegerField(_("number"))
    at = models.DateTimeField(_("time"))
    actor_id = models.UUIDField(null=True)
    actor_label = models.CharField(_("actor"), max_length=254)
    act = models.CharField(_("act"), max_length=120)
    target_type = models.CharField(_("kind of record"), max_length=80)
    target_id = models.CharField(_("record"), max_length=64)
    reason = models.TextField(_("reason"), blank=True)
    correlation_id = models.CharField(max_length=64)
    payload = models.JSONField(_("details"), default=dict)
    prev_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    objects = ScopedManager()

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=["organization", "seq"], name="audit_chain_gapless", nulls_distinct=False),
        )
        indexes = (models.Index(fields=["target_type", "target_id", "id"], name="audit_by_target"),)
        triggers = (NEVER_CHANGED,)

    def __str__(self) -> str:
        return f"{self.act} #{self.seq}"


class AuditHead(models.Model):
    """The end of each chain: the row that writers of one organization queue up for."""

    scope: ClassVar = Scope(organization="organization", function_only=True)
    privacy: ClassVar = {"hash": Privacy.PUBLIC}

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey("organizations.Organization", on_delete=models.PROTECT, null=True)
    seq = models.BigIntegerField()
    hash = models.CharField(max_length=64)

    objects = ScopedManager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["organization"], name="one_audit_head", nulls_distinct=False),)

    def __str__(self) -> str:
        return f"#{self.seq}"


class Level(models.TextChoices):
    INFO = "info", _("Information")
    WARNING = "warning", _("Warning")
    ERROR = "error", _("Error")


class SystemEvent(Row):
    """A raw technical event, for platform eyes: errors, denials, refused signatures, parked jobs."""

    scope: ClassVar = Scope.platform(open_insert=True, append_only=True)
    privacy: ClassVar = dict.fromkeys(
        ("source", "summary", "detail", "correlation_id", "actor_label"), Privacy.INTERNAL
    )

    level = models.CharField(_("level"), max_length=10, choices=Level, default=Level.INFO)
    source = models.CharField(_("source"), max_length=80)
    summary = models.CharField(_("summary"), max_length=300)
    detail = models.JSONField(_("detail"), default=dict)
    actor_label = models.CharField(_("actor"), max_length=254, blank=True)
    correlation_id = models.CharField(_("correlation"), max_length=64, default=correlation_id, blank=True)
    at = models.DateTimeField(_("time"), default=clock.now)

    class Meta:
        verbose_name = _("system event")
        verbose_name_plural = _("system events")
        ordering = ("-at", "id")
        indexes = (models.Index(fields=["-at", "id"], name="system_event_time"),)

    def __str__(self) -> str:
        return f"{self.source}: {self.summary}"
