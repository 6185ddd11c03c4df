"""Write an export and leave evidence of what left."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from django.db import models

import resources.errors  # noqa: F401 -- declares the codes used here
from audit.services import record
from resources.base import ConsoleResource
from resources.formats import SafeFormat

REQUEST_LIMIT = 5_000
COMMAND_LIMIT = 50_000


def run_export(
    resource: ConsoleResource,
    form: SafeFormat,
    *,
    rows: models.QuerySet | None = None,
    limit: int = REQUEST_LIMIT,
    filters: Mapping[str, Any] | None = None,
) -> bytes:
    """The file's bytes. One audit event says which columns and how many rows left, under which filter, and the digest
    of the file. DomainError `export_not_yours`, `export_too_many_rows`."""
    table = resource.export_table(rows, limit=limit)
    content = form.export_data(table)
    record(
        f"{resource.name}.exported",
        resource.evidence_target(),
        payload={
            "rows": len(table), "columns": list(resource.exports), "format": form.name,
            "sha256": hashlib.sha256(content).hexdigest(), "filter": dict(filters or {}),
        },
    )  # fmt: skip
    return content
