"""Keep, share and drop views of lists."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q

from audit.services import record
from core.context import Actor, person_of
from core.errors import DomainError
from lists.enums import Audience
from lists.models import SavedView

LONGEST_QUERY = 2000
# Where somebody is within a list is no part of how the list looks.
PLACE_PARAMETERS = frozenset({"p", "after", "before", "last", "e", "all", "_popup", "_changelist_filters"})


def clean_query(query: str) -> str:
    """The query string without where in the list somebody stands; DomainError `view_too_long` above 2,000 letters."""
    kept = urlencode([(name, value) for name, value in parse_qsl(query, keep_blank_values=True)
                      if name not in PLACE_PARAMETERS])  # fmt: skip
    if len(kept) > LONGEST_QUERY:
        raise DomainError("view_too_long")
    return kept


def save_view(
    actor: Actor,
    *,
    list_name: str,
    name: str,
    query: str,
    audience: str = Audience.PRIVATE,
    organization: UUID | None = None,
    role: str = "",
    is_default: bool = False,
) -> SavedView:
    """Keep a list's query string under a name; the caller has checked that the person may share.

    A new default takes the place of the one before it. DomainError `view_name_taken`, `view_needs_organization`
    (shared, by somebody without a platform role), `view_needs_role`, `view_too_long`.
    """
    view = SavedView(
        owner_id=person_of(actor), list_name=list_name, name=name.strip(), query=clean_query(query), audience=audience,
        organization_id=None if audience == Audience.PRIVATE else organization,
        role=role if audience == Audience.ROLE else "",
    )  # fmt: skip
    if audience != Audience.PRIVATE and organization is None and not actor.platform_role:
        raise DomainError("view_needs_organization")
    if audience == Audience.ROLE and not role:
        raise DomainError("view_needs_role")
    try:
        with transaction.atomic():
            view.save(force_insert=True)
    except IntegrityError:
        raise DomainError("view_name_taken") from None
    if is_default:
        open_with(view)
    record("saved_view.added", view, payload=_facts(view))
    return view


def open_with(view: SavedView) -> None:
    """Let the list open with this view for its people, instead of the one that did."""
    peers = SavedView.objects.filter(list_name=view.list_name, is_default=True).exclude(pk=view.pk)
    if view.audience == Audience.PRIVATE:
        peers = peers.filter(audience=Audience.PRIVATE, owner_id=view.owner_id)
    else:
        home = Q(organization=view.organization) if view.organization else Q(organization__isnull=True)
        peers = peers.filter(home, role=view.role).exclude(audience=Audience.PRIVATE)
    for former in peers.locked():
        stop_opening_with(former)
    view.is_default = True
    view.save(update_fields=["is_default", "updated_at"])


def stop_opening_with(view: SavedView) -> None:
    """Let the list open as the product made it."""
    view.is_default = False
    view.save(update_fields=["is_default", "updated_at"])


def replace_query(view: SavedView, query: str) -> None:
    """Let the view stand for another arrangement. DomainError `view_too_long`."""
    view.query = clean_query(query)
    view.save(update_fields=["query", "updated_at"])
    record("saved_view.changed", view, payload=_facts(view))


def drop_view(view: SavedView) -> None:
    """Delete a view: it arranged rows and held none."""
    record("saved_view.dropped", view, payload=_facts(view))
    view.delete()


def _facts(view: SavedView) -> dict[str, Any]:
    return {"list": view.list_name, "audience": view.audience, "role": view.role}
