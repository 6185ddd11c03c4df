"""Checkout Sessions in payment mode, from creation to paid, expired or left open."""

from __future__ import annotations

from tests.fakes.stripe.answers import expanded, page_of, plain_list
from tests.fakes.stripe.cards import Card
from tests.fakes.stripe.checkout_form import (
    read_email,
    read_expiry,
    read_intent_data,
    read_line_items,
    read_url,
)
from tests.fakes.stripe.disputes import open_dispute
from tests.fakes.stripe.errors import ApiError, malformed, refused
from tests.fakes.stripe.params import Params
from tests.fakes.stripe.payments import charge_card, ensure_intent, settle_bank_debit, start_bank_debit
from tests.fakes.stripe.state import Json, State, new_id

LOCALES = ("auto", "en", "en-GB", "es", "es-419")
METHODS = ("card", "us_bank_account")
_LOOKS = (
    "adaptive_pricing",
    "billing_address_collection",
    "branding_settings",
    "custom_text",
    "customer_creation",
    "integration_identifier",
    "name_collection",
    "origin_context",
    "payment_method_options",
    "phone_number_collection",
    "wallet_options",
)


def create_session(state: State, params: Params) -> Json:
    """POST /v1/checkout/sessions for `mode=payment` on the hosted page.

    Prices come inline as `price_data`; there are no stored prices, customers or subscriptions here. Anything not
    modelled is refused as an unknown parameter rather than silently accepted.
    """
    mode = params.choice("mode", ("payment", "setup", "subscription"))
    if mode != "payment":
        raise malformed("Only `payment` mode is modelled by this simulator.", param="mode")
    if params.choice("ui_mode", ("hosted_page", "embedded_page", "elements", "form")) not in (None, "hosted_page"):
        raise malformed("Only the hosted page is modelled by this simulator.", param="ui_mode")
    success_url, cancel_url = read_url(params, "success_url"), read_url(params, "cancel_url")
    if success_url is None:
        raise params.absent("success_url")
    currency, items = read_line_items(params)
    reference = params.text("client_reference_id", limit=200)
    email = read_email(params)
    locale = params.choice("locale", LOCALES)
    submit_type = params.choice("submit_type", ("auto", "book", "donate", "pay"))
    metadata, data = params.metadata(), read_intent_data(params)
    methods = params.strings("payment_method_types") or ["card"]
    if any(method not in METHODS for method in methods):
        raise malformed(
            f"Invalid payment_method_types: must be among {', '.join(METHODS)}", param="payment_method_types"
        )
    expires_at = read_expiry(state, params)
    params.ignore(*_LOOKS)
    paths = params.strings("expand")
    params.finish()
    total = sum(item["amount_total"] for item in items)
    if currency == "usd" and total < 50:
        raise refused(
            "The Checkout Session's total amount due must add up to at least $0.50 usd", code="amount_too_small"
        )
    identifier = new_id("cs_test_a1", 56)
    session = state.add(
        {
            "id": identifier,
            "object": "checkout.session",
            "amount_subtotal": total,
            "amount_total": total,
            "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
            "cancel_url": cancel_url,
            "client_reference_id": reference,
            "created": state.now(),
            "currency": currency,
            "customer": None,
            "customer_details": None,
            "customer_email": email,
            "expires_at": expires_at,
            "invoice": None,
            "livemode": False,
            "locale": locale,
            "metadata": metadata,
            "mode": "payment",
            "payment_intent": None,
            "payment_method_types": methods,
            "payment_status": "unpaid",
            "status": "open",
            "submit_type": submit_type,
            "subscription": None,
            "success_url": success_url,
            "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
            "ui_mode": "hosted_page",
            "url": page_url(state, identifier),
        },
        line_items=plain_list(items, f"/v1/checkout/sessions/{identifier}/line_items"),
        payment_intent_data=data,
    )
    return expanded(state, session, paths)


def page_url(state: State, session_id: str) -> str:
    return f"{state.base_url}/c/pay/{session_id}"


def move_pages(state: State) -> None:
    """Give open sessions their address anew, for a fake that came back on another port."""
    with state.lock:
        for session in state.every("checkout.session"):
            if session["status"] == "open":
                session["url"] = page_url(state, session["id"])


