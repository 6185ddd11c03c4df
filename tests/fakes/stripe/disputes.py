"""Disputes: opened by the dispute card or a control call, ended by closing, by evidence or by a control call."""

from __future__ import annotations

from tests.fakes.stripe.answers import expanded, page_of
from tests.fakes.stripe.errors import ApiError, refused
from tests.fakes.stripe.params import Params
from tests.fakes.stripe.payments import post_balance
from tests.fakes.stripe.state import Json, State, new_id

DISPUTE_FEE = 1500
OPEN = ("needs_response", "under_review")
_EVIDENCE = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "product_description",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "uncategorized_text",
)


def open_dispute(state: State, charge_id: str, *, reason: str = "fraudulent", amount: int | None = None) -> Json:
    """Open a chargeback over what is left of a charge, or `amount` of it (minor units).

    The money and a fee leave the balance at once. ApiError 400 when the charge did not succeed, is disputed
    already, or has less left than `amount`.
    """
    with state.lock:
        charge = state.get("charge", charge_id)
        left = charge["amount"] - charge["amount_refunded"]
        wanted = left if amount is None else amount
        if charge["status"] != "succeeded" or charge["disputed"] or not 0 < wanted <= left:
            raise ApiError(400, f"Charge {charge_id} cannot be disputed for {wanted}: {left} left, once only.")
        card = charge["payment_method_details"].get("card", {})
        dispute = state.add(
            {
                "id": new_id("du_"),
                "object": "dispute",
                "amount": wanted,
                "balance_transactions": [],
                "charge": charge_id,
                "created": state.now(),
                "currency": charge["currency"],
                "enhanced_eligibility_types": [],
                "evidence": dict.fromkeys(_EVIDENCE),
                "evidence_details": {
                    "due_by": state.now() + 9 * 86_400,
                    "has_evidence": False,
                    "past_due": False,
                    "submission_count": 0,
                },
                "is_charge_refundable": False,
                "livemode": False,
                "metadata": {},
                "network_reason_code": "10.4",
                "payment_intent": charge["payment_intent"],
                "payment_method_details": {"card": {"brand": card.get("brand"), "case_type": "chargeback"}},
                "reason": reason,
                "status": "needs_response",
            }
        )
        charge["disputed"] = True
        state.emit("charge.dispute.created", dispute)
        _post(state, dispute, -wanted, DISPUTE_FEE)
        state.emit("charge.dispute.funds_withdrawn", dispute)
        return dispute


def end_dispute(state: State, dispute_id: str, *, won: bool) -> Json:
    """The bank decides. Won: the money (not the fee) comes back and the charge can be refunded again."""
    with state.lock:
        dispute = state.get("dispute", dispute_id)
        if dispute["status"] not in OPEN:
            raise refused("This dispute is already closed", code="dispute_already_closed")
        dispute.update(status="won" if won else "lost", is_charge_refundable=won)
        state.emit("charge.dispute.closed", dispute)
        if won:
            _post(state, dispute, dispute["amount"], 0)
            state.emit("charge.dispute.funds_reinstated", dispute)
        return dispute


def close_dispute(state: State, params: Params, identifier: str) -> Json:
    """POST /v1/disputes/:id/close: the merchant gives in, the dispute is lost for good."""
    paths = params.strings("expand")
    params.finish()
    return expanded(state, end_dispute(state, identifier, won=False), paths)


def update_dispute(state: State, params: Params, identifier: str) -> Json:
    """POST /v1/disputes/:id with evidence.

    As in Stripe's test mode the text `winning_evidence` or `losing_evidence` in `uncategorized_text` decides the
    dispute when submitted; other evidence puts it under review. `submit=false` only stores it.
    """
    evidence = params.child("evidence")
    given = {name: text for name in _EVIDENCE if evidence is not None and (text := evidence.text(name)) is not None}
    submit = params.choice("submit", ("true", "false")) != "false"
    metadata = params.metadata()
    paths = params.strings("expand")
    params.finish()
    dispute = state.get("dispute", identifier)
    if dispute["status"] not in OPEN:
        raise refused("This dispute is already closed", code="dispute_already_closed")
    dispute["metadata"].update(metadata)
    if given:
        dispute["evidence"].update(given)
        dispute["evidence_details"]["has_evidence"] = True
    if given and submit:
        dispute["evidence_details"]["submission_count"] += 1
        dispute["status"] = "under_review"
        state.emit("charge.dispute.updated", dispute, {"status": "needs_response"})
        verdict = given.get("uncategorized_text")
        if verdict in ("winning_evidence", "losing_evidence"):
            end_dispute(state, identifier, won=verdict == "winning_evidence")
    return expanded(state, dispute, paths)


def retrieve_dispute(state: State, params: Params, identifier: str) -> Json:
    paths = params.strings("expand")
    params.finish()
    return expanded(state, state.get("dispute", identifier), paths)


def list_disputes(state: State, params: Params) -> Json:
    filters = {name: params.text(name) for name in ("payment_intent", "charge")}
    return page_of(state, "dispute", "/v1/disputes", params, filters)


def _post(state: State, dispute: Json, amount: int, fee: int) -> None:
    entry = post_balance(
        state, amount=amount, fee=fee, kind="adjustment", source=dispute["id"], currency=dispute["currency"]
    )
    dispute["balance_transactions"].append(entry)
