"""What an object looks like in an answer: expansion of ids, and lists with cursors and filters."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from tests.fakes.stripe.errors import malformed, missing_object
from tests.fakes.stripe.params import Params
from tests.fakes.stripe.state import Json, State

EXPANDABLE: dict[str, dict[str, tuple[str, ...]]] = {
    "checkout.session": {"payment_intent": ("payment_intent",), "customer": (), "invoice": (), "subscription": ()},
    "payment_intent": {"latest_charge": ("charge",), "customer": ()},
    "charge": {"payment_intent": ("payment_intent",), "balance_transaction": ("balance_transaction",), "customer": ()},
    "refund": {
        "charge": ("charge",),
        "payment_intent": ("payment_intent",),
        "balance_transaction": ("balance_transaction",),
        "failure_balance_transaction": ("balance_transaction",),
    },
    "dispute": {"charge": ("charge",), "payment_intent": ("payment_intent",)},
    "balance_transaction": {"source": ("charge", "refund", "dispute")},
    "event": {},
}


def plain_list(data: list[Json], url: str, *, has_more: bool = False) -> Json:
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def expanded(state: State, obj: Json, paths: Iterable[str]) -> Json:
    """A copy of `obj` with the named ids replaced by objects; ApiError 400 for a path that cannot be expanded."""
    result = copy.deepcopy(obj)
    for path in paths:
        if path.count(".") > 3:
            raise malformed("You cannot expand more than 4 levels of a property", param="expand")
        _expand(state, result, path, path)
    return result


def _expand(state: State, obj: Json, path: str, whole: str) -> None:
    field, _, rest = path.partition(".")
    if obj["object"] == "list" and field == "data" and rest:
        for item in obj["data"]:
            _expand(state, item, rest, whole)
        return
    kinds = EXPANDABLE.get(obj["object"], {}).get(field)
    if obj["object"] == "checkout.session" and field == "line_items":
        obj[field] = copy.deepcopy(state.private[obj["id"]]["line_items"])
    elif obj["object"] == "charge" and field == "refunds":
        refunds = [copy.deepcopy(item) for item in state.every("refund") if item["charge"] == obj["id"]]
        obj[field] = plain_list(refunds[::-1], f"/v1/charges/{obj['id']}/refunds")
    elif kinds is None:
        raise malformed(f"This property cannot be expanded ({whole}).", param="expand")
    elif isinstance(obj[field], str):
        found = (state.objects[kind].get(obj[field]) for kind in kinds)
        obj[field] = copy.deepcopy(next(item for item in found if item is not None))
    if rest and isinstance(obj[field], dict):
        _expand(state, obj[field], rest, whole)


def page_of(
    state: State,
    kind: str,
    url: str,
    params: Params,
    matches: dict[str, str | None],
    *,
    types: Iterable[str] = (),
) -> Json:
    """A page of a kind, newest first.

    `matches` are the endpoint's equality filters, already read (None means not given; a dotted name reaches into a
    nested object); `types` limits events to any of these. Reads `limit` (1 to 100, default 10), `starting_after`,
    `ending_before`, `created` and `expand`, and refuses anything left over.
    """
    limit = params.integer("limit", minimum=1) or 10
    after, before = params.text("starting_after"), params.text("ending_before")
    created = _created_bounds(params)
    paths = params.strings("expand")
    params.finish()
    if limit > 100:
        raise malformed("Limit cannot be larger than 100", code="parameter_invalid_integer", param="limit")
    wanted = set(types)
    rows = [row for row in reversed(state.every(kind)) if _fits(row, matches) and _in_bounds(row, created)]
    rows = [row for row in rows if not wanted or row["type"] in wanted]
    ids = [row["id"] for row in rows]
    for cursor, name in ((after, "starting_after"), (before, "ending_before")):
        if cursor is not None and cursor not in ids:
            raise missing_object(kind, cursor, name)
    if before is not None:
        end = ids.index(before)
        start = max(0, end - limit)
        chosen, more = rows[start:end], start > 0
    else:
        start = ids.index(after) + 1 if after is not None else 0
        chosen, more = rows[start : start + limit], start + limit < len(rows)
    return expanded(state, plain_list(chosen, url, has_more=more), paths)


def _created_bounds(params: Params) -> dict[str, int]:
    if params.is_text("created"):
        exact = params.integer("created") or 0
        return {"gte": exact, "lte": exact}
    bounds = params.child("created")
    if bounds is None:
        return {}
    found = {name: bounds.integer(name) for name in ("gt", "gte", "lt", "lte")}
    return {name: value for name, value in found.items() if value is not None}


def _in_bounds(row: Json, bounds: dict[str, int]) -> bool:
    at = row["created"]
    tests = {"gt": lambda v: at > v, "gte": lambda v: at >= v, "lt": lambda v: at < v, "lte": lambda v: at <= v}
    return all(tests[name](value) for name, value in bounds.items())


def _fits(row: Json, matches: dict[str, str | None]) -> bool:
    for name, wanted in matches.items():
        if wanted is None:
            continue
        value: Any = row
        for part in name.split("."):
            value = (value or {}).get(part)
        if value != wanted:
            return False
    return True
