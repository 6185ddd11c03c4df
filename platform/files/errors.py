from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core.errors import ErrorText, declare_errors

declare_errors(
    {
        "file_empty": ErrorText(_("The file is empty."), _("Choose another file."), 400),
        "file_too_large": ErrorText(_("The file is larger than %(megabytes)s MB."), _("Choose a smaller file."), 413),
        "file_type_not_allowed": ErrorText(
            _("Files of this kind are not accepted."),
            _("Use PDF, JPEG, PNG, CSV, Excel, plain text or JSON."),
            400,
        ),
    }
)
