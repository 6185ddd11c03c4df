"""A message is written once; every attempt to deliver it is a row of its own."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.enums import Language
from core import clock
from core.correlation import correlation_id
from core.models import Row
from core.privacy import Privacy
from core.scope import Scope
from notifications.enums import MESSAGE_TRANSITIONS, DeliveryResult, MessageState

# Events whose text holds a link that lets its reader in as the addressee.
PERSONAL_LINKS = ("user.", "enrollment.client_invite")


class Message(Row):
    """A mail to one person in one language. `message_id` stays the same over all attempts, so that a receiver can
    tell a repeat from a second message. The text is rendered once, when the message is written."""

    scope: ClassVar = Scope(organization="organization", person="person", person_writes=False, open_insert=True)
    privacy: ClassVar = {
        "event": Privacy.INTERNAL,
        "to": Privacy.PERSONAL,
        "subject": Privacy.PERSONAL,
        "text_body": Privacy.PERSONAL,
        "html_body": Privacy.PERSONAL,
        "message_id": Privacy.INTERNAL,
        "dedupe_key": Privacy.INTERNAL,
        "about_type": Privacy.INTERNAL,
        "about_id": Privacy.INTERNAL,
        "correlation_id": Privacy.INTERNAL,
    }
    transitions: ClassVar = {"state": MESSAGE_TRANSITIONS}

    organization = models.ForeignKey(
        "organizations.Organization", on_delete=models.PROTECT, null=True, blank=True, related_name="messages"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="messages"
    )
    event = models.CharField(_("event"), max_length=80)
    to = models.EmailField(_("to"), max_length=254)
    language = models.CharField(_("language"), max_length=5, choices=Language, default=Language.ENGLISH)
    subject = models.CharField(_("subject"), max_length=300)
    text_body = models.TextField(_("text"))
    html_body = models.TextField(_("HTML"))
    message_id = models.CharField(max_length=200, unique=True)
    dedupe_key = models.CharField(max_length=200, unique=True)
    about_type = models.CharField(_("kind of record"), max_length=80, blank=True)
    about_id = models.CharField(_("record"), max_length=64, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=MessageState, default=MessageState.QUEUED)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    correlation_id = models.CharField(_("correlation"), max_length=64, default=correlation_id, blank=True)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ("-created_at", "id")
        permissions = (("resend_message", "Can send a message again"),)
        indexes = (
            models.Index(fields=["organization", "-created_at", "id"], name="message_by_organization"),
            models.Index(fields=["-created_at", "id"], name="message_newest"),
            models.Index(fields=["organization"], name="message_failed", condition=Q(state="failed")),
            models.Index(fields=["about_type", "about_id"], name="message_about"),
        )

    def __str__(self) -> str:
        return f"{self.event} → {self.to}"

    @property
    def lets_its_reader_in(self) -> bool:
        """Whether the text holds a personal link, so that nobody but the addressee may read it."""
        return self.event.startswith(PERSONAL_LINKS)


class NotificationDelivery(Row):
    """One attempt to hand a message to a mail service, with what the service answered."""

    scope: ClassVar = Scope.through("message", append_only=True, person_writes=False)
    privacy: ClassVar = {
        "provider": Privacy.INTERNAL,
        "provider_id": Privacy.INTERNAL,
        "error": Privacy.INTERNAL,
        "event": Privacy.INTERNAL,
    }

    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="deliveries")
    event = models.CharField(_("event"), max_length=80)
    attempt = models.PositiveIntegerField(_("attempt"))
    provider = models.CharField(_("service"), max_length=20)
    result = models.CharField(_("result"), max_length=12, choices=DeliveryResult)
    provider_id = models.CharField(_("service's id"), max_length=200, blank=True)
    error = models.TextField(_("error"), blank=True)
    at = models.DateTimeField(_("time"), default=clock.now)

    class Meta:
        verbose_name = _("notification delivery")
        verbose_name_plural = _("notification deliveries")
        ordering = ("-at", "id")
        indexes = (models.Index(fields=["-at", "id"], name="delivery_newest"),)

    def __str__(self) -> str:
        return f"{self.event} · {self.get_result_display()}"
