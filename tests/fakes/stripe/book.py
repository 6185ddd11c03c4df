"""The book: what really happened to money, for a judge that does not trust the product's own records."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from tests.fakes.stripe.disputes import OPEN
from tests.fakes.stripe.state import Json, State

if TYPE_CHECKING:
    from tests.fakes.stripe.fake import FakeStripe


def totals(state: State, intent_id: str) -> Json:
    """Money of one payment intent in minor units.

    `charged` are successful charges, `refunded` refunds that succeeded or are pending, `disputed` what open and lost
    disputes hold, `kept` what is left; a correct product never has `kept` below zero or two successful charges.
    """
    charges = [item for item in state.every("charge") if item["payment_intent"] == intent_id]
    paid = [item for item in charges if item["status"] == "succeeded"]
    refunds = [item for item in state.every("refund") if item["payment_intent"] == intent_id]
    alive = [item for item in refunds if item["status"] in ("succeeded", "pending")]
    disputes = [item for item in state.every("dispute") if item["payment_intent"] == intent_id]
    held = [item for item in disputes if item["status"] in (*OPEN, "lost")]
    charged, refunded, disputed = (sum(item["amount"] for item in rows) for rows in (paid, alive, held))
    intent = state.get("payment_intent", intent_id)
    return {
        "status": intent["status"],
        "currency": intent["currency"],
        "metadata": intent["metadata"],
        "session": state.private[intent_id]["session"],
        "charged": charged,
        "refunded": refunded,
        "disputed": disputed,
        "kept": charged - refunded - disputed,
        "charges": [item["id"] for item in paid],
        "declined": [item["id"] for item in charges if item["status"] == "failed"],
        "refunds": {item["id"]: {"amount": item["amount"], "status": item["status"]} for item in refunds},
        "disputes": {item["id"]: {"amount": item["amount"], "status": item["status"]} for item in disputes},
    }


def keys(state: State, fake: FakeStripe) -> Json:
    """Per idempotency key: how often it was sent and what it made.

    `charges` are the successful charges of the sessions the key made: a payer pays on the hosted page, so the key of
    a charge is that of its session.
    """
    made: Json = {}
    for key, use in list(fake.idempotency.uses.items()):
        made[key] = {**asdict(use), "sessions": [], "refunds": [], "charges": []}
    session_keys = {row["id"]: state.private[row["id"]]["idempotency_key"] for row in state.every("checkout.session")}
    for session_id, key in session_keys.items():
        if key in made:
            made[key]["sessions"].append(session_id)
    for refund in state.every("refund"):
        refund_key = state.private[refund["id"]]["idempotency_key"]
        if refund_key in made:
            made[refund_key]["refunds"].append(refund["id"])
    for charge in state.every("charge"):
        session_key = session_keys[state.private[charge["payment_intent"]]["session"]]
        if charge["status"] == "succeeded" and session_key in made:
            made[session_key]["charges"].append(charge["id"])
    return made


def events(state: State, fake: FakeStripe) -> list[Json]:
    """The event log, oldest first, each with its deliveries and their attempts."""
    by_event: dict[str, list[Json]] = {}
    for delivery in fake.sender.snapshot():
        shown = {name: delivery[name] for name in ("copy", "state", "forged", "attempts")}
        by_event.setdefault(delivery["event_id"], []).append(shown)
    return [
        {
            "id": event["id"],
            "type": event["type"],
            "created": event["created"],
            "object": event["data"]["object"]["id"],
            "deliveries": by_event.get(event["id"], []),
        }
        for event in state.every("event")
    ]


def whole(fake: FakeStripe) -> Json:
    """Everything above, plus sessions by `client_reference_id`, sums and the request log."""
    state = fake.state
    with state.lock:
        intents = {row["id"]: totals(state, row["id"]) for row in state.every("payment_intent")}
        references: Json = {}
        for session in state.every("checkout.session"):
            shown = {name: session[name] for name in ("id", "status", "payment_status", "payment_intent")}
            shown["amount_total"] = session["amount_total"]
            references.setdefault(session["client_reference_id"] or "", []).append(shown)
        sums = {
            name: sum(row[name] for row in intents.values()) for name in ("charged", "refunded", "disputed", "kept")
        }
        return {
            "totals": sums,
            "balance": sum(entry["net"] for entry in state.every("balance_transaction")),
            "payment_intents": intents,
            "references": references,
            "keys": keys(state, fake),
            "events": events(state, fake),
            "requests": fake.api.requests(),
        }
