"""What the console itself refuses."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core.errors import ErrorText, declare_errors

declare_errors(
    {
        "action_not_now": ErrorText(
            _("This is not possible while it is “%(state)s”."), _("See on this page what comes next."), 409
        ),
        "too_many_selected": ErrorText(
            _("You selected %(count)s; at most %(limit)s can be done at once."),
            _("Select fewer, or filter the list first."),
            400,
        ),
        "too_many_to_edit": ErrorText(
            _("You selected %(count)s; at most %(limit)s can be changed at once, each by its own form and rules."),
            _("Filter the list first. A list that can be imported takes more: export it, change the file, import it."),
            400,
        ),
        "nothing_selected": ErrorText(_("Nothing is selected."), _("Tick at least one line in the list."), 400),
    }
)
