"""Deliver mail."""

from __future__ import annotations

from jobs.models import Job
from notifications.enums import DeliveryResult, MessageState
from notifications.models import Message
from notifications.services import DELIVER, give_up, record_attempt
from notifications.transports import attempt
from tasks.registry import TaskFailed, task


def mark_failed(job: Job) -> None:
    """A parked delivery leaves the message marked."""
    give_up(Message.objects.get(pk=job.subject_id))


@task(DELIVER, timeout=60, max_attempts=8, backoff=(10_000, 3), parked=mark_failed)
def deliver(job: Job) -> str:
    """Hand the message to the mail service; the answer is kept even when the attempt failed."""
    message = Message.objects.select_related("organization").get(pk=job.subject_id)
    if message.state == MessageState.SENT:
        return "It was sent already."
    delivery = attempt(message, idempotency_key=job.dedupe_key)
    if delivery.result == DeliveryResult.ACCEPTED:
        record_attempt(message, delivery)
        return f"Sent through {delivery.provider}."
    raise TaskFailed(
        delivery.error, final=delivery.result == DeliveryResult.REFUSED, keep=lambda: record_attempt(message, delivery)
    )
