"""Access to single records is given through our own audited act, and by no page of the package's."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import clear_url_caches, path
from guardian.admin import GuardedModelAdmin, GuardedModelAdminMixin

from admin_site.admin.organizations import OrganizationAdmin
from admin_site.site import console
from config import urls
from organizations.models import Organization
from tests.admin_site.addresses import listing
from tests.matrix.discovery import Act
from tests.matrix.ledger import business
from tests.matrix.objects import ABSENT
from tests.matrix.oracles import Answer
from tests.matrix.runner import Cell, Matrix
from tests.trials import Trial

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("matrix"), pytest.mark.timeout(1800)]

GRANTS = {"guardian_userobjectpermission", "guardian_groupobjectpermission"}
OUTSIDE = {"anonymous", "expired", "superseded", "deactivated", "stranger", "client", "suspended"}


def pages(model: Any) -> list[str]:
    """What the package's own mixin would add for a model, below the address of a record."""
    bare = GuardedModelAdmin(model, console)
    own = {str(each.pattern) for each in bare.get_urls()}
    own -= {str(each.pattern) for each in super(GuardedModelAdminMixin, bare).get_urls()}
    return sorted(pattern.partition("<object_pk>/")[2] for pattern in own)


def addresses(matrix: Matrix) -> list[tuple[str, str]]:
    """(address, one of the same shape that surely is none) for every model, its rows and every page."""
    world = matrix.objects.world
    found = []
    for model in console._registry:
        keys = [matrix.objects.key(model, scope) for scope in ("tenant", "mine", "foreign", "platform", "absent")]
        for key in filter(None, keys):
            for page in pages(model):
                filled = page.replace("<user_id>", world.pk("stranger")).replace("<group_id>", "1")
                found.append((f"{listing(model)}{key}/{filled}", f"{listing(model)}{ABSENT}/none/{filled}"))
    return found


def asked(matrix: Matrix, role: str, verb: str, url: str) -> Answer:
    form = {"permissions": ["audit_organization", "view_organization"], "submit_manage_user": "1",
            "user": matrix.objects.world.stranger.email, "_save": "1"}  # fmt: skip
    with matrix.undone() as written:
        return matrix.answer(verb, url, form if verb == "POST" else {}, matrix.people[role], written)


def requests(matrix: Matrix) -> list[tuple[str, str, str, str]]:
    """(role, verb, address, address of nothing): everybody asks for every page of the package's in both ways."""
    return [(role, verb, *pair) for pair in addresses(matrix) for role in matrix.people for verb in ("GET", "POST")]


def open_pages(matrix: Matrix, tried: list[tuple[str, str, str, str]]) -> list[str]:
    """Those that answered or wrote anything."""
    found = []
    for role, verb, url, none in tried:
        answer = asked(matrix, role, verb, url)
        like_none = answer.sends_to_login and asked(matrix, role, verb, none).sends_to_login
        if answer.status != 404 and not (role in OUTSIDE and like_none):
            found.append(f"{verb} {url} as {role}: {answer.status} {answer.location}")
        if any(line[0] in GRANTS for line in answer.changes):
            found.append(f"{verb} {url} as {role} grants")
    return found


def other_ways(matrix: Matrix, cells: list[Cell]) -> list[str]:
    """Acts that write a grant and are not the two that are there for it, or are and leave no evidence of it."""
    found = []
    for act, role, scope in cells:
        answer = matrix.ask(act, matrix.people[role], scope)
        granted = [line for line in business(answer.changes) if line[0] in GRANTS]
        events = {line[3]["act"] for line in answer.changes if line[0] == "audit_auditevent"}
        ours = act.what in {"do:give_access", "do:withdraw_access"} and role == "platform_admin"
        if granted and not (ours and events & {"access.granted", "access.withdrawn"}):
            found.append(f"{act.name} as {role} on {scope} writes grants, events {sorted(events)}")
    return found


def posts(matrix: Matrix) -> list[Cell]:
    return [(act, role, scope) for act, role, scope in matrix.cells() if act.verb == "POST" and role not in OUTSIDE]


@pytest.mark.torture("P-04")
def test_the_packages_pages_are_closed_and_nothing_else_grants(matrix: Matrix, trial: Trial) -> None:
    tried = requests(matrix)
    tried = trial.random.sample(tried, min(len(tried), trial.scale(fast=120, long=6000)))
    found = open_pages(matrix, tried)
    cells = posts(matrix)
    ours = [cell for cell in cells if cell[0].what.endswith("_access") and cell[2] == "tenant"]
    cells = [*ours, *trial.random.sample(cells, min(len(cells), trial.scale(fast=40, long=2500)))]
    found += other_ways(matrix, cells)
    trial.report(n=len(tried) + len(cells), violations=len(found), first=found[:10])


def test_our_own_act_grants_and_leaves_evidence(matrix: Matrix) -> None:
    """The one way there is."""
    act: Act = next(each for each in matrix.acts if each.name.endswith("organization/do:give_access")
                    and each.verb == "POST")  # fmt: skip
    answer = matrix.ask(act, matrix.people["platform_admin"], "tenant")
    assert [line[0] for line in answer.changes if line[0] in GRANTS] == ["guardian_userobjectpermission"]
    assert "access.granted" in {line[3]["act"] for line in answer.changes if line[0] == "audit_auditevent"}


@pytest.mark.control("P-04")
def test_the_packages_own_mixin_is_found_out(matrix: Matrix, monkeypatch: pytest.MonkeyPatch) -> None:
    class Guarded(GuardedModelAdminMixin, OrganizationAdmin):
        """As the package's manual says."""

    tried = [each for each in requests(matrix) if each[0] == "platform_admin" and "/organization/" in each[2]]
    registry = {**console._registry, Organization: Guarded(Organization, console)}
    monkeypatch.setattr(console, "_registry", registry)
    monkeypatch.setattr(urls, "urlpatterns", [path("console/", console.urls), *urls.urlpatterns[1:]])
    clear_url_caches()
    try:
        found = open_pages(matrix, tried)
    finally:
        monkeypatch.undo()
        clear_url_caches()
    assert found
