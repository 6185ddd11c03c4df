"""Refunds: full or partial, never more than was paid, refused while a dispute holds the money."""

from __future__ import annotations

from tests.fakes.stripe.answers import expanded, page_of
from tests.fakes.stripe.errors import ApiError, malformed, refused
from tests.fakes.stripe.params import Params
from tests.fakes.stripe.payments import format_amount, post_balance
from tests.fakes.stripe.state import Json, State, new_id

REASONS = ("duplicate", "fraudulent", "requested_by_customer")
FINAL = ("succeeded", "failed", "canceled")


def create_refund(state: State, params: Params) -> Json:
    """POST /v1/refunds by `payment_intent` or `charge`; without `amount` everything not yet refunded.

    Errors, all HTTP 400 `invalid_request_error`: `charge_already_refunded` when nothing is left; too much for what
    is left carries `param` amount and no code, as Stripe answers; `charge_disputed` while a dispute is open or was
    lost; `payment_intent_unexpected_state` when the intent has no successful charge. A pending refund counts as
    refunded until it fails or is cancelled.
    """
    intent_id, charge_id = params.text("payment_intent"), params.text("charge")
    amount = params.integer("amount", minimum=1)
    reason = params.choice("reason", REASONS)
    metadata = params.metadata()
    paths = params.strings("expand")
    params.finish()
    charge = _refundable_charge(state, intent_id, charge_id)
    left = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        raise refused(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    wanted = left if amount is None else amount
    if wanted > left:
        asked, rest = (format_amount(value, charge["currency"]) for value in (wanted, left))
        raise refused(
            f"Refund amount ({asked}) is greater than unrefunded amount on charge ({rest})",
            param="amount",
        )
    refund = _record(state, charge, wanted, reason, metadata)
    return expanded(state, refund, paths)


def _refundable_charge(state: State, intent_id: str | None, charge_id: str | None) -> Json:
    if intent_id is None and charge_id is None:
        raise malformed(
            "One of the following params should be provided for this request: payment_intent or charge.",
            code="parameter_missing",
        )
    if intent_id is not None:
        intent = state.get("payment_intent", intent_id, param="payment_intent")
        if charge_id is not None and charge_id != intent["latest_charge"]:
            raise refused("The charge does not belong to the payment_intent.", param="charge")
        charge_id = intent["latest_charge"]
    charge = state.get("charge", charge_id, param="charge") if charge_id is not None else None
    if charge is None or charge["status"] != "succeeded":
        subject = f"This PaymentIntent ({intent_id})" if intent_id is not None else f"Charge {charge_id}"
        raise refused(f"{subject} does not have a successful charge to refund.", code="payment_intent_unexpected_state")
    disputes = [dispute for dispute in state.every("dispute") if dispute["charge"] == charge["id"]]
    if any(not dispute["is_charge_refundable"] for dispute in disputes):
        message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
        raise refused(message, code="charge_disputed")
    return charge


def _record(state: State, charge: Json, amount: int, reason: str | None, metadata: dict[str, str]) -> Json:
    status = state.private[charge["id"]]["refund_status"]
    refund = state.add(
        {
            "id": new_id("re_"),
            "object": "refund",
            "amount": amount,
            "balance_transaction": None,
            "charge": charge["id"],
            "created": state.now(),
            "currency": charge["currency"],
            "destination_details": {"card": {"reference_status": "pending", "type": "refund"}, "type": "card"},
            "failure_balance_transaction": None,
            "failure_reason": None,
            "metadata": metadata,
            "payment_intent": charge["payment_intent"],
            "pending_reason": "processing" if status == "pending" else None,
            "reason": reason,
            "receipt_number": None,
            "status": status,
        }
    )
    entry = post_balance(state, amount=-amount, fee=0, kind="refund", source=refund["id"], currency=charge["currency"])
    refund["balance_transaction"] = entry["id"]
    _count(state, charge, amount)
    state.emit("refund.created", refund)
    if status == "succeeded":
        previous = {"destination_details": {"card": {"reference_status": "pending"}}}
        refund["destination_details"]["card"].update(reference_status="available", reference=new_id("", 12))
        state.emit("refund.updated", refund, previous)
    return refund


def _count(state: State, charge: Json, amount: int) -> None:
    """Move the charge's refunded total by `amount`, negative to give back after a failed refund."""
    previous = {"amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"]}
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    state.emit("charge.refunded" if amount > 0 else "charge.updated", charge, previous)


def finish_refund(state: State, refund_id: str, status: str) -> Json:
    """Control call: end a pending refund, or let a succeeded one fail later as a bank may.

    A refund that fails or is cancelled gives its amount back to the charge and the balance. Emits `refund.updated`,
    and `refund.failed` for a failure. ApiError 400 when the change is not possible.
    """
    with state.lock:
        refund = state.get("refund", refund_id)
        if status not in FINAL or refund["status"] not in ("pending", "succeeded") or refund["status"] == status:
            raise ApiError(400, f"A refund cannot go from {refund['status']} to {status}.")
        if refund["status"] == "succeeded" and status == "canceled":
            raise ApiError(400, "A refund that succeeded cannot be cancelled.")
        previous = {"status": refund["status"]}
        refund.update(status=status, pending_reason=None)
        if status != "succeeded":
            entry = post_balance(
                state,
                amount=refund["amount"],
                fee=0,
                kind="refund_failure",
                source=refund["id"],
                currency=refund["currency"],
            )
            refund["failure_balance_transaction"] = entry["id"]
            refund["failure_reason"] = "expired_or_canceled_card" if status == "failed" else None
            _count(state, state.get("charge", refund["charge"]), -refund["amount"])
        state.emit("refund.updated", refund, previous)
        if status == "failed":
            state.emit("refund.failed", refund)
        return refund


def retrieve_refund(state: State, params: Params, identifier: str) -> Json:
    paths = params.strings("expand")
    params.finish()
    return expanded(state, state.get("refund", identifier), paths)


def list_refunds(state: State, params: Params) -> Json:
    filters = {name: params.text(name) for name in ("payment_intent", "charge")}
    return page_of(state, "refund", "/v1/refunds", params, filters)
