"""What a person says about an export: format, columns, and how often."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from admin_site.actions import dress
from admin_site.proof import ProofForm
from exports.enums import ExportFormat, Frequency


class ExportForm(ProofForm):
    """Which format leaves, and which columns."""

    format = forms.ChoiceField(choices=ExportFormat, label=_("Format"))
    columns = forms.ChoiceField(
        choices=[("all", _("All columns")), ("shown", _("The columns of the list"))],
        label=_("Columns"),
        required=False,
    )

    def __init__(
        self, *args: Any, request: HttpRequest, shown: Sequence[str], all_columns: Sequence[str], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        for bound in self.fields.values():
            dress(bound)
        self.ask_for_proof()
        self.sets = [(_("All columns"), all_columns), (_("The columns of the list"), shown)]

    def clean_columns(self) -> str:
        return self.cleaned_data["columns"] or "all"


class ScheduleForm(ProofForm):
    """When a link is sent, every time."""

    frequency = forms.ChoiceField(choices=Frequency, label=_("How often"), initial=Frequency.WEEK)
    weekday = forms.TypedChoiceField(
        choices=list(WEEKDAYS.items()), coerce=int, label=_("Day of the week"), initial=calendar.MONDAY,
        help_text=_("For weekly exports."),
    )  # fmt: skip
    month_day = forms.IntegerField(
        min_value=1, max_value=28, initial=1, label=_("Day of the month"), help_text=_("For monthly exports.")
    )
    hour = forms.TypedChoiceField(
        choices=[(hour, f"{hour:02}:00") for hour in range(24)], coerce=int, initial=7, label=_("Hour")
    )
    format = forms.ChoiceField(choices=ExportFormat, label=_("Format"))

    def __init__(self, *args: Any, request: HttpRequest, zone: str, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="schedule_%s", **kwargs)
        self.request = request
        self.fields["hour"].help_text = _("Time in %(zone)s.") % {"zone": zone.replace("_", " ")}
        for bound in self.fields.values():
            dress(bound)
        self.ask_for_proof()

    def timing(self) -> dict[str, Any]:
        """The cleaned answers as `schedule_export` takes them."""
        return {name: self.cleaned_data[name] for name in ("frequency", "weekday", "month_day", "hour")}
