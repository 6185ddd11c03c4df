"""Uploads between preview and confirmation: sealed, bound to person, resource and content, gone after an hour."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import uuid
import zlib
from dataclasses import dataclass

import resources.errors  # noqa: F401 -- declares the codes used here
from core import clock
from core.context import Actor
from core.crypto import seal, unseal
from core.errors import DomainError
from files.models import StagedUpload

LIFETIME = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Upload:
    """A staged file, opened."""

    row: StagedUpload
    content: bytes


def stage(
    content: bytes, *, name: str, resource: str, actor: Actor, organization: uuid.UUID | None = None
) -> StagedUpload:
    """Keep an upload for the hour in which its uploader may confirm it. DomainError `import_not_yours` for an actor
    who is no person."""
    if actor.user_id is None:
        raise DomainError("import_not_yours")
    row = StagedUpload(
        person_id=actor.user_id, organization_id=organization, resource=resource, name=name[-200:],
        sha256=hashlib.sha256(content).hexdigest(), expires_at=clock.now() + LIFETIME,
    )  # fmt: skip
    packed = base64.b64encode(zlib.compress(content, 1)).decode()
    row.body = seal(packed, bound_to=_binding(row))
    row.save(force_insert=True)
    return row


def take(upload_id: str, *, resource: str, sha256: str, actor: Actor) -> Upload:
    """Lock and open an upload of this person. DomainError `import_expired` for any other, for another content than
    the preview showed, after an hour, or when it was confirmed already: all the same to the asker."""
    try:
        key = uuid.UUID(upload_id)
    except ValueError:
        raise DomainError("import_expired") from None
    row = (
        StagedUpload.objects.locked()
        .filter(
            pk=key, person=actor.user_id, resource=resource, sha256=sha256, confirmed_at=None,
            expires_at__gt=clock.now(),
        )
        .first()
    )  # fmt: skip
    if row is None:
        raise DomainError("import_expired")
    content = zlib.decompress(base64.b64decode(unseal(row.body, bound_to=_binding(row))))
    if hashlib.sha256(content).hexdigest() != row.sha256:
        raise DomainError("import_expired")
    return Upload(row, content)


def close(upload: Upload) -> None:
    """Mark an upload as confirmed and forget its content; it cannot be confirmed again."""
    upload.row.confirmed_at = clock.now()
    upload.row.body = ""
    upload.row.save(update_fields=["confirmed_at", "body", "updated_at"])


def _binding(row: StagedUpload) -> str:
    return f"{StagedUpload._meta.db_table}|{row.pk}|body|{row.person_id}|{row.resource}|{row.sha256}"
