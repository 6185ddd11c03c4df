"""Mails and what became of them."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from admin_site.actions import post_action
from admin_site.base import ConsoleModelAdmin
from admin_site.inlines import ConsoleTabularInline
from admin_site.lists import ScopedRelatedFilter
from admin_site.pills import state_pill, tone_of, tone_pill
from admin_site.register import console_register
from notifications.enums import MessageState
from notifications.models import Message, NotificationDelivery
from notifications.services import resend_message


class DeliveryInline(ConsoleTabularInline):
    model = NotificationDelivery
    fields = ("attempt", "at", "provider", "result", "error")
    ordering = ("-attempt",)


@console_register(Message)
class MessageAdmin(ConsoleModelAdmin):
    list_display = ("subject", state_pill, "to", "event", "language", "created_at", "sent_at")
    list_filter = ("state", "language", ("organization", ScopedRelatedFilter))
    search_fields = ("to__istartswith", "event__istartswith", "message_id__exact")
    ordering = ("-created_at", "id")
    fields = (
        "subject", "state", "to", "event", "language", "organization", "text", "created_at", "sent_at",
        "message_id", "about_type", "about_id", "correlation_id",
    )  # fmt: skip
    inlines = (DeliveryInline,)
    read_only = True
    status_field = "state"
    empty_state = _("No mail has been written yet.")

    @display(description=_("text"))
    def text(self, message):
        if message.lets_its_reader_in:
            return _("Not shown: it holds a link that only the addressee may use. Invite again to send a fresh one.")
        return message.text_body

    @post_action(
        permission="notifications.resend_message",
        title=_("Send again"),
        confirm=_("The same text goes to the same address once more, under the same Message-ID."),
        reason=True,
        states={MessageState.SENT, MessageState.FAILED},
        state_field="state",
        icon="forward_to_inbox",
        row=True,
        bulk=True,
    )
    def resend(self, request, message, *, reason):
        resend_message(message, reason=reason)
        return _("The mail waits to be sent.")


@console_register(NotificationDelivery)
class NotificationDeliveryAdmin(ConsoleModelAdmin):
    list_display = ("at", "result_pill", "event", "provider", "attempt", "error")
    list_filter = ("result",)
    search_fields = ("event__istartswith", "provider__exact", "provider_id__exact")
    ordering = ("-at", "id")
    fields = ("message", "event", "attempt", "at", "provider", "result", "provider_id", "error")
    list_select_related = False
    read_only = True

    @display(description=_("result"), ordering="result")
    def result_pill(self, delivery):
        return tone_pill(tone_of(delivery.result), delivery.get_result_display())
