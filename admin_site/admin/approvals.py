"""What waits for another person: the inbox, the limits that call for it, and who stands in for whom."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.apps import apps
from django.contrib import messages
from django.contrib.admin import SimpleListFilter
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from accounts.models import User
from admin_site.actions import ActionForm, console_view, dress, post_action
from admin_site.base import ConsoleModelAdmin
from admin_site.lists import ScopedRelatedFilter
from admin_site.pills import status_pill
from admin_site.register import console_register
from admin_site.site import console
from approvals.enums import DelegationStatus, RequestStatus
from approvals.kinds import find, kinds, title_of
from approvals.models import ApprovalRequest, ApprovalRule, Delegation
from approvals.queries import inbox
from approvals.services.decisions import approval_guard, approve_request, decision_guard, deny_request
from approvals.services.delegations import decidable_kinds, end_delegation, name_delegate
from approvals.services.notices import read_token
from approvals.services.requests import withdraw_guard, withdraw_request
from approvals.services.sealing import is_as_seen
from core.errors import DomainError
from core.money import format_minor

KIND = "kind"


class ForMeFilter(SimpleListFilter):
    """Whose move it is."""

    title = _("inbox")
    parameter_name = "inbox"

    def lookups(self, request, model_admin):
        return [("me", _("Waits for me")), ("own", _("I asked for it"))]

    def queryset(self, request, queryset):
        if self.value() == "me":
            return queryset.filter(pk__in=inbox(request.actor).values("pk"))
        return queryset.filter(requester=request.actor.user_id) if self.value() == "own" else queryset


class KindFilter(SimpleListFilter):
    """Kinds by their names."""

    title = _("kind of act")
    parameter_name = "kind"

    def lookups(self, request, model_admin):
        return [(kind.code, kind.title) for kind in kinds()]

    def queryset(self, request, queryset):
        return queryset.filter(kind=self.value()) if self.value() else queryset


class CommentForm(ActionForm):
    """What who asked reads beside the decision."""

    note = forms.CharField(
        label=_("Comment"), required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Who asked reads this."),
    )  # fmt: skip


class DenialForm(CommentForm):
    """A denial says why."""

    note = forms.CharField(
        label=_("Why not"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Who asked reads this."),
    )  # fmt: skip


@console_register(ApprovalRequest)
class ApprovalRequestAdmin(ConsoleModelAdmin):
    list_display = (
        "created_at", "what_kind", "subject_label", "amount", "requester_name", "why", status_pill, "expires_at",
    )  # fmt: skip
    list_filter = (ForMeFilter, "status", KindFilter, ("organization", ScopedRelatedFilter))
    search_fields = ("subject_label__istartswith", "requester_name__istartswith", "id__exact")
    ordering = ("-created_at", "id")
    fieldsets = (
        (_("What is asked for"), {"fields": ("what_kind", "amount", "what", "reason", "subject")}),
        (_("Who and when"), {"fields": ("requester_name", "created_at", "expires_at", "status")}),
        (_("Decision"), {"fields": ("decider_name", "decided_at", "decision_note", "outcome")}),
    )
    readonly_fields = (
        "what_kind", "amount", "what", "reason", "subject", "requester_name", "created_at", "expires_at",
        "decider_name", "decided_at", "decision_note", "outcome",
    )  # fmt: skip
    read_only = True
    empty_state = _(
        "Nothing was asked for yet. A request appears here when an act is above your organization’s limit, for instance"
        " a large refund. Limits: Approval limits."
    )

    @display(description=_("kind of act"), ordering="kind")
    def what_kind(self, request):
        return title_of(request.kind)

    @display(description=_("amount"), ordering="amount_cents")
    def amount(self, request):
        return request.money

    @display(description=_("reason"))
    def why(self, request):
        return request.reason if len(request.reason) <= 60 else f"{request.reason[:59]}…"

    @display(description=_("what exactly"))
    def what(self, request):
        """Exactly what an approval would do, line by line, and whether it is still as it was seen."""
        facts = format_html_join("", "<dt>{}</dt><dd>{}</dd>", find(request.kind).facts(request))
        if request.status == RequestStatus.PENDING and not is_as_seen(request):
            warning = str(DomainError("approval_outdated"))
            return format_html('<p class="console-refusal">{}</p><dl class="console-facts">{}</dl>', warning, facts)
        return format_html('<dl class="console-facts">{}</dl>', facts)

    @display(description=_("record"))
    def subject(self, request):
        model = apps.get_model(request.subject_type)
        if not console.is_registered(model):
            return request.subject_label
        address = console.get_model_admin(model).address_name("change")
        return format_html(
            '<a href="{}">{}</a>', reverse(f"admin:{address}", args=[request.subject_id]), request.subject_label
        )

    @console_view("from-mail/", permission="approvals.decide_approvalrequest", detail=False)
    def from_mail(self, request):
        """The way from a mail to the request, for the person it was written to. It decides nothing."""
        found = read_token(request.GET.get("t", "")[:400])
        mine = found is not None and UUID(found[1]) == request.actor.user_id
        row = self.get_object(request, found[0]) if found is not None and mine else None
        if row is None:
            messages.warning(request, _("This link is not for you, or it is no longer good. Here is what waits."))
            return HttpResponseRedirect(f"{self.list_url()}?inbox=me")
        return HttpResponseRedirect(self.record_url(row))

    @post_action(
        permission="approvals.decide_approvalrequest",
        title=_("Approve"),
        confirm=_("It is done at once, exactly as it is shown on the request, and who asked gets a mail."),
        form=CommentForm,
        fresh=True,
        available=approval_guard,
        icon="check",
        bulk=True,
        lock=False,
    )
    def approve(self, request, approval, *, data):
        return approve_request(approval, note=data["note"]).outcome

    @post_action(
        permission="approvals.decide_approvalrequest",
        title=_("Deny"),
        confirm=_("Nothing is done, and who asked gets a mail with your comment."),
        form=DenialForm,
        available=decision_guard,
        icon="block",
        danger=True,
        bulk=True,
        lock=False,
    )
    def deny(self, request, approval, *, data):
        deny_request(approval, note=data["note"])
        return _("Denied.")

    @post_action(
        permission="approvals.withdraw_approvalrequest",
        title=_("Take back"),
        confirm=_("Nobody is asked any more. You can ask again."),
        available=withdraw_guard,
        icon="undo",
        lock=False,
    )
    def withdraw(self, request, approval):
        withdraw_request(approval)
        return _("The request is taken back.")


def _kind_choices(*, every: bool):
    return [("", _("Every kind"))] * every + [(kind.code, kind.title) for kind in kinds()]


@console_register(ApprovalRule)
class ApprovalRuleAdmin(ConsoleModelAdmin):
    list_display = ("organization_name", "what_kind", "limit")
    list_filter = (KindFilter, ("organization", ScopedRelatedFilter))
    list_select_related = ("organization",)
    search_fields = ("organization__name__istartswith",)
    fields = ("organization", "kind", "limit_cents")
    ordering = ("organization__name", "id")
    empty_state = _(
        "No limits yet, so one person suffices for everything. Add one to have a second person look at large amounts."
    )

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        if db_field.name == KIND:
            field = forms.ChoiceField(label=_("kind of act"), choices=_kind_choices(every=False))
            dress(field)
            return field
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_fields(self, request, obj=None):
        """The kind of a limit stays; only the amount changes."""
        return ("organization", "what_kind", "limit_cents") if obj is not None else self.fields

    def get_readonly_fields(self, request, obj=None):
        return (*super().get_readonly_fields(request, obj), "what_kind")

    @display(description=_("organization"), ordering="organization__name")
    def organization_name(self, rule):
        return rule.organization.name

    @display(description=_("kind of act"), ordering="kind")
    def what_kind(self, rule):
        return title_of(rule.kind)

    @display(description=_("up to this amount one person suffices"), ordering="limit_cents")
    def limit(self, rule):
        return format_minor(rule.limit_cents)


@console_register(Delegation)
class DelegationAdmin(ConsoleModelAdmin):
    list_display = ("giver_name", "taker_name", "what_kind", "starts_at", "ends_at", status_pill)
    list_filter = ("status", ("organization", ScopedRelatedFilter))
    search_fields = ("giver_name__istartswith", "taker_name__istartswith")
    fields = ("organization", "taker", KIND, "starts_at", "ends_at", "reason")
    ordering = ("-starts_at", "id")
    empty_state = _(
        "Nobody stands in for anybody. Before you are away, name somebody who may decide as you do; they get the mails."
    )

    def has_change_permission(self, request, obj=None):
        """What was agreed stays; it can be ended."""
        return False

    def related_queryset(self, db_field, request):
        """Colleagues in sight, not oneself."""
        found = super().related_queryset(db_field, request)
        if db_field.name == "taker":
            found = User.objects.filter(is_active=True, is_process=False).filter(pk__in=found.values("pk"))
            return found.exclude(pk=request.actor.user_id)
        return found

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        if db_field.name == KIND:
            choices = [("", _("Every kind")), *((kind.code, kind.title) for kind in decidable_kinds())]
            field = forms.ChoiceField(label=_("kind of act"), choices=choices, required=False)
            dress(field)
            return field
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def save_model(self, request, obj, form, change):
        """Through the service, in the name of who is away: the acting person."""
        if obj.organization_id is not None or not request.actor.platform_role:
            self.settle_tenant(request, obj, change=change)
        made = name_delegate(
            obj.taker,
            organization=obj.organization,
            starts_at=obj.starts_at,
            ends_at=obj.ends_at,
            kind=obj.kind,
            reason=obj.reason,
        )
        obj.pk, obj._state.adding = made.pk, False
        obj.giver_name, obj.taker_name = made.giver_name, made.taker_name

    @display(description=_("kind of act"))
    def what_kind(self, delegation):
        return title_of(delegation.kind) if delegation.kind else _("Every kind")

    @post_action(
        permission="approvals.end_delegation",
        title=_("End now"),
        confirm=_("From now on nobody stands in any more."),
        states={DelegationStatus.ACTIVE},
        icon="event_busy",
        lock=False,
    )
    def end(self, request, delegation):
        end_delegation(delegation)
        return _("Ended.")
