"""Pay the course fee by card, or ask for it to be waived. Coming back from the card page writes nothing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import clock
from core.errors import DomainError
from core.money import format_minor
from enrollments.enums import NOT_BEGUN
from enrollments.models import Enrollment
from payments.enums import OPEN, PaymentStatus, WaiverStatus
from payments.fees import is_settled
from payments.models import FeeWaiver, Payment
from payments.poverty import fee_waiver_presumption
from payments.services.checkout import start_checkout
from payments.services.waivers import request_guard, request_waiver, withdraw_waiver
from providers.districts import find
from website.components import Column, Crumb, Fact, Table
from website.forms.payments import WaiverForm
from website.offers import help_of, service_name
from website.pages import page_url

MOST_LOOKS = 20
TABLE_ROWS = 8


def _own(request: HttpRequest, pk: UUID) -> Enrollment:
    """The client's own enrollment at a provider that is open; 404 for every other."""
    mine = Enrollment.objects.visible_to(request.actor).filter(client__user=request.user)  # type: ignore[attr-defined, misc]  # -- set by middleware; signed in
    found = mine.select_related("client", "household", "provider__provider_profile").filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _course(enrollment: Enrollment) -> str:
    return reverse("website:course", args=[enrollment.pk])


def _absolute(path: str) -> str:
    return f"{settings.SITE_URL.rstrip('/')}{path}"


def _frame(enrollment: Enrollment, title: str) -> dict[str, Any]:
    """What every page here needs around its content."""
    crumbs = [Crumb(_("My courses"), page_url("my")), Crumb(service_name(enrollment.kind), _course(enrollment))]
    return {
        "enrollment": enrollment,
        "title": title,
        "crumbs": [*crumbs, Crumb(title)],
        "course_url": _course(enrollment),
        "help_contact": help_of(enrollment.provider.provider_profile),
    }


@never_cache
@login_required
@require_POST
def pay(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Open the card page and go there. A refusal is shown on the course page, where the way on is."""
    enrollment = _own(request, pk)
    success = _absolute(reverse("website:paid", args=[enrollment.pk]))
    try:
        payment = start_checkout(enrollment, success_url=success, cancel_url=_absolute(_course(enrollment)))
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return _see(_course(enrollment))
    return _see(payment.checkout_url)


def _see(address: str) -> HttpResponse:
    return HttpResponseRedirect(address, status=303)


@never_cache
@require_safe
@login_required
def paid(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Where the card page sends the client back to: wait until the gateway's word has arrived, then go on."""
    enrollment = _own(request, pk)
    newest = Payment.objects.filter(enrollment=enrollment).order_by("-created_at").first()
    is_waiting = newest is not None and newest.status in OPEN and newest.status != PaymentStatus.FAILED
    if is_settled(enrollment) or enrollment.status not in NOT_BEGUN or not is_waiting:
        return HttpResponseRedirect(f"{_course(enrollment)}#fee")
    looks = _number(request.GET.get("look", "")) + 1
    context = _frame(enrollment, _("We are waiting for your payment")) | {
        "look_again": f"{request.path}?look={looks}",
        "looks_by_itself": looks <= MOST_LOOKS,
        "pause": 2 if looks <= 5 else 10,
    }
    return render(request, "website/payments/waiting.html", context)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 4 else 0


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def waiver(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The worksheet, or the request that was already made with its figures."""
    enrollment = _own(request, pk)
    asked = FeeWaiver.objects.filter(enrollment=enrollment).exclude(status=WaiverStatus.WITHDRAWN).first()
    if asked is not None and asked.status != WaiverStatus.DENIED and request.method != "POST":
        return _asked_page(request, enrollment, asked)
    refusal = request_guard(enrollment)
    if refusal is not None:
        raise refusal
    state = find(enrollment.district_id).usps
    form = WaiverForm(request.POST if request.method == "POST" else None, initial={"state": state})
    if request.method == "POST" and form.is_valid():
        request_waiver(enrollment, **form.facts())
        return _see(reverse("website:waiver", args=[enrollment.pk]))
    context = _frame(enrollment, _("Ask for a fee waiver")) | {"form": form, "lines": _lines(state)}
    return render(request, "website/payments/waiver.html", context, status=422 if form.errors else 200)


def _lines(state: str) -> Table:
    """Below which income a household is presumed unable to pay, by its size; today's guideline of the state."""
    today = clock.today()
    found = [(size, fee_waiver_presumption(size, 0, state, today)) for size in range(1, TABLE_ROWS + 1)]
    return Table(
        _("Income below which you most likely do not have to pay (%(year)s)") % {"year": found[0][1].year},
        [Column(_("People")), Column(_("Per month"), is_number=True), Column(_("Per year"), is_number=True)],
        [[str(size), _dollars(line.threshold_cents // 12), _dollars(line.threshold_cents)] for size, line in found],
    )


def _dollars(cents: int) -> str:
    return format_minor(cents // 100 * 100).removesuffix(".00").removesuffix(",00")


def _asked_page(request: HttpRequest, enrollment: Enrollment, asked: FeeWaiver) -> HttpResponse:
    facts = [
        Fact(_("People in the household"), asked.household_size),
        Fact(_("Household income a year"), format_minor(asked.annual_income_cents)),
        Fact(_("State"), asked.state),
        Fact(
            _("150 percent of the %(year)s guideline") % {"year": asked.guideline_year},
            format_minor(asked.threshold_cents),
        ),
    ]
    context = _frame(enrollment, _("Your request for a fee waiver")) | {
        "waiver": asked,
        "facts": facts,
        "is_waiting": asked.status == WaiverStatus.REQUESTED,
        "reduced_fee": format_minor(asked.reduced_fee_cents) if asked.reduced_fee_cents else "",
    }
    return render(request, "website/payments/waiver_asked.html", context)


@never_cache
@login_required
@require_POST
def withdraw(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take the request back, to pay instead."""
    enrollment = _own(request, pk)
    asked = FeeWaiver.objects.filter(enrollment=enrollment).waiting().first()
    if asked is not None:
        withdraw_waiver(asked)
        messages.success(request, _("Your request is withdrawn. You can pay now, or ask again later."))
    return _see(f"{_course(enrollment)}#fee")
