"""The queue of debtor education certificates on their way to the court."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from admin_site.actions import ActionForm, console_view, post_action
from admin_site.base import ConsoleModelAdmin
from admin_site.lists import ScopedRelatedFilter
from admin_site.pills import status_pill
from admin_site.register import console_register
from certificates.enums import FilingStatus
from certificates.models import CourtFiling
from certificates.services.filing import close_filing, mark_filed, return_filing
from core import clock
from core.errors import DomainError
from files.links import signed_link


class FiledForm(ActionForm):
    """What proves that the court has it."""

    filed_on = forms.DateField(label=_("Filed on"), widget=forms.DateInput())
    docket_number = forms.CharField(required=False, max_length=40, label=_("Docket number"))
    evidence = forms.FileField(
        label=_("Notice of electronic filing (PDF)"), help_text=_("As the court sent it, at most 10 MB.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["filed_on"].initial = clock.today()

    def clean_evidence(self) -> bytes:
        return self.cleaned_data["evidence"].read()


@console_register(CourtFiling)
class CourtFilingAdmin(ConsoleModelAdmin):
    list_display = ("client", status_pill, "case_number", "district", "deadline", "filed_on", "docket_number")
    list_filter = ("status", ("provider", ScopedRelatedFilter))
    list_select_related = ("enrollment__client", "enrollment__district")
    search_through = "enrollment"
    search_exact = ("docket_number",)
    search_help_text = _("Name, case, certificate or docket number")
    ordering = ("-created_at", "id")
    fields = (
        "provider", "enrollment", "certificate", "case_number", "district", "deadline", "status", "filed_on",
        "docket_number", "proof", "filed_by", "note", "created_at",
    )  # fmt: skip
    readonly_fields = fields
    read_only = True
    empty_state = _(
        "Nothing waits for a court. Debtor education certificates appear here once they are issued; counseling"
        " certificates never do."
    )

    @display(description=_("client"), ordering="enrollment__client__last_name")
    def client(self, filing: CourtFiling) -> str:
        return str(filing.enrollment.client)

    @display(description=_("case number"))
    def case_number(self, filing: CourtFiling) -> str:
        return filing.enrollment.case_number

    @display(description=_("district"))
    def district(self, filing: CourtFiling) -> str:
        return str(filing.enrollment.district)

    @display(description=_("deadline"), ordering="enrollment__de_filing_deadline")
    def deadline(self, filing: CourtFiling) -> Any:
        return filing.enrollment.de_filing_deadline

    @display(description=_("notice of electronic filing"))
    def proof(self, filing: CourtFiling) -> SafeString | str:
        return format_html('<a href="{}">{}</a>', "evidence/", _("Download the notice")) if filing.evidence_id else "–"

    @console_view("change/evidence/", permission="certificates.view_courtfiling")
    def download_evidence(self, request: HttpRequest, filing: CourtFiling) -> HttpResponse:
        if filing.evidence is None:
            raise DomainError("not_found")
        return HttpResponseRedirect(signed_link(filing.evidence, request.user))  # type: ignore[arg-type]  # -- signed in

    @post_action(
        permission="certificates.file_courtfiling",
        title=_("Mark filed"),
        confirm=_("You filed the certificate with the court and have its notice. The enrollment ends as filed."),
        form=FiledForm,
        states={FilingStatus.QUEUED, FilingStatus.RETURNED},
        icon="gavel",
        row=True,
        lock=False,
    )
    def file(self, request: HttpRequest, filing: CourtFiling, *, data: dict[str, Any]) -> Any:
        mark_filed(filing, **data)
        return _("Filed. The evidence is kept.")

    @post_action(
        permission="certificates.file_courtfiling",
        title=_("Returned by the court"),
        confirm=_("The court sent it back. It stands in the queue again."),
        reason=True,
        states={FilingStatus.FILED},
        icon="undo",
        lock=False,
    )
    def returned(self, request: HttpRequest, filing: CourtFiling, *, reason: str) -> Any:
        return_filing(filing, reason=reason)
        return _("It stands in the queue again.")

    @post_action(
        permission="certificates.file_courtfiling",
        title=_("Close without filing"),
        confirm=_("Somebody else files it, or nothing is to be filed. The client sees that the provider does not."),
        reason=True,
        states={FilingStatus.QUEUED, FilingStatus.RETURNED},
        icon="do_not_disturb_on",
        lock=False,
    )
    def close(self, request: HttpRequest, filing: CourtFiling, *, reason: str) -> Any:
        close_filing(filing, reason=reason)
        return _("Closed.")
