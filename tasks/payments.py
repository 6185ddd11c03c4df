"""Talk with the card gateway: apply what it says, send refunds, close pages, heal what got lost."""

from __future__ import annotations

from jobs.models import Job
from payments import gateway
from payments.models import Dispute, Payment, Refund
from payments.services import disputes, events, projection, refunds, sending
from tasks.registry import TaskFailed, task


@task(events.APPLY, timeout=75, max_attempts=10, backoff=(2_000, 3))
def apply_event(job: Job) -> str:
    """Bring the payment of an event up to date."""
    return events.apply_event(job.params["event_id"])


# The gateway repeats a fault of its own for a key for 24 hours; the last attempts lie beyond that.
@task(refunds.SEND, timeout=75, max_attempts=10, backoff=(30_000, 4))
def send_refund(job: Job) -> str:
    """Carry out one decided refund. A key that the gateway knows with other words is for a person to look at."""
    try:
        return sending.send_refund(Refund.objects.get(pk=job.subject_id))
    except gateway.KeyMisused as error:
        raise TaskFailed(f"The gateway knows this key with other words: {error}", final=True) from error


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


@task(disputes.SEND, timeout=75, max_attempts=10, backoff=(30_000, 4))
def send_dispute_decision(job: Job) -> str:
    """Tell the gateway what was decided about a dispute."""
    return sending.send_dispute_decision(Dispute.objects.get(pk=job.subject_id))


@task(disputes.TELL, max_attempts=5, backoff=(5_000, 3))
def tell_dispute(job: Job) -> str:
    """Mail finance that a dispute was opened."""
    return f"{disputes.tell_finance(Dispute.objects.get(pk=job.subject_id))} people were told."
