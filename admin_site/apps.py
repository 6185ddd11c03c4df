from importlib import import_module
from pkgutil import iter_modules

from django.apps import AppConfig


class AdminSiteConfig(AppConfig):
    """The console: Django's admin as staff use it."""

    name = "admin_site"
    default = True

    def ready(self) -> None:
        """Bring in what the rooms register, and the checks that judge it."""
        from admin_site import admin, checks, errors  # noqa: F401, PLC0415 -- models must be loaded first

        for module in iter_modules(admin.__path__):
            import_module(f"{admin.__name__}.{module.name}")
        from admin_site.exports import declare_lists  # noqa: PLC0415 -- models must be loaded first
        from admin_site.site import console  # noqa: PLC0415 -- the same

        declare_lists(console._registry.values())  # noqa: SLF001 -- Django keeps no public list
