"""Money that clients' banks ask back, and what we say to it."""

from __future__ import annotations

from django import forms
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from admin_site.actions import ActionForm, post_action
from admin_site.base import ConsoleModelAdmin
from admin_site.lists import ScopedRelatedFilter
from admin_site.pills import status_pill
from admin_site.register import console_register
from core.money import format_minor
from payments.models import Dispute
from payments.services.disputes import accept_dispute, answer_dispute, dispute_guard, note_on_dispute
from payments.services.receipts import receipt_number


class AnswerForm(ActionForm):
    """What the bank reads."""

    evidence = forms.CharField(
        label=_("Our answer"), max_length=20_000, widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_("What was bought and when, that the course was taken, which terms the client accepted. It cannot"
                    " be changed afterwards."),
    )  # fmt: skip


class NoteForm(ActionForm):
    """For colleagues only."""

    note = forms.CharField(label=_("Note"), max_length=2000, widget=forms.Textarea(attrs={"rows": 4}))

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.row is not None:
            self.fields["note"].initial = self.row.note


@console_register(Dispute)
class DisputeAdmin(ConsoleModelAdmin):
    list_display = ("opened_at", "client", "money", "bank_reason", status_pill, "decision", "due_at")
    list_filter = ("status", "decision", "is_inquiry", ("payment__provider", ScopedRelatedFilter))
    list_select_related = ("payment__enrollment__client",)
    search_fields = ("gateway_id__exact", "payment__enrollment__client__last_name__istartswith")
    ordering = ("-opened_at", "id")
    fieldsets = (
        (None, {"fields": ("client", "receipt", "money", "bank_reason", "is_inquiry", "status", "due_at")}),
        (_("Our side"), {"fields": ("decision", "evidence", "note", "failure")}),
        (_("Dates"), {"fields": ("opened_at", "closed_at", "gateway_id")}),
    )
    readonly_fields = (
        "client", "receipt", "money", "bank_reason", "is_inquiry", "due_at", "decision", "evidence", "note", "failure",
        "opened_at", "closed_at", "gateway_id",
    )  # fmt: skip
    read_only = True
    empty_state = _("No disputes. One appears here, and in your mail, when a client’s bank asks for money back.")

    @display(description=_("client"), ordering="payment__enrollment__client__last_name")
    def client(self, dispute):
        return dispute.payment.enrollment.client.full_name

    @display(description=_("payment"))
    def receipt(self, dispute):
        url = reverse("admin:payments_payment_change", args=[dispute.payment_id])
        return format_html('<a href="{}">{}</a>', url, receipt_number(dispute.payment))

    @display(description=_("the bank’s reason"), ordering="cause")
    def bank_reason(self, dispute):
        return dispute.bank_reason

    @display(description=_("amount"), ordering="amount_cents")
    def money(self, dispute):
        return format_minor(dispute.amount_cents, dispute.currency)

    @post_action(
        permission="payments.answer_dispute",
        title=_("Answer the bank"),
        confirm=_("The answer goes to the bank for good. The payment stays on hold until the bank decides."),
        form=AnswerForm,
        available=dispute_guard,
        icon="reply",
        lock=False,
    )
    def answer(self, request, dispute, *, data):
        answer_dispute(dispute, evidence=data["evidence"])
        return _("The answer is on its way to the bank.")

    @post_action(
        permission="payments.answer_dispute",
        title=_("Accept the dispute"),
        confirm=_("The money stays with the client for good. The course and any certificate are not touched."),
        reason=True,
        fresh=True,
        available=dispute_guard,
        icon="money_off",
        danger=True,
        lock=False,
    )
    def accept(self, request, dispute, *, reason):
        accept_dispute(dispute, reason=reason)
        return _("The dispute is being accepted.")

    @post_action(
        permission="payments.change_dispute",
        title=_("Note"),
        confirm=_("For colleagues; the bank never sees it."),
        form=NoteForm,
        icon="edit_note",
        lock=False,
    )
    def take_note(self, request, dispute, *, data):
        note_on_dispute(dispute, note=data["note"])
        return _("Noted.")
