"""The card gateway behind a small interface. Nothing else talks to Stripe."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import requests
import stripe
from django.conf import settings

from core import clock
from core.errors import DomainError
from core.outside import Line, NotAsked

# To connect, and from one byte to the next; the library asks again once. STRIPE_SECONDS limits all of it together.
TIMEOUT_SECONDS = 8
RETRIES = 1
TOLERANCE_SECONDS = 300
LARGEST_EVENT_BYTES = 1_000_000
MOST_MISSED = 1000
# The events we ask for and understand; others are kept and change nothing.
EVENT_TYPES = (
    "checkout.session.completed",
    "checkout.session.expired",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "charge.refunded",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
)
AnswerT = TypeVar("AnswerT")


class SignatureRefused(Exception):
    """The body of a webhook was not signed by our gateway, or not lately, or not for this mode."""


class OutcomeUnknown(Exception):
    """The gateway was asked and no answer can be relied on: ask again with the same key, or look.

    `remembered` means that it answered with a fault of its own, which it repeats for that key for 24 hours.
    """

    def __init__(self, what: str, *, remembered: bool = False) -> None:
        super().__init__(what)
        self.remembered = remembered


class Refused(Exception):
    """The gateway understood, did nothing, and said why."""


class KeyMisused(Exception):
    """The gateway knows this key with other words. Asking again cannot help, and neither may another key be tried:
    what the first words did has to be looked up."""


@dataclass(frozen=True, slots=True)
class CheckoutRequest:
    """What a hosted card page is opened for. `payment_id` names it, `key` makes asking twice harmless."""

    payment_id: str
    enrollment_id: str
    amount_cents: int
    currency: str
    label: str
    email: str
    locale: str
    success_url: str
    cancel_url: str
    key: str


def fingerprint(**facts: Any) -> str:
    """A short digest of what a request says: the gateway refuses a key that comes back with other words."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def is_configured() -> bool:
    """Whether clients can pay by card here."""
    return bool(settings.STRIPE_SECRET_KEY)


def _client() -> stripe.StripeClient:
    if not is_configured():
        raise DomainError("cards_not_available")
    return _client_for(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE)


@cache
def _client_for(key: str, base: str) -> stripe.StripeClient:
    bases: Any = {"api": base} if base else {}
    return stripe.StripeClient(
        key,
        base_addresses=bases,
        max_network_retries=RETRIES,
        http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS, session=requests.Session()),
    )


@cache
def _line(most: int, seconds: int) -> Line:
    return Line(most, seconds)


def _ask(call: Callable[[stripe.StripeClient], AnswerT]) -> AnswerT:
    """Ask the gateway. Refused when it understood and declined; OutcomeUnknown when the request may have been
    processed without us hearing of it: a cut answer surfaces as an error whose status says success, or none at all.
    KeyMisused when the key came with other words before."""
    client, line = _client(), _line(settings.STRIPE_MOST_AT_ONCE, settings.STRIPE_SECONDS)
    try:
        return line.call(lambda: call(client))
    except (TimeoutError, NotAsked) as error:
        raise OutcomeUnknown(type(error).__name__) from error
    except stripe.IdempotencyError as error:
        if error.http_status == 409:
            raise OutcomeUnknown("still under way") from error
        raise KeyMisused(str(error)) from error
    except stripe.StripeError as error:
        status = error.http_status or 0
        if 400 <= status < 500 and status not in (409, 429):
            raise Refused(str(error.user_message or error)) from error
        raise OutcomeUnknown(type(error).__name__, remembered=status >= 500) from error


def open_checkout(request: CheckoutRequest) -> dict[str, Any]:
    """A hosted card page for one payment: the session with `id` and `url`."""
    metadata = {"payment_id": request.payment_id, "enrollment_id": request.enrollment_id}
    parameters: Any = {
        "mode": "payment",
        "payment_method_types": ["card"],
        "client_reference_id": request.enrollment_id,
        "customer_email": request.email,
        "locale": request.locale,
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata},
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": request.currency.lower(),
                    "unit_amount": request.amount_cents,
                    "product_data": {"name": request.label},
                },
            }
        ],
        "success_url": request.success_url,
        "cancel_url": request.cancel_url,
    }
    options: Any = {"idempotency_key": request.key}
    return _ask(lambda client: client.v1.checkout.sessions.create(parameters, options)).to_dict()


def close_checkout(session_id: str) -> None:
    """Close a card page so that it cannot be paid any more. Refused when it was paid or closed already."""
    _ask(lambda client: client.v1.checkout.sessions.expire(session_id))


def session(session_id: str) -> dict[str, Any]:
    """A checkout session as it stands now, with its payment intent and charge."""
    expand: Any = {"expand": ["payment_intent.latest_charge"]}
    return _ask(lambda client: client.v1.checkout.sessions.retrieve(session_id, expand)).to_dict()


def intent(intent_id: str) -> dict[str, Any]:
    """A payment intent as it stands now, with its charge."""
    expand: Any = {"expand": ["latest_charge"]}
    return _ask(lambda client: client.v1.payment_intents.retrieve(intent_id, expand)).to_dict()


def refunds(intent_id: str) -> list[dict[str, Any]]:
    """Every refund of a payment intent, newest first."""
    query: Any = {"payment_intent": intent_id, "limit": 100}
    return [row.to_dict() for row in _ask(lambda client: client.v1.refunds.list(query)).data]


def disputes(intent_id: str) -> list[dict[str, Any]]:
    """Every dispute of a payment intent, newest first."""
    query: Any = {"payment_intent": intent_id, "limit": 100}
    return [row.to_dict() for row in _ask(lambda client: client.v1.disputes.list(query)).data]


