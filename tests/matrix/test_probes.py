"""What an address can ask for beyond its links: nobody learns a hidden value by it, and nothing breaks."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from django.db import models
from django.urls import reverse

from admin_site.base import ConsoleModelAdmin
from admin_site.scoping import ScopedFieldsMixin
from admin_site.site import console
from tests.admin_site.addresses import listing
from tests.matrix.oracles import Answer
from tests.matrix.runner import Matrix
from tests.trials import Trial

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("matrix"), pytest.mark.timeout(1800)]

ROLES = ("provider_admin", "counselor", "attorney", "auditor", "support", "finance", "platform_admin")
ODD = (
    "o=99.-99.x", "o=" + "9" * 5000, "o=-", "o=1.1.1", "_to_field=email", "_popup=1&_to_field=client__email",
    "_popup=x", "q=" + "a" * 10_000, "q=" + "%27%22%5C" * 500, "q=%00", "q=" + "a+" * 3000, "on=0", "on=0000",
    "on=9999", "on=9999-12-31", "on=10000-01", "on=-1", "on=2024-13", "created_at__year=0", "created_at__year=9999",
    "p=99999999999999999999", "p=-1", "p=x", "p=last", "after=zz", "before=e30", "after=" + "A" * 9000, "all=",
    "id__in=zzz", "id__in=", "pk=%00", "e=1", "cols=password", "cols=" + "x" * 5000, "_changelist_filters=x%3D1",
    "status=%00", "__=", "a__b__c__d__e=1", "view=zz", "density=%3Cscript%3E", "organization__id__exact=zz",
    "provider__id__exact=%00",
)  # fmt: skip
HIDDEN = (
    "password", "session_generation", "user__password", "client__user__password", "provider__slug",
    "organization__slug", "tenant__name", "client__ssn_last4", "client__birth_date", "token_hash", "checkout_url",
    "history__history_user__email", "enrollment__client__email", "usersession__session_key",
)  # fmt: skip
LOOKUPS = (
    ("{}__startswith", "a", "~"),
    ("{}__isnull", "True", "False"),
    ("{}__regex", ".", "^$"),
    ("{}__gt", "", "~~"),
)
Probe = tuple[str, str]


def paths_of(model: type[models.Model]) -> Iterator[str]:
    """Columns behind the model that no filter names: its own and those one or two relations away."""
    yield from HIDDEN
    for column in model._meta.get_fields():
        remote = getattr(column, "related_model", None)
        if remote is None:
            yield column.name
        elif isinstance(remote, type):
            name = column.name if hasattr(column, "attname") else getattr(column, "get_accessor_name", str)() or ""
            yield from (f"{name}__{far.name}" for far in remote._meta.concrete_fields)


def declared(admin: ConsoleModelAdmin) -> set[str]:
    """What the list offers to filter by: asking for that is no probe."""
    return {name[0] if isinstance(name, tuple | list) else getattr(name, "parameter_name", name)
            for name in admin.list_filter}  # fmt: skip


def questions(admin: ConsoleModelAdmin) -> Iterator[Probe]:
    """Pairs of addresses that differ in whether a hidden column fits; both must answer alike."""
    offered = declared(admin)
    for path in paths_of(admin.model):
        if path not in offered:
            for lookup, one, other in LOOKUPS:
                name = lookup.format(path)
                yield tuple(listing(admin.model, "?" + urlencode({name: value})) for value in (one, other))


def odd_addresses() -> Iterator[str]:
    """Addresses that no link of the product holds."""
    for model in console._registry:
        yield from (listing(model, f"?{odd}") for odd in ODD)
        meta = model._meta
        for name in ("pk", "password", "user", "enrollment", "zz", "%00"):
            asked = f"app_label={meta.app_label}&model_name={meta.model_name}&field_name={name}&term=a"
            yield f"{reverse('admin:autocomplete')}?{asked}"
    words = ("a" * 10_000, "%00", "%25", "'--", "\\", "a&extended=1", "x" * 79)
    yield from (f"{reverse('admin:search')}?s={word}" for word in words)
    yield from (f"/providers?{name}={word}" for word in words for name in ("q", "district", "kind", "language", "p"))
    yield from (f"/verify/{word}" for word in ("%00", "'--", "A" * 3000, "%25"))
    yield from ("/verify/?code=%00", "/?lang=%00", "/es/providers?q=%00", "/sign-up?email=%00", "/dashboard?next=//x")


def told(matrix: Matrix, role: str, url: str) -> Answer:
    """The answer to one probe, undone."""
    with matrix.undone() as written:
        return matrix.answer("GET", url, {}, matrix.people[role], written)


def probed(matrix: Matrix, trial: Trial, *, pairs: int, odds: int) -> tuple[int, list[str]]:
    """How many probes were sent, and which of them told something or broke something."""
    admins = [admin for admin in console._registry.values() if isinstance(admin, ConsoleModelAdmin)]
    every, strange, found = [pair for admin in admins for pair in questions(admin)], list(odd_addresses()), []
    for pair in trial.random.choices(every, k=pairs):
        role = trial.random.choice(ROLES)
        one, other = (told(matrix, role, url) for url in pair)
        if one.status >= 500 or other.status >= 500:
            found.append(f"{role} {pair[0][:200]} fails")
        elif (one.status, rows_in(one)) != (other.status, rows_in(other)):
            found.append(f"{role} {pair[0][:200]} answers otherwise than {pair[1][-40:]}")
    for url in trial.random.choices(strange, k=odds):
        role = trial.random.choice((*ROLES, "anonymous", "client"))
        answer = told(matrix, role, url)
        if answer.status >= 500:
            found.append(f"{role} {url[:200]} fails")
    return 2 * pairs + odds, found


def rows_in(answer: Answer) -> tuple[str, int]:
    """What a list says: where it sends, and how many records stand in it."""
    return answer.location.partition("?")[0], answer.body.count(b"/change/")


@pytest.mark.torture("P-12")
def test_no_probe_tells_or_breaks_anything(matrix: Matrix, trial: Trial) -> None:
    n, found = probed(matrix, trial, pairs=trial.scale(fast=40, long=4000), odds=trial.scale(fast=70, long=6000))
    trial.report(n=n, violations=len(found), first=found[:10])


@pytest.mark.control("P-12")
def test_a_list_that_takes_every_look_up_is_found_out(
    matrix: Matrix, trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ScopedFieldsMixin, "lookup_allowed", lambda *_, **__: True)
    assert probed(matrix, trial, pairs=40, odds=0)[1]
