"""The /v1 API: authentication, idempotency, routing, faults and the request log."""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from tests.fakes.stripe import checkout, disputes, payments, refunds
from tests.fakes.stripe.answers import expanded, page_of
from tests.fakes.stripe.errors import ApiError
from tests.fakes.stripe.faults import Fault
from tests.fakes.stripe.http_types import Request, Response, json_response
from tests.fakes.stripe.idempotency import Idempotency
from tests.fakes.stripe.knobs import Knobs
from tests.fakes.stripe.params import Params, parse_form
from tests.fakes.stripe.state import API_VERSION, Json, State, new_id

log = logging.getLogger("fake_stripe")


def _retrieve_event(state: State, params: Params, identifier: str) -> Json:
    paths = params.strings("expand")
    params.finish()
    return expanded(state, state.get("event", identifier), paths)


def _list_events(state: State, params: Params) -> Json:
    one, several = params.text("type"), params.strings("types")
    return page_of(state, "event", "/v1/events", params, {"type": one}, types=several)


Endpoint = Callable[..., Json]
ROUTES: list[tuple[str, str, Endpoint]] = [
    ("POST", "/v1/checkout/sessions", checkout.create_session),
    ("GET", "/v1/checkout/sessions", checkout.list_sessions),
    ("GET", "/v1/checkout/sessions/{id}", checkout.retrieve_session),
    ("GET", "/v1/checkout/sessions/{id}/line_items", checkout.list_line_items),
    ("POST", "/v1/checkout/sessions/{id}/expire", checkout.expire_session),
    ("GET", "/v1/payment_intents", payments.list_intents),
    ("GET", "/v1/payment_intents/{id}", payments.retrieve_intent),
    ("GET", "/v1/charges", payments.list_charges),
    ("GET", "/v1/charges/{id}", payments.retrieve_charge),
    ("POST", "/v1/refunds", refunds.create_refund),
    ("GET", "/v1/refunds", refunds.list_refunds),
    ("GET", "/v1/refunds/{id}", refunds.retrieve_refund),
    ("GET", "/v1/disputes", disputes.list_disputes),
    ("GET", "/v1/disputes/{id}", disputes.retrieve_dispute),
    ("POST", "/v1/disputes/{id}", disputes.update_dispute),
    ("POST", "/v1/disputes/{id}/close", disputes.close_dispute),
    ("GET", "/v1/balance_transactions", payments.list_balance_transactions),
    ("GET", "/v1/balance_transactions/{id}", payments.retrieve_balance_transaction),
    ("GET", "/v1/events", _list_events),
    ("GET", "/v1/events/{id}", _retrieve_event),
]
_COMPILED = [
    (method, re.compile(path.replace("{id}", "([A-Za-z0-9_]+)")), endpoint) for method, path, endpoint in ROUTES
]


@dataclass
class Logged:
    """One API request as the book shows it; `answer_bytes` is the length of the whole raw answer, cut or not."""

    at: float
    request_id: str
    method: str
    path: str
    idempotency_key: str | None
    status: int
    replayed: bool
    fault: str | None
    answer_bytes: int


class Api:
    """Answers /v1 requests. Thread-safe: requests wait and answer in parallel, and execute one at a time."""

    def __init__(self, state: State, idempotency: Idempotency, knobs: Knobs, *, api_key: str) -> None:
        self._state = state
        self._idempotency = idempotency
        self._knobs = knobs
        self._api_key = api_key
        self._lock = threading.Lock()
        self._requests: list[Logged] = []

    def handle(self, request: Request, fault: Fault | None) -> Response:
        """The whole answer, with the fault's error in place of the real one. Cutting is the server's business."""
        request_id = new_id("req_", 14)
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        try:
            response = self._answer(request, request_id, key, fault)
        except ApiError as error:
            response = json_response(error.status, error.body())
        response.headers.update({"Request-Id": request_id, "Stripe-Version": API_VERSION})
        if key is not None:
            response.headers["Idempotency-Key"] = key
        self._note(request, request_id, key, response, fault)
        return response

    def requests(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(item) for item in self._requests]

    def clear(self) -> None:
        with self._lock:
            self._requests.clear()

    def _answer(self, request: Request, request_id: str, key: str | None, fault: Fault | None) -> Response:
        failing = fault if fault is not None and fault.kind == "status" else None
        if failing is not None and failing.effect == "none":
            return _injected(failing)
        self._authenticate(request)
        tree, pairs = parse_form(request.form)
        if key is not None:
            known = self._idempotency.begin(key, request.path, pairs, request_id)
            if known is not None:
                replayed = {"idempotent_replayed": "true", "original_request": known.request_id}
                if (known.status or 0) >= 500:
                    replayed["stripe_should_retry"] = "false"
                return json_response(known.status or 500, known.body, **replayed)
        response, executed = self._execute(request, request_id, key, tree, failing)
        if key is not None:
            if executed:
                self._idempotency.finish(key, response.status, response.body.decode())
            else:
                self._idempotency.abandon(key)
        return response

    def _execute(
        self, request: Request, request_id: str, key: str | None, tree: Json, failing: Fault | None
    ) -> tuple[Response, bool]:
        if self._knobs.api_delay:
            time.sleep(self._knobs.api_delay)
        if failing is not None and failing.effect == "stored":
            return _injected(failing), True
        try:
            with self._state.lock:
                self._state.cause = (request_id, key)
                try:
                    body = json.dumps(self._route(request, Params(tree)), indent=2, ensure_ascii=False)
                finally:
                    self._state.cause = (None, None)
        except ApiError as error:
            return json_response(error.status, error.body()), error.executed
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            crash = ApiError(500, "The simulator failed; its log has the traceback.", kind="api_error")
            return json_response(500, crash.body()), True
        return (_injected(failing) if failing is not None else json_response(200, body)), True

    def _route(self, request: Request, params: Params) -> Json:
        for method, pattern, endpoint in _COMPILED:
            match = pattern.fullmatch(request.path)
            if match is not None and method == request.method:
                return endpoint(self._state, params, *match.groups())
        message = f"Unrecognized request URL ({request.method}: {request.path})."
        raise ApiError(404, message, executed=False)

    def _authenticate(self, request: Request) -> None:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                value = b64decode(value).decode().partition(":")[0]
            except (Base64Error, UnicodeDecodeError):
                value = ""
        if not value:
            raise ApiError(401, "You did not provide an API key.", executed=False)
        if value != self._api_key:
            shown = f"{value[:8]}{'*' * 8}{value[-4:]}"
            raise ApiError(401, f"Invalid API Key provided: {shown}", executed=False)

    def _note(
        self, request: Request, request_id: str, key: str | None, response: Response, fault: Fault | None
    ) -> None:
        replayed = "Idempotent-Replayed" in response.headers
        entry = Logged(
            time.time(),
            request_id,
            request.method,
            request.path,
            key,
            response.status,
            replayed,
            fault.kind if fault is not None else None,
            len(response.raw()),
        )
        with self._lock:
            self._requests.append(entry)


def _injected(fault: Fault) -> Response:
    if fault.status == 429:
        error = ApiError(429, "Request rate limit exceeded.", code="rate_limit")
    else:
        kind = "api_error" if fault.status >= 500 else "invalid_request_error"
        error = ApiError(fault.status, "An error occurred with our connection to Stripe.", kind=kind)
    response = json_response(error.status, error.body())
    if fault.status >= 500 and fault.effect != "none":
        response.headers["Stripe-Should-Retry"] = "false"
    return response
