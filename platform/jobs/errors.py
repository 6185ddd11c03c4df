from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core.errors import ErrorText, declare_errors

declare_errors(
    {
        "job_subject_gone": ErrorText(
            _("The record that this job is about is no longer there."), _("Give the job up instead."), 410
        ),
        "job_not_parked": ErrorText(
            _("Only a parked job can be rehearsed."), _("Reload the page to see where the job stands.")
        ),
    }
)
