"""Which saved views a person finds above a list."""

from __future__ import annotations

from django.db.models import Q

from core.context import Actor
from core.scope import ScopedQuerySet
from lists.enums import Audience
from lists.models import SavedView


def views_of(actor: Actor, list_name: str) -> ScopedQuerySet:
    """The person's own views, those shared in their organizations, and those for a role they hold there; platform
    staff see what was shared among themselves."""
    mine = Q(audience=Audience.PRIVATE, owner_id=actor.user_id)
    here = Q(pk__in=[])
    for organization, role in actor.memberships.items():
        for_me = Q(audience=Audience.SHARED) | Q(audience=Audience.ROLE, role=role)
        here |= Q(organization_id=organization) & for_me
    if actor.platform_role:
        for_me = Q(audience=Audience.SHARED) | Q(audience=Audience.ROLE, role=actor.platform_role)
        here |= Q(organization__isnull=True) & for_me
    rows: ScopedQuerySet = SavedView.objects.visible_to(actor)
    return rows.filter(mine | here, list_name=list_name)


def default_of(views: list[SavedView]) -> SavedView | None:
    """The view a list opens with: the person's own default, else the one for their role, else the shared one."""
    order = (Audience.PRIVATE, Audience.ROLE, Audience.SHARED)
    defaults = sorted(
        (view for view in views if view.is_default), key=lambda view: order.index(Audience(view.audience))
    )
    return defaults[0] if defaults else None
