from django.apps import AppConfig


class ExportsConfig(AppConfig):
    """Exports as work: runs in the background, files with an end, and exports that repeat."""

    name = "exports"

    def ready(self) -> None:
        """Declare the room's codes, and who may still open an exported file."""
        from exports import errors  # noqa: F401, PLC0415 -- declares the room's codes
        from exports.services.downloads import may_open  # noqa: PLC0415 -- models must be loaded first
        from exports.services.runs import FILE_KIND  # noqa: PLC0415 -- models must be loaded first
        from files.guards import guard_files  # noqa: PLC0415 -- models must be loaded first

        guard_files(FILE_KIND, may_open)