def pay(state: State, session_id: str, card: Card, *, email: str | None = None, name: str | None = None) -> Json:
    """A payer confirms with a card. Returns the charge, succeeded or failed.

    Success completes the session and emits its events; a decline leaves it open for another try. A session that is
    complete or expired takes no further money: ApiError 400.
    """
    with state.lock:
        session = open_session(state, session_id)
        intent = ensure_intent(state, session)
        charge = charge_card(state, intent, card, email=email or session["customer_email"], name=name)
        if charge["status"] == "succeeded":
            _complete(state, session, charge, payment_status="paid")
            if card.dispute_reason is not None:
                open_dispute(state, charge["id"], reason=card.dispute_reason)
        return charge


def pay_by_bank(state: State, session_id: str, *, email: str | None = None, name: str | None = None) -> Json:
    """A payer confirms a bank debit: the session is complete but unpaid until `settle` says how it ended."""
    with state.lock:
        session = open_session(state, session_id)
        if "us_bank_account" not in session["payment_method_types"]:
            raise refused("This Checkout Session does not accept bank debits.")
        intent = ensure_intent(state, session)
        charge = start_bank_debit(state, intent, email=email or session["customer_email"], name=name)
        _complete(state, session, charge, payment_status="unpaid")
        return charge


def settle(state: State, session_id: str, *, succeeded: bool) -> Json:
    """Control call: the bank debit of a complete, unpaid session succeeds or fails. Emits `async_payment_*`."""
    with state.lock:
        session = state.get("checkout.session", session_id)
        if session["status"] != "complete" or session["payment_status"] != "unpaid":
            raise ApiError(400, "Only a session with a bank debit under way can be settled.")
        intent = state.get("payment_intent", session["payment_intent"])
        if intent["status"] != "processing":
            raise ApiError(400, "This bank debit has already ended.")
        settle_bank_debit(state, intent, succeeded=succeeded)
        if succeeded:
            session["payment_status"] = "paid"
        state.emit(f"checkout.session.async_payment_{'succeeded' if succeeded else 'failed'}", session)
        return session


def open_session(state: State, session_id: str) -> Json:
    """The session if it can still be paid; ApiError 404 or 400 otherwise."""
    session = current_session(state, session_id)
    if session["status"] != "open":
        raise refused(f"This Checkout Session has a status of `{session['status']}` and cannot be paid.")
    return session


def current_session(state: State, session_id: str) -> Json:
    """The session, expired first if its time has come; ApiError 404 if unknown."""
    session = state.get("checkout.session", session_id, param="session")
    if session["status"] == "open" and session["expires_at"] <= state.now():
        expire(state, session_id)
    return session


def expire(state: State, session_id: str) -> Json:
    """End an open session unpaid. ApiError 400 when it is not open."""
    with state.lock:
        session = state.get("checkout.session", session_id, param="session")
        if session["status"] != "open":
            raise refused(
                'Only Checkout Sessions with a status in ["open"] can be expired. '
                f"This Checkout Session has a status of `{session['status']}`."
            )
        session.update(status="expired", url=None)
        state.emit("checkout.session.expired", session)
        return session


def expire_due(state: State) -> None:
    """Expire every open session whose time has come by the fake's clock."""
    with state.lock:
        for session in state.every("checkout.session"):
            current_session(state, session["id"])


def expire_session(state: State, params: Params, identifier: str) -> Json:
    paths = params.strings("expand")
    params.finish()
    return expanded(state, expire(state, identifier), paths)


def retrieve_session(state: State, params: Params, identifier: str) -> Json:
    paths = params.strings("expand")
    params.finish()
    return expanded(state, current_session(state, identifier), paths)


def list_sessions(state: State, params: Params) -> Json:
    filters = {name: params.text(name) for name in ("payment_intent", "status", "customer")}
    details = params.child("customer_details")
    filters["customer_details.email"] = details.text("email") if details is not None else None
    return page_of(state, "checkout.session", "/v1/checkout/sessions", params, filters)


def list_line_items(state: State, params: Params, identifier: str) -> Json:
    params.ignore("limit")
    params.finish()
    state.get("checkout.session", identifier, param="session")
    items: Json = state.private[identifier]["line_items"]
    return items


def _complete(state: State, session: Json, charge: Json, *, payment_status: str) -> None:
    details = charge["billing_details"] | {"tax_exempt": "none", "tax_ids": []}
    session.update(status="complete", payment_status=payment_status, customer_details=details, url=None)
    state.emit("checkout.session.completed", session)
