"""Tell people things: write a message once, deliver it until it has left."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from email.utils import parseaddr
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models

from core import clock
from core.errors import DomainError
from core.transitions import can_move, transition
from jobs.services import enqueue
from notifications.enums import DeliveryResult, MessageState
from notifications.models import Message, NotificationDelivery
from notifications.rendering import render

DELIVER = "notifications.deliver"


def notify(
    event: str,
    *,
    to: str,
    language: str,
    context: Mapping[str, Any],
    dedupe_key: str,
    organization: UUID | None = None,
    person: UUID | None = None,
    about: models.Model | None = None,
) -> Message:
    """Write the mail of `event` and ask for its delivery, both in the caller's transaction; works in any context.

    `dedupe_key` names this mail for ever: a second call with the same key writes nothing and returns a message that
    was not saved. The text is rendered now, in `language`; links in `context` must be absolute. Members of
    `organization` and `person` may see the message.
    """
    message = write_message(
        event, to=to, language=language, context=context, dedupe_key=dedupe_key, organization=organization,
        person=person, about=about,
    )  # fmt: skip
    enqueue(DELIVER, message, dedupe_key=f"deliver:{dedupe_key}", organization=organization)
    return message


def write_message(
    event: str,
    *,
    to: str,
    language: str,
    context: Mapping[str, Any],
    dedupe_key: str,
    organization: UUID | None = None,
    person: UUID | None = None,
    about: models.Model | None = None,
) -> Message:
    """Render and store a mail without asking for its delivery."""
    parts = render(event, language, context)
    message = Message(
        organization_id=organization,
        person_id=person,
        event=event,
        to=to,
        language=language,
        subject=parts.subject,
        text_body=parts.text,
        html_body=parts.html,
        message_id=_message_id(),
        dedupe_key=dedupe_key,
        about_type=about._meta.label_lower if about is not None else "",
        about_id=str(about.pk) if about is not None else "",
    )
    Message.objects.bulk_create([message], ignore_conflicts=True)
    return message


def record_attempt(message: Message, delivery: NotificationDelivery) -> Message:
    """Keep what the mail service answered; an accepted message is sent."""
    delivery.save(force_insert=True)
    if delivery.result != DeliveryResult.ACCEPTED:
        return message
    return transition(message, MessageState.SENT, field="state", changes={"sent_at": delivery.at})


def give_up(message: Message) -> Message:
    """Mark a message whose delivery was parked. One that has left meanwhile stays sent."""
    if message.state == MessageState.SENT or not can_move(message, MessageState.FAILED, field="state"):
        return message
    return transition(message, MessageState.FAILED, field="state", reason="Its delivery was given up.")


def resend_message(message: Message, *, reason: str) -> Message:
    """Deliver a sent or failed message once more: same text, same Message-ID, a new job.

    DomainError `reason_required` without a reason, `transition_not_allowed` while it is still queued.
    """
    if not reason.strip():
        raise DomainError("reason_required")
    queued = transition(message, MessageState.QUEUED, field="state", reason=reason)
    key = f"deliver:{message.pk}:again:{clock.now():%Y%m%dT%H%M%S%f}"
    enqueue(DELIVER, queued, dedupe_key=key, organization=queued.organization_id)
    return queued


def _message_id() -> str:
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<{uuid.uuid4().hex}@{domain}>"
