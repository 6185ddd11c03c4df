"""The console's sidebar: work first, then records, then what runs behind; only what the person may open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from admin_site.dashboard import BADGE_LIMIT, badges


@dataclass(frozen=True, slots=True)
class Entry:
    """A list of one model, by label, with its icon; `badge` names the queue whose count it wears."""

    model: str
    icon: str
    badge: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    title: Any
    entries: tuple[Entry, ...]
    collapsible: bool = False


SECTIONS = (
    Section(
        gettext_lazy("Clients"),
        (
            Entry("enrollments.enrollmentrequest", "inbox", "requests"),
            Entry("enrollments.enrollment", "school", "review"),
            Entry("enrollments.client", "person"),
            Entry("enrollments.household", "family_restroom"),
            Entry("enrollments.counselorinteraction", "forum"),
            Entry("courses.coursesession", "timer"),
        ),
    ),
    Section(
        gettext_lazy("Certificates"),
        (
            Entry("certificates.certificate", "workspace_premium"),
            Entry("certificates.courtfiling", "gavel", "filings"),
            Entry("certificates.cgsnumber", "tag"),
        ),
    ),
    Section(
        gettext_lazy("Money"),
        (
            Entry("payments.payment", "payments"),
            Entry("payments.feewaiver", "volunteer_activism", "waivers"),
            Entry("payments.refund", "undo"),
            Entry("payments.dispute", "gavel", "disputes"),
            Entry("approvals.approvalrequest", "order_approve", "approvals"),
            Entry("approvals.approvalrule", "tune"),
            Entry("approvals.delegation", "group_work"),
            Entry("proofs.proofdifference", "difference", "differences"),
            Entry("proofs.proofrun", "fact_check"),
        ),
    ),
    Section(
        gettext_lazy("Organizations"),
        (
            Entry("organizations.organization", "domain"),
            Entry("organizations.providerprofile", "badge"),
            Entry("organizations.firmprofile", "balance"),
            Entry("providers.providerapplication", "assignment", "applications"),
            Entry("providers.districtapproval", "fact_check"),
            Entry("organizations.membership", "groups"),
            Entry("organizations.invitation", "mail", "invitations"),
            Entry("accounts.user", "account_circle"),
        ),
    ),
    Section(
        gettext_lazy("Exports"),
        (Entry("exports.exportrun", "download"), Entry("exports.scheduledexport", "schedule_send")),
        collapsible=True,
    ),
    Section(
        gettext_lazy("Content"),
        (
            Entry("courses.course", "menu_book"),
            Entry("enrollments.disclosureset", "description"),
            Entry("providers.district", "map"),
        ),
        collapsible=True,
    ),
    Section(
        gettext_lazy("Behind the scenes"),
        (
            Entry("jobs.job", "sync", "jobs"),
            Entry("imports.importrun", "upload_file"),
            Entry("notifications.message", "outgoing_mail", "messages"),
            Entry("notifications.notificationdelivery", "local_shipping"),
            Entry("files.storedfile", "folder"),
            Entry("payments.gatewayevent", "webhook"),
            Entry("jobs.downtime", "monitor_heart", "downtimes"),
            Entry("jobs.workerheartbeat", "memory"),
            Entry("jobs.scheduleslot", "schedule"),
            Entry("audit.auditevent", "policy"),
            Entry("audit.systemevent", "warning"),
        ),
        collapsible=True,
    ),
)


WORN = frozenset(entry.badge for section in SECTIONS for entry in section.entries if entry.badge)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar for unfold: every section with what this person may view, and one query for all counts."""
    counts = badges(request, WORN)
    home = {"title": _("Home"), "icon": "home", "link": reverse("admin:index")}
    groups = [{"title": "", "items": [home], "separator": False}]
    for section in SECTIONS:
        items = [_item(entry, model, counts) for entry, model in _viewable(request, section)]
        if items:
            groups.append({"title": section.title, "items": items, "collapsible": section.collapsible})
    return groups


def viewable_models(request: HttpRequest) -> list[tuple[Entry, type[models.Model]]]:
    """Every list the person may open, in the sidebar's order."""
    return [pair for section in SECTIONS for pair in _viewable(request, section)]


def _viewable(request: HttpRequest, section: Section) -> list[tuple[Entry, type[models.Model]]]:
    from admin_site.site import console  # noqa: PLC0415 -- the site reads the navigation

    found = []
    for entry in section.entries:
        model = apps.get_model(entry.model)
        if console.is_registered(model) and console.get_model_admin(model).has_view_permission(request):
            found.append((entry, model))
    return found


def _item(entry: Entry, model: type[models.Model], counts: dict[str, int]) -> dict[str, Any]:
    meta = model._meta
    item: dict[str, Any] = {
        "title": str(meta.verbose_name_plural).capitalize(),
        "icon": entry.icon,
        "link": reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist"),
    }
    if waiting := counts.get(entry.badge):
        shown = str(waiting) if waiting <= BADGE_LIMIT else f"{BADGE_LIMIT}+"
        item |= {"badge": shown, "badge_variant": "primary"}
    return item
