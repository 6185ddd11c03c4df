"""The parameters of a new Checkout Session, read and checked as Stripe checks them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from tests.fakes.stripe.errors import malformed
from tests.fakes.stripe.params import Params
from tests.fakes.stripe.state import Json, State, new_id

HALF_HOUR, DAY = 30 * 60, 24 * 3600


def read_url(params: Params, key: str) -> str | None:
    value = params.text(key)
    if value is None:
        return None
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise malformed("Not a valid URL", code="url_invalid", param=key)
    return value


def read_email(params: Params) -> str | None:
    value = params.text("customer_email", limit=800)
    if value is not None and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value):
        raise malformed(f"Invalid email address: {value}", code="email_invalid", param="customer_email")
    return value


def read_expiry(state: State, params: Params) -> int:
    value = params.integer("expires_at")
    if value is None:
        return state.now() + DAY
    # A second of grace each way: the caller computed the time before it sent the request.
    if value < state.now() + HALF_HOUR - 1:
        message = "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."
        raise malformed(message, param="expires_at")
    if value > state.now() + DAY + 1:
        message = "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."
        raise malformed(message, param="expires_at")
    return value


def read_intent_data(params: Params) -> Json:
    given = params.child("payment_intent_data") or Params({})
    data: Json = {
        name: given.text(name)
        for name in ("description", "receipt_email", "statement_descriptor", "statement_descriptor_suffix")
    }
    given.choice("capture_method", ("automatic", "automatic_async"))
    return data | {"metadata": given.metadata()}


def read_line_items(params: Params) -> tuple[str, list[Json]]:
    given = params.items("line_items")
    if not given:
        raise params.absent("line_items")
    items = [read_line_item(item) for item in given]
    currencies = {item["currency"] for item in items}
    if len(currencies) > 1:
        raise malformed("All line items must have the same currency.", param="line_items")
    return currencies.pop(), items


def read_line_item(item: Params) -> Json:
    price = item.child("price_data")
    if price is None:
        raise item.absent("price_data")
    product = price.child("product_data")
    if product is None:
        raise price.absent("product_data")
    name, description = product.required("name"), product.text("description")
    product.metadata()
    product.strings("images")
    currency = price.required("currency")
    if not re.fullmatch(r"[a-z]{3}", currency.lower()):
        raise malformed(f"Invalid currency: {currency}.", param=price.name("currency"))
    unit_amount, quantity = price.integer("unit_amount"), item.integer("quantity", minimum=1)
    if unit_amount is None:
        raise price.absent("unit_amount")
    if quantity is None:
        raise item.absent("quantity")
    total = unit_amount * quantity
    return {
        "id": new_id("li_"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": total,
        "amount_tax": 0,
        "amount_total": total,
        "currency": currency.lower(),
        "description": name,
        "price": {"object": "price", "currency": currency.lower(), "type": "one_time", "unit_amount": unit_amount},
        "product_description": description,
        "quantity": quantity,
    }
