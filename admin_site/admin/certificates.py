"""Certificates and the official numbers they carry."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from admin_site.actions import ActionForm, console_view, post_action
from admin_site.base import ConsoleModelAdmin
from admin_site.exchange import ConsoleImportExport
from admin_site.lists import ScopedRelatedFilter
from admin_site.pills import status_pill
from admin_site.register import console_register
from certificates.codes import grouped
from certificates.enums import CertificateStatus, NumberStatus
from certificates.facts import verify_url
from certificates.models import Certificate, CgsNumber
from certificates.queries import pool_levels, waiting_for_number
from certificates.services.changes import replace_certificate, revoke_certificate
from certificates.services.numbers import add_number, void_number
from core.errors import DomainError
from files.links import signed_link
from organizations.models import Organization
from resources.certificates import CgsNumberResource


def _link(url: str, text: Any) -> SafeString:
    return format_html('<a href="{}">{}</a>', url, text)


class ReplaceForm(ActionForm):
    client_name = forms.CharField(
        required=False,
        max_length=200,
        label=_("Name as it must be printed"),
        help_text=_("Leave empty to print the client’s name as it is on record now."),
    )


@console_register(Certificate)
class CertificateAdmin(ConsoleModelAdmin):
    list_display = ("number", status_pill, "kind", "client", "provider_name", "issued_at", "simulated")
    list_filter = ("status", "kind", "is_simulated", ("provider", ScopedRelatedFilter))
    search_through = "enrollment"
    search_exact = ("number", "verification_code")
    search_help_text = _("Number, code, name or e-mail of the client")
    date_drill = "issued_at"
    ordering = ("-issued_at", "id")
    fields = (
        "number", "serial", "status", "is_simulated", "kind", "provider_name", "client", "course",
        "language", "issued_at", "issued_by", "document", "verification", "released_to", "replaces", "revoke_reason",
        "closed_at",
    )  # fmt: skip
    readonly_fields = fields
    read_only = True
    empty_state = _("No certificates yet. They appear when a completed course gets its certificate.")

    def get_queryset(self, request: HttpRequest) -> Any:
        """The provider comes as a name: a closed one, joined, would take the row with it."""
        names = Organization.objects.filter(pk=OuterRef("provider_id")).values("name")
        return super().get_queryset(request).annotate(named_provider=Subquery(names))

    @display(description=_("provider"), ordering="provider__name")
    def provider_name(self, certificate: Any) -> str:
        return certificate.named_provider or certificate.facts["agency_name"]

    @display(description=_("client"))
    def client(self, certificate: Certificate) -> str:
        """As printed: a firm may see a certificate whose client's record is not its own."""
        return certificate.facts["client_name"]

    @display(description=_("enrollment"))
    def course(self, certificate: Certificate) -> SafeString:
        address = reverse("admin:enrollments_enrollment_change", args=[certificate.enrollment_id])
        return _link(address, _("Open the enrollment"))

    @display(description=_("simulated"), boolean=True, ordering="is_simulated")
    def simulated(self, certificate: Certificate) -> bool:
        return certificate.is_simulated

    @display(description=_("document"))
    def document(self, certificate: Certificate) -> SafeString | str:
        return _link("download/", _("Download the PDF")) if certificate.pdf_id else "–"

    @display(description=_("verification"))
    def verification(self, certificate: Certificate) -> SafeString:
        return _link(verify_url(certificate), grouped(certificate.verification_code))

    @console_view("change/download/", permission="certificates.download_certificate")
    def download(self, request: HttpRequest, certificate: Certificate) -> HttpResponse:
        """To the document, by a link that is good for a quarter of an hour and for this person."""
        if certificate.pdf is None:
            raise DomainError("not_found")
        return HttpResponseRedirect(signed_link(certificate.pdf, request.user))  # type: ignore[arg-type]  # -- signed in

    @post_action(
        permission="certificates.replace_certificate",
        title=_("Replace"),
        fresh=True,
        confirm=_(
            "A new certificate with a new number takes its place. This one answers “replaced” from then on, and the"
            " client is told. With official numbers, one must be in the pool."
        ),
        reason=True,
        form=ReplaceForm,
        states={CertificateStatus.VALID},
        icon="autorenew",
        lock=False,
    )
    def replace(self, request: HttpRequest, certificate: Certificate, *, reason: str, data: dict[str, Any]) -> Any:
        new = replace_certificate(certificate, reason=reason, client_name=data["client_name"])
        return _("Replaced by %(number)s.") % {"number": new.number}

    @post_action(
        permission="certificates.revoke_certificate",
        title=_("Revoke"),
        fresh=True,
        confirm=_(
            "The certificate stays on record as revoked, and the client is told. This cannot be undone. If only"
            " something on it is wrong, replace it instead."
        ),
        reason=True,
        states={CertificateStatus.VALID},
        icon="block",
        danger=True,
        lock=False,
    )
    def revoke(self, request: HttpRequest, certificate: Certificate, *, reason: str) -> Any:
        revoke_certificate(certificate, reason=reason)
        return _("Revoked.")


@console_register(CgsNumber)
class CgsNumberAdmin(ConsoleImportExport, ConsoleModelAdmin):
    resource_class = CgsNumberResource
    list_display = ("number", status_pill, "kind", "district", "provider", "enrollment", "batch", "created_at")
    list_filter = ("status", "kind", ("provider", ScopedRelatedFilter))
    list_select_related = ("district", "provider", "enrollment__client")
    search_fields = ("number__istartswith",)
    fields = ("provider", "kind", "district", "number", "enrollment", "batch", "status")
    autocomplete_fields = ("enrollment",)
    list_before_template = "console/certificates/levels_link.html"
    empty_state = _(
        "No official numbers yet. Draw them in the government’s system, then import the list or type them one by one."
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """A recorded number never changes; only its reservation may, through a new import or by voiding it."""
        return self.fields if obj is not None else super().get_readonly_fields(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Through the service, which checks the number and wakes what waits for it."""
        self.settle_tenant(request, obj, change=change)
        made = add_number(
            obj.provider,
            obj.number,
            kind=obj.kind,
            court_id=obj.district_id,
            enrollment=obj.enrollment,
            batch=obj.batch,
        )
        obj.pk, obj._state.adding = made.pk, False

    @console_view("levels/", permission="certificates.view_cgsnumber", detail=False)
    def levels(self, request: Any) -> HttpResponse:
        """How many numbers are left, and which certificates wait for one."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("Numbers left"),
            "opts": self.opts,
            "levels": pool_levels(request.actor),
            "waiting": waiting_for_number(request.actor)[:100],
        }
        return render(request, "console/certificates/levels.html", context)

    @post_action(
        permission="certificates.change_cgsnumber",
        title=_("Void"),
        confirm=_("The number leaves the pool for good."),
        reason=True,
        states={NumberStatus.AVAILABLE},
        icon="block",
        danger=True,
        bulk=True,
    )
    def void(self, request: HttpRequest, number: CgsNumber, *, reason: str) -> Any:
        void_number(number, reason=reason)
        return _("Void.")