def refund(intent_id: str, amount_cents: int, *, refund_id: str, key: str) -> dict[str, Any]:
    """Give `amount_cents` back; the same `key` never gives twice within a day. Refused when impossible."""
    parameters: Any = {
        "payment_intent": intent_id,
        "amount": amount_cents,
        "reason": "requested_by_customer",
        "metadata": {"refund_id": refund_id},
    }
    options: Any = {"idempotency_key": key}
    return _ask(lambda client: client.v1.refunds.create(parameters, options)).to_dict()


def answer_dispute(dispute_id: str, text: str, *, key: str) -> dict[str, Any]:
    """Send the bank our answer, for good. Refused when the dispute is over."""
    parameters: Any = {"evidence": {"uncategorized_text": text}, "submit": True}
    options: Any = {"idempotency_key": key}
    return _ask(lambda client: client.v1.disputes.update(dispute_id, parameters, options)).to_dict()


def accept_dispute(dispute_id: str, *, key: str) -> dict[str, Any]:
    """Give in: the dispute is lost for good. Refused when it is over."""
    options: Any = {"idempotency_key": key}
    return _ask(lambda client: client.v1.disputes.close(dispute_id, None, options)).to_dict()


def events_since(moment: dt.datetime) -> Iterator[dict[str, Any]]:
    """Events of the kinds we understand since `moment`, newest first, at most a thousand."""
    query: dict[str, Any] = {"created": {"gte": int(moment.timestamp())}, "types": list(EVENT_TYPES), "limit": 100}
    for _page in range(MOST_MISSED // 100):
        page = _events(query)
        for event in page.data:
            yield event.to_dict()
        if not page.has_more:
            return
        query["starting_after"] = page.data[-1].id


def _events(query: Any) -> Any:
    return _ask(lambda client: client.v1.events.list(query))


def verify(raw: bytes, signature: str) -> dict[str, Any]:
    """The event in a webhook's raw bytes, once its signature, age and mode hold; SignatureRefused otherwise.

    The library accepts time stamps of the future, so the age is checked both ways here.
    """
    if not settings.STRIPE_WEBHOOK_SECRET or len(raw) > LARGEST_EVENT_BYTES:
        raise SignatureRefused("no secret" if not settings.STRIPE_WEBHOOK_SECRET else "too large")
    if not signature.isascii():
        raise SignatureRefused("no signature")
    try:
        text = raw.decode()
        stripe.WebhookSignature.verify_header(text, signature, settings.STRIPE_WEBHOOK_SECRET, TOLERANCE_SECONDS)
        _check_age(signature)
        event = json.loads(text)
    except (stripe.SignatureVerificationError, UnicodeDecodeError, ValueError) as error:
        raise SignatureRefused(type(error).__name__) from error
    if not _is_event(event):
        raise SignatureRefused("not an event")
    if bool(event.get("livemode")) != settings.STRIPE_SECRET_KEY.startswith(("sk_live", "rk_live")):
        raise SignatureRefused("wrong mode")
    if event.get("account"):
        raise SignatureRefused("another account")
    return event


def _is_event(event: Any) -> bool:
    return (
        isinstance(event, dict)
        and event.get("object") == "event"
        and isinstance(event.get("id"), str)
        and isinstance(event.get("type"), str)
        and isinstance(event.get("created"), int)
        and isinstance(event.get("data"), dict)
        and isinstance(event["data"].get("object"), dict)
    )


def _check_age(signature: str) -> None:
    stamps = [part[2:] for part in signature.split(",") if part.startswith("t=")]
    age = abs(clock.now() - dt.datetime.fromtimestamp(int(stamps[0]), dt.UTC))
    if age.total_seconds() > TOLERANCE_SECONDS:
        raise SignatureRefused("too old or from the future")


def charges_between(since: dt.datetime, until: dt.datetime) -> Iterator[dict[str, Any]]:
    """Every charge made in the span, newest first, page by page. OutcomeUnknown, Refused."""
    yield from _book(lambda client: client.v1.charges, since, until)


def refunds_between(since: dt.datetime, until: dt.datetime) -> Iterator[dict[str, Any]]:
    """Every refund made in the span, newest first, page by page. OutcomeUnknown, Refused."""
    yield from _book(lambda client: client.v1.refunds, since, until)


def disputes_between(since: dt.datetime, until: dt.datetime) -> Iterator[dict[str, Any]]:
    """Every dispute opened in the span, newest first, page by page. OutcomeUnknown, Refused."""
    yield from _book(lambda client: client.v1.disputes, since, until)


def page_behind(intent_id: str) -> dict[str, Any] | None:
    """The card page on which an intent was paid; None when it was paid another way."""
    query: Any = {"payment_intent": intent_id, "limit": 1}
    found = _ask(lambda client: client.v1.checkout.sessions.list(query)).data
    return found[0].to_dict() if found else None


def _book(
    shelf: Callable[[stripe.StripeClient], Any], since: dt.datetime, until: dt.datetime
) -> Iterator[dict[str, Any]]:
    query: dict[str, Any] = {
        "created": {"gte": int(since.timestamp()), "lt": int(until.timestamp())}, "limit": 100,
    }  # fmt: skip
    while True:
        page = _page(shelf, query)
        for row in page.data:
            yield row.to_dict()
        if not page.has_more:
            return
        query = query | {"starting_after": page.data[-1].id}


def _page(shelf: Callable[[stripe.StripeClient], Any], query: dict[str, Any]) -> Any:
    return _ask(lambda client: shelf(client).list(query))
