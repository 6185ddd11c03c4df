"""Clients and their enrollments in one file: a law firm's list, or a provider's."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.db import models
from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext_lazy as _
from import_export.fields import Field

from accounts.enums import Language
from core.context import Actor
from core.errors import DomainError
from core.scope import ScopedQuerySet
from enrollments.enums import Chapter
from enrollments.models import Client, Enrollment
from enrollments.services.bulk import Match, Preparation, matches, staged_matches, write_new
from enrollments.services.corrections import FILLED, ON_CLIENT, REPLACED, write_changes
from enrollments.services.withdrawal import withdraw_imported
from enrollments.values import Case, Person
from imports.models import ImportRun, StagedRow
from organizations.models import Organization
from providers.enums import CourseKind
from providers.models import District
from resources.base import ConsoleResource
from resources.sets import Finding, Prepared, WrittenInSets
from resources.verdicts import CREATE, ERROR, SKIP, UPDATE
from resources.widgets import Choice, Date, Email, ScopedReference, Text

_COMPARED = {name: name for name in (*REPLACED, *FILLED)} | {"court_id": "district_id"}
# What is filled in for a row that does not say it is no reason to change a record.
_IMPLIED = ("language", "de_filing_deadline")


class OpenProvider(ScopedReference):
    """A provider that takes clients: approved and active, or the person's own."""

    def rows(self, actor: Actor) -> models.QuerySet:
        own = Organization.objects.filter(pk__in=actor.organization_ids, is_provider=True)
        return Organization.objects.open_to_the_public() | own


