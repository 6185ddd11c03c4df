from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core.errors import ErrorText, declare_errors

declare_errors(
    {
        "already_paid": ErrorText(_("This course is already paid for."), _("You can go on with the course.")),
        "nothing_to_pay": ErrorText(_("There is nothing to pay."), _("You can go on with the course.")),
        "payment_not_open": ErrorText(
            _("This course cannot be paid for now."), _("Reload the page to see where it stands.")
        ),
        "cards_not_available": ErrorText(
            _("Card payment is not set up here."), _("Please ask your provider how to pay."), 503
        ),
        "gateway_unavailable": ErrorText(
            _("The card service did not answer."),
            _("Nothing was charged twice. Please try again in a minute."),
            503,
        ),
        "manual_payment_not_allowed": ErrorText(
            _("Payments can be recorded by hand only while no card service is set up."),
            _("Ask the client to pay by card, or decide about a fee waiver."),
            403,
        ),
        "manual_amount_invalid": ErrorText(
            _("The amount must be above zero and at most the fee due, %(due)s."), _("Enter what really arrived."), 400
        ),
        "manual_payment_only": ErrorText(
            _("Only payments recorded by hand carry a reference that can be corrected."),
            _("A payment by card has the gateway’s own reference."),
            409,
        ),
        "payment_noted_already": ErrorText(
            _("Another payment of this enrollment is recorded under this reference."),
            _("Look at both payments before you correct one."),
            409,
        ),
        "refund_too_large": ErrorText(_("At most %(left)s can be given back."), _("Enter a smaller amount."), 400),
        "refund_not_possible": ErrorText(
            _("This payment cannot be refunded now."), _("Only money that has arrived can be given back.")
        ),
        "payment_disputed": ErrorText(
            _("The client’s bank disputes this payment, so nothing can be given back now."),
            _("Open the dispute. When the bank has decided for us, a refund is possible again."),
        ),
        "payment_lost": ErrorText(
            _("The client’s bank took this payment back after a dispute."), _("There is nothing left to give back.")
        ),
        "refund_method_impossible": ErrorText(
            _("This payment did not come by card, so it cannot go back to a card."), _("Give it back by hand."), 400
        ),
        "refund_reference_needed": ErrorText(
            _("Say how the money goes back, for instance the number of the check."), _("Enter the reference."), 400
        ),
        "refund_plan_empty": ErrorText(_("No amount was entered."), _("Enter what goes back."), 400),
        "refund_plan_mixed": ErrorText(
            _("These payments belong to different organizations."), _("Refund each organization’s payments apart."), 400
        ),
        "dispute_decided": ErrorText(
            _("It is decided already what we say to the bank."), _("Wait for the bank; reload the page later.")
        ),
        "dispute_over": ErrorText(_("This dispute is over: %(state)s."), _("There is nothing left to do.")),
        "dispute_answer_needed": ErrorText(
            _("Write what the bank should know."), _("Say what was bought, when, and how it was used."), 400
        ),
        "waiver_already_asked": ErrorText(
            _("You have already asked for a fee waiver."), _("Your provider will answer. You do not need to ask again.")
        ),
        "waiver_open": ErrorText(
            _("You asked for a fee waiver, and your provider has not answered yet."),
            _("Wait for the answer, or withdraw the request if you would rather pay."),
        ),
        "waiver_superseded": ErrorText(
            _("The client asked again after this request."), _("Decide about the newer request.")
        ),
        "waiver_fee_needed": ErrorText(
            _("A reduced fee must be above zero and below the usual fee."),
            _("Enter the reduced fee, or waive all of it."),
            400,
        ),
        "waiver_note_needed": ErrorText(_("Say why the waiver is denied."), _("The client sees this note."), 400),
    }
)
