from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core.errors import ErrorText, declare_errors

declare_errors(
    {
        "view_name_taken": ErrorText(
            _("There is a view of this name for the same people."), _("Choose another name, or change that view."), 409
        ),
        "view_needs_organization": ErrorText(
            _("A shared view belongs to an organization."), _("Choose the organization."), 400
        ),
        "view_needs_role": ErrorText(_("A view for a role names the role."), _("Choose the role."), 400),
        "view_too_long": ErrorText(_("This view is too long to keep."), _("Use fewer filters."), 400),
        "edit_undone_already": ErrorText(_("This change was undone already."), _("Nothing is left to do."), 409),
        "edit_not_yours": ErrorText(
            _("Only the person who made this change can undo it."), _("Ask that person, or change the rows again."), 403
        ),
        "nothing_to_edit": ErrorText(_("No field was chosen."), _("Tick the fields to change."), 400),
    }
)
