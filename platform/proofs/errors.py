from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core.errors import ErrorText, declare_errors

declare_errors(
    {
        "no_fix_known": ErrorText(
            _("There is no act that mends this difference."), _("Look into it, and explain why it may stand.")
        ),
        "gateway_has_no_page": ErrorText(
            _("The gateway knows no card page behind this charge."),
            _("Look the charge up at the gateway; refund it there if it is not ours."),
        ),
    }
)
