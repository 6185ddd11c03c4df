"""The control API under /_control/: the same calls as FakeStripe's methods, as JSON, for another process."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.fakes.stripe import cards
from tests.fakes.stripe.errors import ApiError
from tests.fakes.stripe.faults import Fault
from tests.fakes.stripe.http_types import Request, Response, json_response
from tests.fakes.stripe.state import Json

if TYPE_CHECKING:
    from tests.fakes.stripe.fake import FakeStripe

PREFIX = "/_control/"
Action = Callable[["FakeStripe", Json], Any]


def _knobs(fake: FakeStripe, given: Json) -> Json:
    fake.knobs.update(given)
    return fake.knobs.as_dict()


def _webhook(fake: FakeStripe, given: Json) -> Json:
    fake.sender.url = given.get("url", fake.sender.url)
    fake.sender.secret = fake.webhook_secret = given.get("secret", fake.webhook_secret)
    return {"url": fake.sender.url}


def _resend(fake: FakeStripe, given: Json) -> Json:
    fake.resend(given["event"], copies=given.get("copies", 1), changes=given.get("changes"))
    return {}


def _fault(fake: FakeStripe, given: Json) -> list[Json]:
    fake.faults.add(Fault(**given))
    return fake.faults.as_list()


def _clear_faults(fake: FakeStripe, given: Json) -> Json:
    fake.faults.clear()
    return {}


def _pay(fake: FakeStripe, given: Json) -> Json:
    return fake.pay(given["session"], card=given.get("card", cards.SUCCESS), email=given.get("email"))


def _dispute(fake: FakeStripe, given: Json) -> Json:
    return fake.dispute(given["payment"], reason=given.get("reason", "fraudulent"), amount=given.get("amount"))


def _clock(fake: FakeStripe, given: Json) -> Json:
    fake.advance(given["advance"])
    return {"now": fake.clock.now()}


def _simple(name: str) -> Action:
    def run(fake: FakeStripe, given: Json) -> Json:
        getattr(fake, name)()
        return {}

    return run


GET: dict[str, Action] = {
    "": lambda fake, _: {"url": fake.url, "get": sorted(GET), "post": sorted(POST)},
    "book": lambda fake, _: fake.book(),
    "knobs": lambda fake, _: fake.knobs.as_dict(),
    "faults": lambda fake, _: fake.faults.as_list(),
}
POST: dict[str, Action] = {
    "knobs": _knobs,
    "webhook": _webhook,
    "pause": _simple("pause"),
    "resume": _simple("resume"),
    "flush": _simple("flush"),
    "reset": _simple("reset"),
    "resend": _resend,
    "faults": _fault,
    "faults/clear": _clear_faults,
    "pay": _pay,
    "settle": lambda fake, given: fake.settle(given["session"], succeeded=given.get("succeeded", True)),
    "expire": lambda fake, given: fake.expire(given["session"]),
    "dispute": _dispute,
    "dispute/end": lambda fake, given: fake.end_dispute(given["dispute"], won=given["won"]),
    "refund/finish": lambda fake, given: fake.finish_refund(given["refund"], given["status"]),
    "clock": _clock,
    "wait": lambda fake, given: {"idle": fake.wait_idle(given.get("timeout", 10.0))},
}


def handle(fake: FakeStripe, request: Request) -> Response:
    """GET or POST /_control/<action>; a POST takes a JSON object and must say so in its content type.

    The content type keeps web pages out: a browser does not send JSON to another origin without asking. Errors are
    HTTP 400 with `error`, 404 for an unknown action or object, 403 for a request that is not meant for this host.
    """
    host = request.headers.get("host", "").rpartition(":")[0] or request.headers.get("host", "")
    if host not in ("127.0.0.1", "localhost"):
        return json_response(403, {"error": "The control API answers on loopback only."})
    action = (POST if request.method == "POST" else GET).get(request.path.removeprefix(PREFIX))
    if action is None:
        return json_response(404, {"error": f"No such control action: {request.method} {request.path}"})
    try:
        return json_response(200, action(fake, _given(request)))
    except ApiError as error:
        return json_response(error.status, {"error": error.message})
    except KeyError as missing:
        return json_response(400, {"error": f"missing: {missing}"})
    except (TypeError, ValueError) as problem:
        return json_response(400, {"error": str(problem)})


def _given(request: Request) -> Json:
    if request.method != "POST":
        return {}
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise ValueError("send JSON with content type application/json")
    given = json.loads(request.body or b"{}")
    if not isinstance(given, dict):
        raise TypeError("send a JSON object")
    return given
