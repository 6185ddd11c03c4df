"""The hosted payment page: plain HTML forms, no script, usable at 320 px and with a keyboard."""

from __future__ import annotations

from html import escape

from tests.fakes.stripe.payments import format_amount
from tests.fakes.stripe.state import Json

Words = dict[str, str]

_STYLE = """
:root { --ink: #1b2333; --soft: #55607a; --line: #c9d0de; --paper: #fff; --ground: #eef1f7; --deep: #3b33b5;
  --warn: #7a4300; --warn-ground: #fff1d6; --bad: #a3122b; --bad-ground: #fdecef; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
.ribbon { background: var(--warn-ground); color: var(--warn); border-bottom: 2px solid #e0a33a;
  padding: .75rem 1rem; text-align: center; }
.ribbon strong { display: block; font-size: 1.05rem; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; display: grid; gap: 1rem;
  grid-template-columns: minmax(0, 1fr); }
.card { background: var(--paper); border: 1px solid var(--line); border-radius: 12px; padding: 1.25rem; }
h1 { font-size: 1.1rem; margin: 0 0 .75rem; } h2 { font-size: 1rem; margin: 1.5rem 0 .75rem; }
.amount { font-size: 2.25rem; font-weight: 700; line-height: 1.2; margin: 0 0 1rem;
  font-variant-numeric: tabular-nums; }
.lines { list-style: none; margin: 0; padding: 0; }
.lines li { display: flex; justify-content: space-between; gap: 1rem; padding: .6rem 0;
  border-top: 1px solid var(--line); }
.lines li > span:last-child { white-space: nowrap; font-variant-numeric: tabular-nums; }
.lines .total { font-weight: 700; } .soft { color: var(--soft); font-size: .9rem; }
label { display: block; font-weight: 600; margin: .9rem 0 .3rem; } form > label:first-child { margin-top: 0; }
input { width: 100%; font: inherit; padding: .65rem .75rem; border: 1px solid #7d879c; border-radius: 8px;
  background: #fff; color: inherit; min-height: 44px; }
.pair { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: .75rem; align-items: end; }
button, .button { display: block; width: 100%; min-height: 44px; margin-top: .6rem; padding: .65rem 1rem;
  border: 1px solid #7d879c; border-radius: 8px; background: #fff; color: var(--ink); font: inherit; font-weight: 600;
  text-align: center; text-decoration: none; cursor: pointer; }
button:hover, .button:hover { background: #f4f5fb; }
.main { background: var(--deep); border-color: var(--deep); color: #fff; margin-top: 1.25rem; padding: .8rem 1rem; }
.main:hover { background: #2c2590; }
.link { border-color: transparent; color: var(--deep); background: none; }
:focus-visible { outline: 3px solid #8a83ff; outline-offset: 2px; }
.error { background: var(--bad-ground); color: var(--bad); border: 1px solid #e3a1ad; border-radius: 8px;
  padding: .7rem .9rem; margin: 0 0 .5rem; font-weight: 600; }
@media (min-width: 50rem) { main { padding: 2rem 1rem; }
  .two { grid-template-columns: minmax(0, 5fr) minmax(0, 6fr); align-items: start; } .narrow { max-width: 34rem; } }
"""


def payment_page(session: Json, items: list[Json], error: str | None, language: str, words: Words) -> str:
    """The form for an open session. `error` is the code of the last refusal, shown above the form."""
    amount = format_amount(session["amount_total"], session["currency"])
    return _document(
        language,
        words,
        "two",
        f'<section class="card" aria-labelledby="order">{_order(items, amount, words)}</section>'
        f'<section class="card">{_form(session, amount, error, words)}</section>',
    )


def notice_page(key: str, link: str | None, language: str, words: Words) -> str:
    """A page that only says something: `left`, `complete`, `expired` or `unknown`, with a way back if there is one."""
    back = f'<a class="button" href="{escape(link)}">{escape(words["return"])}</a>' if link else ""
    text = f"<h1>{escape(words[key])}</h1><p>{escape(words[key + '_more'])}</p>{back}"
    return _document(language, words, "narrow", f'<section class="card">{text}</section>')


def _order(items: list[Json], amount: str, words: Words) -> str:
    rows = "".join(_row(item, words) for item in items)
    total = f'<li class="total"><span>{escape(words["total"])}</span><span>{escape(amount)}</span></li>'
    return (
        f'<h1 id="order">{escape(words["order"])}</h1>'
        f'<p class="amount" data-testid="amount">{escape(amount)}</p>'
        f'<ul class="lines">{rows}{total}</ul>'
    )


def _row(item: Json, words: Words) -> str:
    detail = item["product_description"] or ""
    if item["quantity"] > 1:
        detail = f"{words['quantity']} {item['quantity']}. {detail}".strip()
    more = f'<br><span class="soft">{escape(detail)}</span>' if detail else ""
    price = format_amount(item["amount_total"], item["currency"])
    return f"<li><span>{escape(item['description'])}{more}</span><span>{escape(price)}</span></li>"


def _form(session: Json, amount: str, error: str | None, words: Words) -> str:
    alert = f'<p class="error" role="alert">{escape(words[error])}</p>' if error else ""
    email = session["customer_email"] or ""
    fixed = " readonly" if email else ""
    outcomes = [
        ("pay_success", ""),
        ("pay_declined", ""),
        ("pay_and_leave", ""),
        ("pay_then_dispute", ""),
    ]
    if "us_bank_account" in session["payment_method_types"]:
        outcomes.append(("pay_by_bank", ""))
    if session["cancel_url"]:
        outcomes.append(("cancel", ' class="link"'))
    buttons = "".join(_button(action, words[action], extra + " formnovalidate") for action, extra in outcomes)
    return (
        f'{alert}<form method="post" autocomplete="off">'
        + _field("email", words["email"], email, f'type="email" required{fixed}')
        + _field("card_number", words["card_number"], "4242 4242 4242 4242", 'inputmode="numeric" required')
        + '<div class="pair"><div>'
        + _field("expiry", words["expiry"], "12 / 34", 'inputmode="numeric" required')
        + "</div><div>"
        + _field("cvc", words["cvc"], "123", 'inputmode="numeric" required')
        + "</div></div>"
        + _field("name", words["name"], "", 'type="text"')
        + _button("pay", words["pay"].format(amount=amount), ' class="main"')
        + f"<h2>{escape(words['outcomes'])}</h2>{buttons}</form>"
    )


def _field(name: str, label: str, value: str, attributes: str) -> str:
    return (
        f'<label for="{name}">{escape(label)}</label>'
        f'<input id="{name}" name="{name}" value="{escape(value)}" autocomplete="off" {attributes}>'
    )


def _button(action: str, label: str, attributes: str) -> str:
    return f'<button name="action" value="{action}"{attributes}>{escape(label)}</button>'


def _document(language: str, words: Words, layout: str, content: str) -> str:
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="robots" content="noindex"><link rel="icon" href="data:,">'
        f"<title>{escape(words['title'])}</title><style>{_STYLE}</style></head><body>"
        f'<div class="ribbon" role="note"><strong>{escape(words["ribbon"])}</strong>'
        f"{escape(words['ribbon_more'])}</div>"
        f'<main class="{layout}">{content}</main></body></html>'
    )