class EnrollmentResource(WrittenInSets, ConsoleResource):
    """One line, one client and one enrollment. The organization the file is for is never in the file: for a law firm
    the firm is forced and `provider_slug` chooses a provider; for a provider it is the other way round.

    A client (names and address) who is in such a course already is corrected where the file says something else and
    the person may change the record; see `enrollments.services.corrections`."""

    name = "enrollments"
    model = Enrollment
    related: ClassVar = ("client",)
    row_limit: ClassVar = 200_000
    about_known: ClassVar = _(
        "A client of the same names, address and course is not entered twice: phone, language, chapter and case number "
        "are corrected where the file says something else, a missing meeting date or deadline is filled in, and empty "
        "cells change nothing."
    )
    twin_refusal = "import_duplicate_client"
    key: ClassVar = ("first_name", "last_name", "email", "kind", "provider_slug", "firm_slug")
    required: ClassVar = ("first_name", "last_name", "email", "kind", "court_id")
    writable: ClassVar = (
        "first_name", "last_name", "email", "phone", "language", "birth_date", "ssn_last4", "kind", "court_id",
        "chapter", "case_number", "first_set_341_date", "de_filing_deadline", "provider_slug", "firm_slug",
    )  # fmt: skip
    exports: ClassVar = (
        "id", "provider_slug", "firm_slug", "first_name", "last_name", "email", "phone", "language", "kind",
        "court_id", "chapter", "case_number", "status", "has_fee_waiver", "first_set_341_date", "current_341_date",
        "de_filing_deadline", "created_at", "enrolled_at", "completed_at", "certificate_due",
    )  # fmt: skip

    shown_as: ClassVar = {
        "client": ("first_name", "last_name"), "client_name": ("first_name", "last_name"), "course": ("kind",),
        "provider_name": ("provider_slug",), "firm_name": ("firm_slug",), "status_pill": ("status",),
        "due": ("certificate_due",), "deadline": ("de_filing_deadline",), "district": ("court_id",),
        "fee": ("has_fee_waiver",),
    }  # fmt: skip

    id = Field("id", "id")
    provider_slug = Field("provider_slug", "provider_slug", widget=OpenProvider(Organization, "slug"))
    firm_slug = Field("firm_slug", "firm_slug", widget=ScopedReference(Organization, "slug"))
    first_name = Field("client__first_name", "first_name", widget=Text(80))
    last_name = Field("client__last_name", "last_name", widget=Text(80))
    email = Field("client__email", "email", widget=Email(254))
    phone = Field("client__phone", "phone", widget=Text(40))
    language = Field("language", "language", widget=Choice(Language.choices))
    birth_date = Field(None, "birth_date", widget=Date())
    ssn_last4 = Field(None, "ssn_last4", widget=Text(4))
    kind = Field("kind", "kind", widget=Choice(CourseKind.choices))
    court_id = Field("district_id", "court_id", widget=ScopedReference(District, "court_id"))
    chapter = Field("chapter", "chapter", widget=Choice(Chapter.choices))
    case_number = Field("case_number", "case_number", widget=Text(40))
    status = Field("status", "status")
    has_fee_waiver = Field("has_fee_waiver", "has_fee_waiver")
    first_set_341_date = Field("first_set_341_date", "first_set_341_date", widget=Date())
    current_341_date = Field("current_341_date", "current_341_date")
    de_filing_deadline = Field("de_filing_deadline", "de_filing_deadline", widget=Date())
    created_at = Field("created_at", "created_at")
    enrolled_at = Field("enrolled_at", "enrolled_at")
    completed_at = Field("completed_at", "completed_at")
    certificate_due = Field("certificate_due", "certificate_due")

    def get_queryset(self, verb: str = "export") -> ScopedQuerySet:
        """With the slugs as sub-queries: a joined organization out of sight would take the enrollment with it."""
        return super().get_queryset(verb).annotate(provider_slug=_slug("provider"), firm_slug=_slug("firm"))

    # --- written in sets ----------------------------------------------------------------------------------------------
    def begin(self, seed: uuid.UUID, options: Mapping[str, Any]) -> None:
        self._preparation = Preparation(seed)
        self._told_of: dict[tuple[Any, str], str] = {}

    def prepare(self, values: Mapping[str, Any]) -> Prepared:
        provider, firm = self.homes(values)
        person = Person(
            values["first_name"], values["last_name"], values["email"], values["phone"], values["birth_date"],
            values["ssn_last4"],
        )  # fmt: skip
        case = Case(
            values["kind"], values["court_id"].pk, values["chapter"], values["case_number"],
            values["first_set_341_date"], values["de_filing_deadline"],
        )  # fmt: skip
        facts = self._preparation.facts(provider, firm, person, case, values["language"] or Language.ENGLISH)
        facts["implied"] = [name for name in _IMPLIED if not values[name]]
        record_id = self._preparation.record_id(facts)
        label = f"{facts['first_name']} {facts['last_name']} · {facts['kind']}"
        identity = f"{facts['provider']}{facts['identity_hash']}" if facts["identity_hash"] else ""
        return Prepared(facts, record_id, facts["client"], record_id, label, identity, facts["email"])

    def compare(self, rows: Sequence[tuple[int, Prepared]]) -> dict[int, Finding]:
        facts = {line: row.facts for line, row in rows}
        return self._findings(facts, matches(list(facts.items())))

    def compare_again(self, run: ImportRun, lines: Sequence[int]) -> dict[int, Finding]:
        found = staged_matches(run, lines)
        facts = dict(StagedRow.objects.filter(run=run, line__in=found).values_list("line", "facts"))
        return self._findings(facts, found)

    def _findings(self, facts: Mapping[int, Any], found: Mapping[int, Match]) -> dict[int, Finding]:
        findings = {line: self._finding(facts[line] or {}, found[line]) for line in sorted(found)}
        self._refuse_unpermitted(findings)
        return findings

    def _finding(self, facts: Mapping[str, Any], match: Match) -> Finding:
        if match.known_elsewhere:
            return Finding(ERROR, refusal=DomainError(self.twin_refusal))
        if match.enrollment is None:
            return Finding(CREATE, known_id=match.client)
        changes = _changes(facts, match.columns)
        standing = [name for name, (before, _after) in changes.items() if name not in REPLACED and before]
        standing += [name for name in changes if name not in {*REPLACED, *FILLED, *standing}]
        if standing:
            return Finding(ERROR, refusal=DomainError("import_would_overwrite", columns=", ".join(standing)))
        for name in ON_CLIENT:
            if name in changes and self._told_of.setdefault((match.client, name), changes[name][1]) != changes[name][1]:
                return Finding(ERROR, refusal=DomainError("import_rows_disagree", column=name))
        kind = UPDATE if changes else SKIP
        return Finding(kind, record_id=match.enrollment, known_id=match.client, seen=match.seen, changes=changes)

    def _refuse_unpermitted(self, findings: Mapping[int, Finding]) -> None:
        """Whoever may import may not therefore change what is on record."""
        changing = [finding for finding in findings.values() if finding.kind == UPDATE]
        if not changing:
            return
        enrollments = self._changeable(Enrollment, [finding.record_id for finding in changing])
        clients = self._changeable(Client, [f.known_id for f in changing if f.changes.keys() & {*ON_CLIENT}])
        for finding in changing:
            names = [n for n in finding.changes if (n in ON_CLIENT and finding.known_id not in clients)
                     or (n not in ON_CLIENT and finding.record_id not in enrollments)]  # fmt: skip
            if names:
                refusal = DomainError("import_may_not_change", columns=", ".join(names))
                finding.kind, finding.changes, finding.refusal = ERROR, {}, refusal

    def _changeable(self, model: Any, ids: list[Any]) -> set[Any]:
        permission = f"enrollments.change_{model._meta.model_name}"
        rows = model.objects.permitted_to(self.actor, permission).filter(pk__in=ids)
        return set(rows.values_list("pk", flat=True)) if ids else set()

    def write(self, run: ImportRun, new: Sequence[int], changed: Sequence[int]) -> None:
        write_new(run, new)
        write_changes(run, changed)

    def take_back(self, run: ImportRun) -> None:
        withdraw_imported(run)

    def homes(self, values: Mapping[str, Any]) -> tuple[Organization, Organization | None]:
        """Provider and firm of a row. The organization of the import is always one of them."""
        home = self.organization
        provider, firm = values["provider_slug"], values["firm_slug"]
        if home is None:
            raise DomainError("import_organization_needed")
        if home.is_firm and not home.is_provider:
            _refuse_other(firm, home)
            if provider is None:
                raise DomainError("import_value_missing")
            return provider, home
        _refuse_other(provider, home)
        return home, firm

    @classmethod
    def titles(cls) -> dict[str, str]:
        """What is sealed is the client's, and only ever goes in."""
        sealed = {
            field.name: str(field.verbose_name).capitalize()
            for field in Client._meta.concrete_fields
            if field.name in {"birth_date", "ssn_last4"}
        }
        return super().titles() | sealed

    def examples(self) -> list[dict[str, Any]]:
        shared = {"first_name": "Maria", "last_name": "Example", "email": "maria@example.org", "phone": "555-0100",
                  "language": "es", "birth_date": "1985-04-30", "ssn_last4": "1234", "court_id": "cacb"}  # fmt: skip
        chosen = "" if self.organization is None else self.organization.slug
        return [
            {**shared, "kind": "CC", "provider_slug": chosen},
            {**shared, "kind": "DE", "chapter": "7", "case_number": "26-12345", "first_set_341_date": "2026-05-20"},
        ]


def _changes(facts: Mapping[str, Any], present: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Columns the file fills with something else than the record holds. Sealed ones are not compared."""
    found = {}
    implied = facts.get("implied") or ()
    for column, name in _COMPARED.items():
        before, after = str(present[name] or ""), str(facts.get(name) or "")
        if after and before != after and column not in implied:
            found[column] = (before, after)
    return found


def _slug(name: str) -> Subquery:
    return Subquery(Organization.objects.filter(pk=OuterRef(name)).values("slug")[:1])


def _refuse_other(named: Organization | None, home: Organization) -> None:
    if named is not None and named.pk != home.pk:
        raise DomainError("import_reference_unknown", value=named.slug)
