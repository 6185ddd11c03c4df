"""Requests to the hosted page: show it, and do what the payer pressed."""

from __future__ import annotations

from urllib.parse import parse_qs

from tests.fakes.stripe import cards, checkout
from tests.fakes.stripe.errors import ApiError
from tests.fakes.stripe.http_types import Request, Response
from tests.fakes.stripe.page import notice_page, payment_page
from tests.fakes.stripe.page_text import words_for
from tests.fakes.stripe.state import Json, State

PREFIX = "/c/pay/"
_PRESETS = {
    "pay_success": cards.SUCCESS,
    "pay_declined": cards.DECLINED,
    "pay_and_leave": cards.SUCCESS,
    "pay_then_dispute": cards.DISPUTED,
}
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


def handle(state: State, request: Request) -> Response:
    """GET shows the page. POST `action` pays, declines, cancels or leaves, and redirects (303) where that leads.

    Actions: `pay` (with `card_number`), `pay_success`, `pay_declined`, `pay_and_leave`, `pay_then_dispute`,
    `pay_by_bank`, `cancel`. Pressing twice pays once: the second request finds the session complete.
    """
    session_id = request.path.removeprefix(PREFIX)
    with state.lock:
        try:
            session = checkout.current_session(state, session_id)
        except ApiError:
            return _notice("unknown", None, request, 404)
        if session["status"] == "expired":
            return _notice("expired", session["cancel_url"], request, 410, session)
        if request.method == "POST":
            return _press(state, session, request)
        if session["status"] == "complete":
            return _notice("complete", success_url(session), request, 200, session)
        return _show(state, session, request)


def success_url(session: Json) -> str:
    """Where a payer goes after paying, with the session's id in place of the placeholder."""
    url: str = session["success_url"]
    return url.replace("{CHECKOUT_SESSION_ID}", session["id"])


def _press(state: State, session: Json, request: Request) -> Response:
    form = {name: values[0].strip() for name, values in parse_qs(request.form).items()}
    action = form.get("action", "pay")
    if action == "cancel" and session["cancel_url"]:
        return _redirect(session["cancel_url"])
    if session["status"] == "complete":
        return _redirect(success_url(session))
    return _pay(state, session, action, form, request)


def _pay(state: State, session: Json, action: str, form: dict[str, str], request: Request) -> Response:
    payer = {"email": form.get("email"), "name": form.get("name")}
    if action == "pay_by_bank" and "us_bank_account" in session["payment_method_types"]:
        checkout.pay_by_bank(state, session["id"], **payer)
        return _redirect(success_url(session))
    card = cards.find_card(_PRESETS.get(action) or form.get("card_number", ""))
    if card is None:
        return _redirect(f"{request.path}?refused=unknown_card")
    charge = checkout.pay(state, session["id"], card, **payer)
    if charge["status"] != "succeeded":
        return _redirect(f"{request.path}?refused={charge['failure_code']}")
    if action == "pay_and_leave":
        return _notice("left", None, request, 200, session)
    return _redirect(success_url(session))


def _show(state: State, session: Json, request: Request) -> Response:
    language, words = _words(request, session)
    code = parse_qs(request.query).get("refused", [""])[0]
    items = state.private[session["id"]]["line_items"]["data"]
    html = payment_page(session, items, code if code in words else None, language, words)
    return Response(200, html.encode(), dict(_HEADERS))


def _notice(key: str, link: str | None, request: Request, status: int, session: Json | None = None) -> Response:
    language, words = _words(request, session)
    return Response(status, notice_page(key, link, language, words).encode(), dict(_HEADERS))


def _words(request: Request, session: Json | None) -> tuple[str, dict[str, str]]:
    return words_for(session["locale"] if session else None, request.headers.get("accept-language", ""))


def _redirect(url: str) -> Response:
    return Response(303, b"", {"Location": url, "Cache-Control": "no-store"})
