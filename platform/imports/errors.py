from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core.errors import ErrorText, declare_errors

_AGAIN = _("Upload the file again.")

declare_errors(
    {
        "import_expired": ErrorText(
            _("This upload can no longer be confirmed: it was confirmed already, or is older than an hour."),
            _AGAIN,
            410,
        ),
        "import_changed": ErrorText(
            _("The records changed after the preview, so the outcome would be another."),
            _("Look at the new preview and confirm again."),
            409,
        ),
        "import_not_yours": ErrorText(
            _("You may not import this."), _("Ask an administrator of your organization."), 403
        ),
        "import_not_the_uploader": ErrorText(
            _("Only the person who uploaded the file can do this."), _("Ask them, or upload the file yourself."), 403
        ),
        "import_not_now": ErrorText(
            _("This import is “%(state)s”; that cannot be done now."), _("Look at it again in a moment."), 409
        ),
        "import_has_refused_rows": ErrorText(
            _("%(count)s rows are refused, so nothing can be saved."),
            _("Correct them and upload the file again, or choose to leave them out."),
            409,
        ),
        "import_undo_touched": ErrorText(
            _("%(count)s of its rows were changed or used since: %(rows)s."),
            _("Undo those changes first, or correct single records by hand."),
            409,
        ),
        "import_undo_not_offered": ErrorText(
            _("What this import wrote cannot be taken back as a whole."),
            _("Money and official numbers stay on record; refund or void them one by one."),
            409,
        ),
        "import_failed": ErrorText(
            _("The work broke off several times and was given up."),
            _("What is written so far stays and can be undone; ask the platform's support."),
            500,
        ),
        "import_nothing_to_undo": ErrorText(_("This import wrote nothing."), _("There is nothing to take back."), 409),
    }
)
