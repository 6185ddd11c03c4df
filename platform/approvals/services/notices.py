"""Mails around a request; written by the worker, which sees everybody."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.core import signing
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.models import User
from approvals.enums import RequestStatus
from approvals.kinds import find, title_of
from approvals.models import ApprovalRequest, Delegation
from approvals.services.sealing import is_as_seen
from notifications.services import notify
from organizations.holders import members_holding, staff_holding

SALT = "approvals.from-mail"


def deciders(request: ApprovalRequest) -> list[User]:
    """Who is asked: members of the organization who may decide, or the platform's people when there are none; whoever
    stands in for one who is away; never who asked, nor who stands in for them."""
    permission = find(request.kind).decide_permission
    asked = _independent(request, members_holding(permission, request.organization_id))
    return asked or _independent(request, staff_holding(permission))


def _independent(request: ApprovalRequest, people: Iterable[User]) -> list[User]:
    delegations = list(Delegation.objects.covering(request.kind, request.organization_id).in_force())
    away = {each.giver_id: each.taker_id for each in delegations}
    close = {each.taker_id for each in delegations if each.giver_id == request.requester_id} | {request.requester_id}
    keys = {away.get(person.pk, person.pk) for person in people} - close
    return list(User.objects.filter(pk__in=keys, is_active=True).order_by("email"))


def mail_token(request: ApprovalRequest, person: User) -> str:
    """What the link in a mail carries: which request, for whom. It opens nothing without that person's sign-in."""
    return signing.dumps([request.pk.hex, person.pk.hex], salt=SALT, compress=True)


def read_token(token: str) -> tuple[str, str] | None:
    """Request and person of a link; None for anything that we did not sign, or longer ago than requests live."""
    try:
        request_id, person_id = signing.loads(token, salt=SALT, max_age=30 * 24 * 3600)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return request_id, person_id


def tell_deciders(request: ApprovalRequest) -> int:
    """Mail everybody who may decide, once each; returns how many."""
    if request.status != RequestStatus.PENDING or not is_as_seen(request):
        return 0
    people = deciders(request)
    for person in people:
        path = reverse("admin:approvals_approvalrequest_from_mail")
        link = f"{settings.SITE_URL.rstrip('/')}{path}?t={mail_token(request, person)}"
        with override(person.language):
            context = _facts(request, person) | {"link": link, "expires": _day(request.expires_at)}
        _send("approval.waiting", request, person, context)
    return len(people)


def tell_requester(request: ApprovalRequest) -> None:
    """Mail the outcome to who asked."""
    person = request.requester
    path = reverse("admin:approvals_approvalrequest_change", args=[request.pk])
    with override(person.language):
        context = _facts(request, person) | {
            "link": f"{settings.SITE_URL.rstrip('/')}{path}",
            "state": request.get_status_display(),
            "decider": request.decider_name,
            "note": request.decision_note,
            "outcome": request.outcome,
        }
    _send(f"approval.{'expired' if request.status == RequestStatus.EXPIRED else 'decided'}", request, person, context)


def _facts(request: ApprovalRequest, person: User) -> dict[str, object]:
    facts = find(request.kind).facts(request) if request.status == RequestStatus.PENDING else []
    rows = [(str(name), str(value)) for name, value in facts]
    return {
        "organization_name": request.organization.name if request.organization is not None else "",
        "first_name": person.first_name or person.email,
        "title": title_of(request.kind),
        "amount": request.money,
        "requester": request.requester_name,
        "about": request.subject_label,
        "reason": request.reason,
        "facts": [*rows, (_("Reason"), request.reason)],
    }


def _day(moment: object) -> str:
    return date_format(localtime(moment), "DATETIME_FORMAT")  # type: ignore[arg-type]  # -- a moment


def _send(event: str, request: ApprovalRequest, person: User, context: dict[str, object]) -> None:
    notify(
        event,
        to=person.email,
        language=person.language,
        context=context,
        dedupe_key=f"approval:{request.pk}:{event}:{person.pk}",
        organization=request.organization_id,
        person=person.pk,
        about=request,
    )
