from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core.errors import ErrorText, declare_errors

declare_errors(
    {
        "approval_own": ErrorText(
            _("You asked for this yourself."), _("Another person who may decide has to look at it."), 403
        ),
        "approval_by_delegate": ErrorText(
            _("You stand in for the person who asked for this."), _("Somebody independent of them has to decide."), 403
        ),
        "approval_outdated": ErrorText(
            _("What was asked for is no longer as it was when it was asked for."),
            _("Deny it, look at the record, and ask again."),
        ),
        "approval_decided": ErrorText(
            _("This request is closed already: %(state)s."), _("Reload the page to see by whom.")
        ),
        "approval_expired": ErrorText(_("This request has expired."), _("Ask again if it is still wanted.")),
        "approval_open": ErrorText(
            _("A request about this record waits for a decision already."), _("Open it, or withdraw it first.")
        ),
        "approval_not_yours": ErrorText(_("Only who asked can take a request back."), _("You can deny it."), 403),
        "delegate_not_able": ErrorText(
            _("This person may not decide here themselves."), _("Choose somebody with the same right."), 400
        ),
        "delegate_self": ErrorText(_("Nobody stands in for themselves."), _("Choose somebody else."), 400),
        "delegation_period": ErrorText(
            _("The time must end after it begins, and last at most 90 days."), _("Choose other days."), 400
        ),
    }
)
