"""Import and export pages of a list, over a ConsoleResource.

    @console_register(Enrollment)
    class EnrollmentAdmin(ConsoleImportExport, ConsoleModelAdmin):
        resource_class = EnrollmentResource

Import needs `<app>.import_<model>` and is `admin_site.imports`; export needs `<app>.export_<model>` and is
`admin_site.exports`.
"""

from __future__ import annotations

from admin_site.exports import ConsoleExport
from admin_site.imports import ConsoleImport


class ConsoleImportExport(ConsoleImport, ConsoleExport):
    """Mixin before ConsoleModelAdmin; see the module."""
