"""A word in every text of tenant B is seen by nobody of tenant A, wherever they look."""

from __future__ import annotations

import re
from collections import deque
from typing import Any

import psycopg
import pytest
from django.db import models
from django.test import Client

from admin_site.site import console
from core.crypto import SealedField
from core.rls import tables
from core.scope import ScopedQuerySet, organizations_of, scope_of
from enrollments.models import Client as Person
from tests.admin_site.addresses import listing
from tests.database import Databases, as_system
from tests.factories.names import World
from tests.trials import Trial
from tests.web import sign_in

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN = "zqcanary"
ROLES = ("provider_admin_a", "counselor_a", "owner_a", "attorney_a", "client_user_a")
LINK = re.compile(r'(?:href|action|src|data-url|hx-get)="(/[^"#]*)"')
NOT_FOLLOWED = re.compile(r"logout|/static/|/end\b|language|\.(?:css|js|svg|woff2)$")


def texts(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    """Columns that take any text."""
    return [
        field
        for field in model._meta.concrete_fields
        if isinstance(field, models.CharField | models.TextField)
        and not isinstance(field, SealedField)
        and not field.choices and not field.primary_key and (field.max_length or 99) >= 12
    ]  # fmt: skip


def homes(row: models.Model) -> frozenset[Any]:
    with as_system():
        return organizations_of(row)


def plant(world: World, databases: Databases) -> tuple[int, list[str]]:
    """Write the word into every text of every row that only tenant B may see; columns filled, columns that refused."""
    theirs = {world.provider_b.pk, world.firm_b.pk}
    filled, refused = 0, set()
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name), autocommit=True) as hand:
        hand.execute("SET session_replication_role = replica")
        for model in (table.model for table in tables() if table.model is not None):
            scope = scope_of(model)
            if scope.everyone or scope.public or scope.organization == "self" or not texts(model):
                continue
            with as_system():
                rows = [row for row in model._base_manager.all() if homes(row) and homes(row) <= theirs]
            for field in texts(model):
                filled += bool(rows)
                refused |= {f"{model._meta.label}.{field.name}" for row in rows if not fill(hand, row, field)}
    return filled, sorted(refused)


def fill(hand: psycopg.Connection, row: models.Model, field: models.Field[Any, Any]) -> bool:
    """Write the word into one cell; False when a rule of the column stands against it."""
    meta = row._meta
    value = f"{TOKEN}{str(row.pk)[:20]}{'@b.example' if isinstance(field, models.EmailField) else ''}"
    statement = f'UPDATE "{meta.db_table}" SET "{field.column}" = %s WHERE {meta.pk.column} = %s'
    try:
        hand.execute(statement, [value[: field.max_length], row.pk])
    except psycopg.Error:
        return False
    return True


def crawl(world: World, role: str, most: int) -> tuple[int, list[str]]:
    """Follow every link from the lists on; pages read, and addresses whose answer holds the word."""
    client = sign_in(Client(raise_request_exception=False), getattr(world, role))
    starts = ["/dashboard", "/account", "/my/", "/console/", *(listing(model) for model in console._registry)]
    starts += [f"{listing(model)}?q={TOKEN[:5]}" for model in console._registry]
    waiting, seen, found = deque(starts), set(starts), []
    read = 0
    while waiting and read < most:
        path = waiting.popleft()
        answer = client.get(path)
        read += 1
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        text = body.decode(errors="replace")
        if TOKEN in text or TOKEN in str(answer.headers):
            found.append(path)
        for raw in LINK.findall(text):
            link = raw.replace("&amp;", "&")
            if link not in seen and not NOT_FOLLOWED.search(link):
                seen.add(link)
                waiting.append(link)
    return read, found


@pytest.mark.torture("A-02")
def test_the_word_is_seen_by_nobody_of_the_other_tenant(world: World, databases: Databases, trial: Trial) -> None:
    filled, refused = plant(world, databases)
    read, found = 0, []
    for role in trial.random.sample(ROLES, trial.scale(fast=2, long=len(ROLES))):
        pages, hits = crawl(world, role, trial.scale(fast=45, long=1500))
        read += pages
        found += [f"{role} {path}" for path in hits]

    assert found == []
    assert filled > 40
    trial.report(n=read, violations=len(found), columns=filled, columns_that_refused=len(refused))


@pytest.mark.torture("A-02", long=True)
@pytest.mark.control("A-02")
def test_the_word_is_seen_when_a_list_forgets_its_scope(
    world: World, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mistake, with the second net down as well: a list asks for every client there is."""
    plant(world, databases)
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name)) as superuser:
        superuser.execute("ALTER TABLE enrollments_client DISABLE ROW LEVEL SECURITY")
    for door in ("visible_to", "permitted_to"):
        monkeypatch.setattr(ScopedQuerySet, door, lambda rows, *_who: rows)
    client = sign_in(Client(), world.provider_admin_a)

    shown = client.get(listing(Person)).content

    assert TOKEN.encode() in shown
