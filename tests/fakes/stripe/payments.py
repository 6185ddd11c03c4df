"""Payment intents, charges and the balance: what happens to money once a payer confirms."""

from __future__ import annotations

from tests.fakes.stripe.answers import expanded, page_of
from tests.fakes.stripe.cards import Card
from tests.fakes.stripe.params import Params
from tests.fakes.stripe.state import Json, State, new_id

MESSAGES = {
    "card_declined": "Your card was declined.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
}
_ZERO_DECIMAL = {
    "bif",
    "clp",
    "djf",
    "gnf",
    "jpy",
    "kmf",
    "krw",
    "mga",
    "pyg",
    "rwf",
    "vnd",
    "vuv",
    "xaf",
    "xof",
    "xpf",
}
_THREE_DECIMAL = {"bhd", "jod", "kwd", "omr", "tnd"}


def format_amount(amount: int, currency: str) -> str:
    """Minor units as people read them: `$50.00`, `¥500`, `12.500 KWD`."""
    decimals = 0 if currency in _ZERO_DECIMAL else 3 if currency in _THREE_DECIMAL else 2
    whole, part = divmod(amount, 10**decimals)
    digits = f"{whole:,}" + (f".{part:0{decimals}d}" if decimals else "")
    sign = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "inr": "₹"}.get(currency)
    return f"{sign}{digits}" if sign else f"{digits} {currency.upper()}"


def ensure_intent(state: State, session: Json) -> Json:
    """The session's payment intent, made at the first attempt to pay: until then a session has none."""
    if session["payment_intent"]:
        return state.get("payment_intent", session["payment_intent"])
    data = state.private[session["id"]]["payment_intent_data"]
    identifier = new_id("pi_")
    intent = state.add(
        {
            "id": identifier,
            "object": "payment_intent",
            "amount": session["amount_total"],
            "amount_capturable": 0,
            "amount_received": 0,
            "canceled_at": None,
            "cancellation_reason": None,
            "capture_method": "automatic_async",
            "client_secret": f"{identifier}_secret_{new_id('', 25)}",
            "confirmation_method": "automatic",
            "created": state.now(),
            "currency": session["currency"],
            "customer": None,
            "description": data["description"],
            "last_payment_error": None,
            "latest_charge": None,
            "livemode": False,
            "metadata": dict(data["metadata"]),
            "next_action": None,
            "payment_method": None,
            "payment_method_types": list(session["payment_method_types"]),
            "receipt_email": data["receipt_email"],
            "statement_descriptor": data["statement_descriptor"],
            "statement_descriptor_suffix": data["statement_descriptor_suffix"],
            "status": "requires_payment_method",
        },
        session=session["id"],
    )
    session["payment_intent"] = intent["id"]
    state.emit("payment_intent.created", intent)
    return intent


def charge_card(state: State, intent: Json, card: Card, *, email: str | None, name: str | None) -> Json:
    """Try the card once. Makes one charge, failed or succeeded, updates the intent and emits the events of both."""
    method = {
        "type": "card",
        "card": {"brand": card.brand, "country": "US", "exp_month": 12, "exp_year": 2034, "funding": "credit"}
        | {"last4": card.last4, "network": card.brand},
    }
    charge = _new_charge(state, intent, method, email=email, name=name, refund_status=card.refund_status)
    if card.error_code is not None:
        _fail(state, intent, charge, card.error_code, card.decline_code)
    else:
        _succeed(state, intent, charge)
    return charge


def start_bank_debit(state: State, intent: Json, *, email: str | None, name: str | None) -> Json:
    """Begin a delayed payment: the charge is pending and the intent processing until `settle_bank_debit`."""
    method = {"type": "us_bank_account", "us_bank_account": {"bank_name": "STRIPE TEST BANK", "last4": "6789"}}
    charge = _new_charge(state, intent, method, email=email, name=name, refund_status="succeeded")
    charge["status"] = "pending"
    intent.update(status="processing", latest_charge=charge["id"], payment_method=charge["payment_method"])
    state.emit("payment_intent.processing", intent)
    return charge


def settle_bank_debit(state: State, intent: Json, *, succeeded: bool) -> None:
    """End a delayed payment; the caller has checked that the intent is processing."""
    charge = state.get("charge", intent["latest_charge"])
    if succeeded:
        _succeed(state, intent, charge)
    else:
        _fail(state, intent, charge, "payment_intent_payment_attempt_failed", None)


