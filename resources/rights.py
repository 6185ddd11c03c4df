"""Whether the person may import at all, asked before every step."""

from __future__ import annotations

from core.errors import DomainError
from resources.base import ConsoleResource


def check_permission(resource: ConsoleResource) -> None:
    """DomainError `import_not_yours`, `import_organization_needed` unless the person may import there."""
    home = resource.organization
    if not resource.allowed(resource.actor, "import"):
        raise DomainError("import_not_yours")
    if home is None:
        raise DomainError("import_organization_needed")
    if not resource.organizations(resource.actor).filter(pk=home.pk).exists():
        raise DomainError("import_not_yours")
