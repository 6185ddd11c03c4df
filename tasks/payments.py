"""Talk with the card gateway: apply what it says, send refunds, close pages, heal what got lost."""

from __future__ import annotations

from jobs.models import Job
from payments.models import Payment, Refund
from payments.services import events, projection, refunds, sending
from tasks.registry import task


@task(events.APPLY, timeout=75, max_attempts=10, backoff=(2_000, 3))
def apply_event(job: Job) -> str:
    """Bring the payment of an event up to date."""
    return events.apply_event(job.params["event_id"])


# The gateway repeats a fault of its own for a key for 24 hours; the last attempts lie beyond that.
@task(refunds.SEND, timeout=75, max_attempts=10, backoff=(30_000, 4))
def send_refund(job: Job) -> str:
    """Carry out one decided refund."""
    return sending.send_refund(Refund.objects.get(pk=job.subject_id))


@task(sending.CLOSE, timeout=75, max_attempts=8, backoff=(2_000, 3))
def close_page(job: Job) -> str:
    """Close a card page that no longer fits what is due."""
    return sending.close_page(Payment.objects.get(pk=job.subject_id))


@task(events.ASK, timeout=75, max_attempts=5, backoff=(5_000, 3))
def ask_gateway(job: Job) -> str:
    """Ask how one quiet payment stands."""
    return f"The payment is {projection.sync_payment(Payment.objects.get(pk=job.subject_id)).status}."


@task("payments.sync_open", timeout=75, max_attempts=3)
def sync_open(_job: Job) -> str:
    """Heal lost events. Runs by schedule; the next firing makes good what this one could not."""
    missed, asked = events.sync_open_payments()
    return f"{missed} missed events kept, {asked} open payments asked about."
