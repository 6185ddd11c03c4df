"""A-10: what one person searched and saw, no other gets from a cache, and nobody after the right is gone."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.database import as_system
from tests.web import sign_in

pytestmark = pytest.mark.django_db
TERMS = ("client", "user", "provider", "a", "b", "francis", "firmclient")
PATHS = ("/console/", "/console/enrollments/enrollment/", "/console/enrollments/client/", "/account", "/dashboard")
FOREIGN = {"a": ("tenant-b.example", "Firmclient B"), "b": ("tenant-a.example", "Firmclient A")}


def leaks(world: Any) -> tuple[int, list[str]]:
    """The same paths and terms as a person of A, one of B, and the first again without the role."""
    mine, theirs = sign_in(Client(), world.provider_admin_a), sign_in(Client(), world.provider_admin_b)
    asked = [f"/console/search/?s={term}" for term in TERMS] + list(PATHS)
    found, n = [], 0
    for path in asked:
        first, second, again = (client.get(path) for client in (mine, theirs, mine))
        n += 3
        pairs = ((second, FOREIGN["b"]), (first, FOREIGN["a"]), (again, FOREIGN["a"]))
        found += [path for answer, words in pairs if any(word in answer.content.decode() for word in words)]
        found += [f"{path} may be kept" for answer in (first, second) if "no-store" not in answer["Cache-Control"]]
    with as_system():
        membership = world.provider_admin_a.memberships.get()
        membership.status = "removed"
        membership.save(update_fields=["status"])
    for path in asked:
        answer = mine.get(path)
        n += 1
        if path.startswith("/console/") and answer.status_code == 200:
            found.append(f"{path} after the role was lost")
    return n, found


@pytest.mark.torture("A-10")
def test_no_cache_gives_anything_foreign_or_stale(world: Any, trial: Any) -> None:
    n, found = leaks(world)
    trial.report(n=n, violations=len(found), found=found[:5])


@pytest.mark.control("A-10")
def test_a_search_kept_by_its_words_alone_is_found_out(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from admin_site import palette  # noqa: PLC0415 -- only this control replaces it

    real = palette.find

    remembered: dict[str, Any] = {}

    def kept(request: Any, term: str) -> Any:
        if term not in remembered:
            remembered[term] = real(request, term)
        return remembered[term]

    monkeypatch.setattr("admin_site.palette.find", kept)
    assert leaks(world)[1] != []
