"""Ask for every cell, judge every answer, keep what was found."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.test import RequestFactory
from django.test.client import ClientHandler

from core import rls
from payments.models import BulkRefundLine
from tests.database import as_system
from tests.factories.names import World
from tests.matrix import ledger
from tests.matrix.bodies import Bodies
from tests.matrix.discovery import Act, discover
from tests.matrix.fill import address, key_of, learn_versions, model_of
from tests.matrix.objects import NO_ROW, Objects
from tests.matrix.oracles import Answer, judge
from tests.matrix.people import SEES_B, Person, everybody
from tests.matrix.policy import Policy
from tests.matrix.probe import ContextProbe
from tests.trials import ROOT

EVIDENCE = ROOT / "evidence" / "matrix.json"
Cell = tuple[Act, str, str]
Written = Callable[[], list[Any]]


@dataclass(slots=True)
class Result:
    """What a run found. `refused` counts the refusals of each POST; those of a POST that nobody did with success prove
    nothing, and are the `void_cells`."""

    acts: int = 0
    cells: int = 0
    void_cells: int = 0
    void: set[str] = field(default_factory=set)
    unlisted: list[str] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    queries: dict[str, int] = field(default_factory=dict)
    posted: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)


class Matrix:
    """One world, all roles, all acts. Everything it does is rolled back, one request after the other."""

    def __init__(self, world: World, objects: Objects, policy: Policy | None = None) -> None:
        self.acts = discover()
        self.objects = objects
        self.policy = policy or Policy()
        self.people = everybody(world)
        self.bodies = Bodies(world)
        self._handler = ClientHandler(enforce_csrf_checks=False)
        self._handler.load_middleware()
        self._make = RequestFactory(SERVER_NAME="testserver")
        with as_system():
            lines = objects.rows(BulkRefundLine, "mine")
            self._bulk_run = BulkRefundLine._base_manager.get(pk=lines[0]).run
        learn_versions()

    def cells(self) -> list[Cell]:
        """Every act with every role. A role that may do it somewhere meets every kind of row; one that may do it
        nowhere meets a row of tenant A, one of tenant B and none; one that may not come in, the first there is."""
        found: list[Cell] = []
        for act in self.acts:
            model = model_of(act)
            scopes = self.objects.scopes_of(model) if model is not None else [NO_ROW]
            for role in self.people:
                found += [(act, role, scope) for scope in self._worth_asking(act, role, scopes)]
        return found

    def _worth_asking(self, act: Act, role: str, scopes: list[str]) -> list[str]:
        verdicts = {self.policy.peek(act, role, scope) for scope in scopes}
        if verdicts <= {"login"}:
            return scopes[:1]
        if verdicts == {"deny"} and len(scopes) > 1:
            own = next((scope for scope in ("tenant", "firm", "mine", "platform") if scope in scopes), scopes[0])
            return [scope for scope in scopes if scope in {own, "foreign", "absent"}]
        return scopes

    def run(self, cells: list[Cell]) -> Result:
        """Ask for these cells and judge them."""
        result = Result(acts=len(self.acts), cells=len(cells))
        result.unlisted = [act.name for act in self.acts if not self.policy.names(act)]
        answers: dict[tuple[str, str], dict[str, Answer]] = defaultdict(dict)
        for act, role, scope in cells:
            self._one(result, answers, act, role, scope)
        self._compare(result, answers)
        result.violations += [f"the database itself: {table} {fault}" for table, fault in rls.faults().items()]
        worked = {name for name, times in result.posted.items() if times}
        result.void = {name for name in result.posted if name not in worked}
        result.void_cells = sum(result.refused.get(name, 0) for name in result.void)
        return result

    def _one(self, result: Result, answers: Any, act: Act, role: str, scope: str) -> None:
        person = self.people[role]
        answer = self.ask(act, person, scope)
        verdict = self.policy.verdict(act, role, scope)
        mark = f"{verdict} {answer.status}"
        result.statuses[mark] = result.statuses.get(mark, 0) + 1
        result.violations += [
            f"{act.name} as {role} on {scope}: {fault}" for fault in judge(act, person, scope, verdict, answer)
        ]
        if verdict == "allow":
            result.queries[act.name] = max(result.queries.get(act.name, 0), answer.queries)
            if act.verb == "POST":
                result.posted[act.name] = result.posted.get(act.name, 0) + bool(ledger.business(answer.changes))
        elif act.verb == "POST" and verdict not in {"open", "confirm"}:
            result.refused[act.name] = result.refused.get(act.name, 0) + 1
        answers[act.name, role][scope] = answer

    def _compare(self, result: Result, answers: dict[tuple[str, str], dict[str, Answer]]) -> None:
        """A role that may do it somewhere gets 404 elsewhere, and a foreign row answers like none, to the byte."""
        for (name, role), found in answers.items():
            act = next(act for act in self.acts if act.name == name)
            verdicts = {scope: self.policy.verdict(act, role, scope) for scope in found}
            may_somewhere = "allow" in verdicts.values()
            for scope, answer in found.items():
                wrong = may_somewhere and verdicts[scope] == "deny" and answer.status not in {404, 405}
                if wrong:
                    result.violations.append(f"{name} as {role} on {scope}: {answer.status} where 404 hides the row")
            hidden = role not in SEES_B and verdicts.get("foreign") in {"deny", "404"}
            if hidden and "absent" in found:
                one, other = found["foreign"].normal, found["absent"].normal
                if one != other:
                    result.violations.append(f"{name} as {role}: a foreign row does not answer like none")

    # --- one request ------------------------------------------------------------------------------------------------
    def ask(self, act: Act, person: Person, scope: str, body: dict[str, Any] | None = None) -> Answer:
        """One request in a savepoint of its own, undone afterwards."""
        with self.undone() as written:
            url, sent = self.made(act, person, scope, body)
            return self.answer(act.verb, url, sent, person, written)

    def answer(self, verb: str, url: str, body: dict[str, Any], person: Person, written: Written) -> Answer:
        """One request, to be undone by the caller, and what it did."""
        written()
        ContextProbe.seen.clear()
        counter = _Counter()
        with connection.execute_wrapper(counter):
            response = self.send(verb, url, body, person)
        return _answer(response, url, written(), counter.count, list(ContextProbe.seen))

    @contextmanager
    def undone(self) -> Iterator[Written]:
        """A savepoint that is undone in the end; calling what it yields tells what was written since the last call."""
        last = self._last()

        def written() -> list[Any]:
            nonlocal last
            found, last = self._since(last), self._last()
            return found

        with transaction.atomic():
            yield written
            transaction.set_rollback(True)

    def made(self, act: Act, person: Person, scope: str, body: dict[str, Any] | None) -> tuple[str, dict[str, Any]]:
        """The address and the body of one cell, `body` itself where one is given; its row is made ready for the act."""
        key = key_of(act, scope, self.objects) or ""
        if act.model is not None and (not key or scope in {"absent", "malformed"}):
            key = self._stand_in(act.model)
        if act.verb == "GET":
            return self._url(act, person, scope) + self._query(act), body or {}
        with as_system():
            row = self.bodies.prepare(act, key)
            sent = body if body is not None else self.bodies.body(act, key, row)
        return self._url(act, person, scope), sent

    def _stand_in(self, model: Any) -> str:
        """A row of tenant A, after which a body is made when the address names none."""
        kinds = ("tenant", "mine", "firm", "platform", "foreign")
        return next((rows[0] for kind in kinds if (rows := self.objects.rows(model, kind))), "")

    def _url(self, act: Act, person: Person, scope: str) -> str:
        found = address(act, scope, self.objects, person)
        if found is None:
            raise AssertionError(f"{act.name}: no row for {scope}")
        return found

    def _query(self, act: Act) -> str:
        if "filter" in act.detail:
            return f"?{act.detail['filter']}__id__exact={self.objects.world._rows['provider_b'][1]}"
        if "autocomplete" in act.detail:
            meta = act.model._meta
            name = act.detail["autocomplete"]
            return f"?app_label={meta.app_label}&model_name={meta.model_name}&field_name={name}&term="
        if act.what.startswith("page:bulk_report"):
            return f"?run={self._bulk_run}"
        if act.what == "search":
            return f"?s={ledger.CANARY[:4]}&extended=1"
        return "?content_type_id=1&object_id=1" if act.what == "view_on_site" else ""

    def send(self, verb: str, url: str, body: dict[str, Any], person: Person) -> Any:
        cookie = f"{settings.SESSION_COOKIE_NAME}={person.key}" if person.key else ""
        extra = {"HTTP_COOKIE": cookie, "HTTP_ACCEPT": "text/html"}
        request = self._make.get(url, **extra) if verb == "GET" else self._make.post(url, body, **extra)
        return self._handler(request.environ)

    @staticmethod
    def _last() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT coalesce(max(id), 0) FROM matrix.log")
            return int(cursor.fetchone()[0])

    @staticmethod
    def _since(before: int) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT tbl, op, pk, fact::text FROM matrix.log WHERE id > %s ORDER BY id", [before])
            return [(table, op, pk, json.loads(fact) if fact else None) for table, op, pk, fact in cursor.fetchall()]


class _Counter:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK", "SELECT current_user, coalesce")):
            self.count += 1
        return execute(sql, params, many, context)


_PASSING = re.compile(
    rb"[0-9a-f]{8}-[0-9a-f-]{27}|csrfmiddlewaretoken\" value=\"[^\"]+|nonce[-=]\"?[\w+/=-]+|\b\d{6,}\b|zz[^\"/<& ]*"
)


def _answer(response: Any, url: str, changes: list[Any], queries: int, seen: list[dict[str, str]]) -> Answer:
    body = b"".join(response.streaming_content) if response.streaming else response.content
    path = url.partition("?")[0].encode()
    headers = "\n".join(f"{name}: {value}" for name, value in response.items())
    return Answer(
        status=response.status_code, location=response.get("Location", ""), body=body,
        headers=headers + str(response.cookies), changes=changes, queries=queries, seen=seen, url=url,
        normal=(response.status_code, _PASSING.sub(b"*", body.replace(path, b"*"))),
    )  # fmt: skip


def keep(result: Result, **more: Any) -> None:
    """Write the evidence of a run."""
    EVIDENCE.parent.mkdir(exist_ok=True)
    facts = asdict(result) | {"void": sorted(result.void)} | more
    EVIDENCE.write_text(json.dumps(facts, indent=1, sort_keys=True, default=str), encoding="utf-8")