def _new_charge(
    state: State, intent: Json, method: Json, *, email: str | None, name: str | None, refund_status: str
) -> Json:
    identifier = new_id("ch_")
    return state.add(
        {
            "id": identifier,
            "object": "charge",
            "amount": intent["amount"],
            "amount_captured": 0,
            "amount_refunded": 0,
            "balance_transaction": None,
            "billing_details": {"address": None, "email": email, "name": name, "phone": None},
            "captured": False,
            "created": state.now(),
            "currency": intent["currency"],
            "customer": None,
            "description": intent["description"],
            "disputed": False,
            "failure_code": None,
            "failure_message": None,
            "livemode": False,
            "metadata": dict(intent["metadata"]),
            "outcome": None,
            "paid": False,
            "payment_intent": intent["id"],
            "payment_method": new_id("pm_"),
            "payment_method_details": method,
            "receipt_email": intent["receipt_email"],
            "receipt_url": f"{state.base_url}/receipts/{identifier}",
            "refunded": False,
            "status": "pending",
        },
        refund_status=refund_status,
    )


def _succeed(state: State, intent: Json, charge: Json) -> None:
    amount = charge["amount"]
    fee = (amount * 29 + 500) // 1000 + 30
    entry = post_balance(state, amount=amount, fee=fee, kind="charge", source=charge["id"], currency=charge["currency"])
    outcome = {"network_status": "approved_by_network", "risk_level": "normal", "type": "authorized"}
    charge.update(status="succeeded", paid=True, captured=True, amount_captured=amount, outcome=outcome)
    charge["balance_transaction"] = entry["id"]
    intent.update(status="succeeded", amount_received=amount, last_payment_error=None)
    intent.update(latest_charge=charge["id"], payment_method=charge["payment_method"])
    state.emit("charge.succeeded", charge)
    state.emit("payment_intent.succeeded", intent)


def _fail(state: State, intent: Json, charge: Json, code: str, decline_code: str | None) -> None:
    message = MESSAGES.get(code, "The payment failed.")
    outcome = {"network_status": "declined_by_network", "reason": decline_code or code, "type": "issuer_declined"}
    charge.update(status="failed", failure_code=code, failure_message=message, outcome=outcome)
    error = {"charge": charge["id"], "code": code, "decline_code": decline_code, "message": message}
    error["type"] = "card_error" if charge["payment_method_details"]["type"] == "card" else "invalid_request_error"
    intent.update(status="requires_payment_method", last_payment_error=error, latest_charge=charge["id"])
    intent["payment_method"] = None
    state.emit("charge.failed", charge)
    state.emit("payment_intent.payment_failed", intent)


def post_balance(state: State, *, amount: int, fee: int, kind: str, source: str, currency: str) -> Json:
    """Add a balance transaction; `amount` is positive for money in, `net` is amount minus fee, all in minor units."""
    fees = [{"amount": fee, "application": None, "currency": currency, "description": "Fees", "type": "stripe_fee"}]
    return state.add(
        {
            "id": new_id("txn_"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": state.now() + 2 * 86_400,
            "balance_type": "payments",
            "created": state.now(),
            "currency": currency,
            "description": None,
            "exchange_rate": None,
            "fee": fee,
            "fee_details": fees if fee else [],
            "net": amount - fee,
            "reporting_category": "dispute" if kind == "adjustment" else kind,
            "source": source,
            "status": "pending",
            "type": kind,
        }
    )


def retrieve_intent(state: State, params: Params, identifier: str) -> Json:
    return _retrieve(state, params, "payment_intent", identifier, "intent")


def list_intents(state: State, params: Params) -> Json:
    return page_of(state, "payment_intent", "/v1/payment_intents", params, {"customer": params.text("customer")})


def retrieve_charge(state: State, params: Params, identifier: str) -> Json:
    return _retrieve(state, params, "charge", identifier, "charge")


def list_charges(state: State, params: Params) -> Json:
    filters = {"payment_intent": params.text("payment_intent"), "customer": params.text("customer")}
    return page_of(state, "charge", "/v1/charges", params, filters)


def retrieve_balance_transaction(state: State, params: Params, identifier: str) -> Json:
    return _retrieve(state, params, "balance_transaction", identifier, "id")


def list_balance_transactions(state: State, params: Params) -> Json:
    filters = {name: params.text(name) for name in ("type", "source", "currency")}
    return page_of(state, "balance_transaction", "/v1/balance_transactions", params, filters)


def _retrieve(state: State, params: Params, kind: str, identifier: str, param: str) -> Json:
    paths = params.strings("expand")
    params.finish()
    return expanded(state, state.get(kind, identifier, param=param), paths)
