"""Every component in every state on one page, for the people who build and judge pages."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from core import clock
from website.components import Column, Crumb, Entry, Fact, Step, Table
from website.forms.samples import SampleForm
from website.pages import page_url

SHOWN_IN = frozenset({"local", "demo"})
TONES = ("", "info", "success", "warn", "error")


@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    """The style guide; it does not exist on a deployed site."""
    if not (settings.DEBUG or settings.ENVIRONMENT in SHOWN_IN):
        raise Http404
    return render(request, "website/pages/styleguide.html", _samples(request))


def _samples(request: HttpRequest) -> dict[str, Any]:
    return {
        "crumbs": [Crumb(_("Help and guides"), page_url("docs")), Crumb(_("Style guide"))],
        "tones": TONES,
        "icon_names": ("arrow", "check", "clock", "lock", "phone"),
        "sample_form": SampleForm(auto_id="plain_%s"),
        "faulty_form": SampleForm({"email": "ana@", "household_size": "0"}, auto_id="faulty_%s"),
        "journey": _journey(),
        "waiting": _waiting(),
        "entries": _entries(),
        "facts": _facts(),
        "table": _table(),
        "page_obj": Paginator(range(60), 20).get_page(request.GET.get("page", 2)),
    }


def _journey() -> list[Step]:
    return [
        Step(_("Invited"), "done", done_on=_("March 2")),
        Step(_("Pay or ask for a waiver"), "done", done_on=_("March 3")),
        Step(
            _("Take the course"),
            "current",
            todo=_("You have 35 of 60 minutes. Your place is kept when you stop."),
            by=_("Finish by Friday, April 24, so that your attorney can file in time."),
            url="#journey",
            action=_("Go on with the course"),
        ),
        Step(_("Counselor review"), "upcoming", todo=_("A counselor talks with you.")),
        Step(_("Certificate"), "upcoming"),
        Step(_("Filed with the court"), "upcoming"),
    ]


def _waiting() -> list[Step]:
    return [
        Step(_("Invited"), "done"),
        Step(
            _("Fee waiver"),
            "blocked",
            todo=_("Your provider is looking at your request. You do not need to do anything."),
            by=_("You hear from us by Tuesday, March 10."),
        ),
        Step(_("Take the course"), "upcoming"),
    ]


def _entries() -> list[Entry]:
    now = clock.now()
    return [
        Entry(now, _("Course started"), _("Credit counseling, lesson 1")),
        Entry(now - timedelta(hours=20), _("Payment received"), _("$50.00 by card")),
        Entry(now - timedelta(days=2), _("Invitation sent")),
    ]


def _facts() -> list[Fact]:
    return [
        Fact(_("Course"), _("Credit counseling")),
        Fact(_("Provider"), "Clearwater Credit Counseling"),
        Fact(_("Fee"), "$50.00"),
    ]


def _table() -> Table:
    return Table(
        caption=_("Your enrollments"),
        columns=(Column(_("Course")), Column(_("Provider")), Column(_("Status")), Column(_("Minutes"), is_number=True)),
        rows=(
            (_("Credit counseling"), "Clearwater Credit Counseling", _("Certificate sent"), 72),
            (_("Debtor education"), "Clearwater Credit Counseling", _("In progress"), 35),
        ),
    )
