"""What signing in refuses."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core.errors import ErrorText, declare_errors

declare_errors(
    {
        "second_factor_needed": ErrorText(
            _("Your role needs a second step at sign-in."), _("Set it up on your account page, then go on here."), 403
        ),
        "proof_wrong": ErrorText(
            _("That is neither your password nor a code that counts now."), _("Try again; a code counts once."), 403
        ),
        "no_session": ErrorText(_("This person is signed in nowhere."), _("There is nothing to end.")),
        "no_second_factor": ErrorText(
            _("This person has no second step."), _("There is nothing to reset; they can sign in with the password.")
        ),
        "link_unusable": ErrorText(
            _("This link can no longer be used."), _("Choose a new password from the sign-in page."), 410
        ),
        "address_taken": ErrorText(
            _("The address you had before cannot be given back."), _("Write to us; we look into it with you."), 409
        ),
    }
)
