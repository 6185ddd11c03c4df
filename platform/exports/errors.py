from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core.errors import ErrorText, declare_errors

declare_errors(
    {
        "export_expired": ErrorText(
            _("The file of this export is deleted by now."), _("Start the same export again."), 410
        ),
        "export_not_ready": ErrorText(_("There is no file yet."), _("Wait until the export is ready."), 409),
        "export_right_lost": ErrorText(
            _("You no longer hold the right this export needed, in every organization it covers."),
            _("Ask an administrator of your organization."),
            403,
        ),
        "export_gone": ErrorText(
            _("What was to be exported does not exist any more."), _("Start a new export from the list."), 410
        ),
        "export_filter_invalid": ErrorText(
            _("The list does not know a filter of this export any more."), _("Start a new export from the list."), 400
        ),
        "too_many_exports": ErrorText(
            _("%(limit)s of your exports are under way already."), _("Wait for one of them, or cancel it."), 429
        ),
        "too_many_scheduled_exports": ErrorText(
            _("You have %(limit)s scheduled exports already."), _("Delete one of them first."), 429
        ),
    }
)
