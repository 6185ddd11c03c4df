"""The command palette: pages, things to do, and records by the beginnings of their words; never from a cache."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from unfold.dataclasses import SearchResult

from accounts.models import User
from admin_site.navigation import viewable_models
from certificates.models import Certificate
from core.search import Found, ids_with, target_of, with_words
from enrollments.models import Client, Enrollment
from organizations.backends import allows
from organizations.models import Organization
from payments.models import Payment

SHORTEST, LONGEST, EACH = 2, 80, 6


@dataclass(frozen=True, slots=True)
class Source:
    """One kind of record and how a term finds it: by the words of the row that `through` leads to, by a column of
    `exact` that equals it, or by its id."""

    model: Any
    permission: str
    icon: str
    through: str = ""
    exact: tuple[str, ...] = ()
    related: tuple[str, ...] = ()


SOURCES = (
    Source(Client, "enrollments.view_client", "person"),
    Source(Enrollment, "enrollments.view_enrollment", "school", related=("client",)),
    Source(Certificate, "certificates.view_certificate", "workspace_premium", "enrollment", ("number",)),
    Source(Payment, "payments.view_payment", "payments", "enrollment", ("payment_intent_id",)),
    Source(Organization, "organizations.view_organization", "domain"),
    Source(User, "accounts.view_user", "account_circle"),
)


def find(request: HttpRequest, term: str) -> list[SearchResult]:
    """What the person may open or do, that fits the term; at most EACH records of a kind."""
    words = term.replace("\x00", "").strip()[:LONGEST]
    if len(words) < SHORTEST:
        return []
    return [*_pages(request, words.casefold()), *_records(request, words)]


def _pages(request: HttpRequest, term: str) -> Iterator[SearchResult]:
    from admin_site.site import console  # noqa: PLC0415 -- the site asks the palette

    for entry, model in viewable_models(request):
        admin = console.get_model_admin(model)
        plural, single = str(model._meta.verbose_name_plural), str(model._meta.verbose_name)
        if term in plural.casefold():
            yield SearchResult(plural.capitalize(), _("List"), admin.list_url(), entry.icon)
        for title, address in _doings(request, admin, plural, single):
            if term in title.casefold():
                yield SearchResult(title, _("Action"), address, "bolt")


def _doings(request: HttpRequest, admin: Any, plural: str, single: str) -> Iterator[tuple[str, str]]:
    if admin.has_add_permission(request):
        yield _("New: %(name)s") % {"name": single}, reverse(f"admin:{admin.address_name('add')}")
    resource = getattr(admin, "resource_class", None)
    for verb, text in (("import", _("Import: %(name)s")), ("export", _("Export: %(name)s"))):
        if resource is not None and hasattr(admin, f"{verb}_view") and resource.allowed(request.actor, verb):
            yield text % {"name": plural}, reverse(f"admin:{admin.address_name(verb)}")


def _records(request: HttpRequest, term: str) -> Iterator[SearchResult]:
    from admin_site.site import console  # noqa: PLC0415 -- the site asks the palette

    asked: dict[Any, Found] = {}
    for source in SOURCES:
        if not console.is_registered(source.model) or not allows(request.actor, source.permission):
            continue
        rows = source.model._default_manager.permitted_to(request.actor, source.permission)
        admin = console.get_model_admin(source.model)
        for row in _fitting(source, rows, term, asked).select_related(*source.related)[:EACH]:
            yield SearchResult(str(row), str(source.model._meta.verbose_name), admin.record_url(row), source.icon)


def _fitting(source: Source, rows: Any, term: str, asked: dict[Any, Found]) -> Any:
    """The rows a term finds; `asked` keeps what the index said, since several kinds are found by one."""
    try:
        return rows.filter(pk=uuid.UUID(term))
    except ValueError:
        pass
    target = target_of(source.model, source.through)
    if target not in asked:
        asked[target] = ids_with(target, term)
    found = with_words(rows, asked[target], through=source.through)
    for column in source.exact:
        found = found | rows.filter(**{column: term})
    return found
