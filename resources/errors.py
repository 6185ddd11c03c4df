"""What an import or export refuses, beside what `resources.reading` says about the file itself."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core.errors import ErrorText, declare_errors

_FIX = _("Correct the file and upload it again.")
_EXAMPLE = _("Compare it with the example file.")

declare_errors(
    {
        "import_column_unknown": ErrorText(
            _("The file has columns this import does not know: %(columns)s."), _EXAMPLE, 400
        ),
        "import_column_twice": ErrorText(
            _("Two columns of the file are taken for %(column)s."), _("Choose one of them."), 400
        ),
        "import_column_missing": ErrorText(_("The file lacks columns this import needs: %(columns)s."), _EXAMPLE, 400),
        "import_empty": ErrorText(_("The file has no rows below its header."), _EXAMPLE, 400),
        "import_value_missing": ErrorText(_("A value is needed here."), _FIX, 400),
        "import_value_invalid": ErrorText(_("“%(value)s” cannot be understood here."), _EXAMPLE, 400),
        "import_value_not_listed": ErrorText(_("“%(value)s” is none of: %(choices)s."), _FIX, 400),
        "import_reference_unknown": ErrorText(_("There is no “%(value)s” that you may use."), _FIX, 400),
        "import_row_repeated": ErrorText(_("The same row stands in line %(line)s already."), _FIX, 400),
        "import_conflict": ErrorText(_("This row contradicts a record that exists already."), _FIX, 409),
        "import_would_overwrite": ErrorText(
            _("The record holds other details that no file may replace: %(columns)s."),
            _("Change the record itself, where a reason is asked for, or leave the row out."),
            409,
        ),
        "import_may_not_change": ErrorText(
            _("The client is in such a course already, and you may not change on the record: %(columns)s."),
            _("Ask the provider to change it, or leave the row out."),
            403,
        ),
        "import_rows_disagree": ErrorText(
            _("An earlier row of this file says something else about the same client: %(column)s."), _FIX, 409
        ),
        "import_money_stays": ErrorText(
            _("This payment is on record with another %(columns)s. Money on record never changes."),
            _("Refund the payment and record it anew; only its reference can be corrected by a file."),
            409,
        ),
        "import_duplicate_client": ErrorText(
            _("A client with this name, birth date and last four digits is known with another e-mail address."),
            _("Use the address on record, or change it there first."),
            409,
        ),
        "import_organization_needed": ErrorText(
            _("It is not clear which organization this file is for."), _("Choose the organization."), 400
        ),
        "export_too_many_rows": ErrorText(
            _("More than %(limit)s rows would leave."), _("Filter the list first, or use the command line."), 413
        ),
        "export_cell_too_long": ErrorText(
            _("A text is longer than the %(limit)s characters a spreadsheet cell can hold."),
            _("Choose CSV, which has no such limit."),
            413,
        ),
        "export_too_many_for_xlsx": ErrorText(
            _("More than %(limit)s rows are too many for an Excel file."),
            _("Choose CSV, or filter the list first."),
            413,
        ),
        "export_columns_unknown": ErrorText(
            _("There is no column of this name: %(columns)s."), _("Choose among the columns of the page."), 400
        ),
        "export_not_yours": ErrorText(
            _("You may not export this."), _("Ask an administrator of your organization."), 403
        ),
    }
)
