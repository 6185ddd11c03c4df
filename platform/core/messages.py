"""Errors that every room shares."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core.errors import ErrorText, declare_errors

declare_errors(
    {
        "transition_not_allowed": ErrorText(
            _("This step is not possible now: it is “%(before)s” and cannot become “%(after)s”."),
            _("Reload the page to see where it stands."),
        ),
        "permission_denied": ErrorText(_("You may not do this."), _("Ask an administrator of your organization."), 403),
        "not_found": ErrorText(_("We could not find that."), _("Check the address or start again."), 404),
        "too_many_requests": ErrorText(
            _("That was too often in a short time."), _("Please wait %(seconds)s seconds and try again."), 429
        ),
        "reason_required": ErrorText(_("A reason is required."), _("Say in a sentence why you do this."), 400),
        "read_only": ErrorText(
            _("We are working on the system and cannot save anything right now."),
            _("You can read everything. Please try again in a few minutes."),
            503,
        ),
        "changed_meanwhile": ErrorText(
            _("Someone else changed this in the meantime."),
            _("Reload, look at it again, and repeat what you did."),
        ),
    }
)
