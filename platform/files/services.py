"""Keep private files, and let them go when their time is over."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import unicodedata
import uuid
from functools import partial
from typing import Any, BinaryIO
from uuid import UUID

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import ProtectedError

from core import clock
from core.errors import DomainError
from files.kinds import is_allowed
from files.models import StagedUpload, StoredFile

LARGEST = 25 * 1024 * 1024
LONGEST_NAME = 120
PIECE = 256 * 1024
ORPHAN_AFTER = dt.timedelta(days=1)
_NOT_IN_NAMES = re.compile(r'[\\/:*?"<>|]+')


def store(
    content: bytes,
    *,
    name: str,
    content_type: str,
    kind: str,
    organization: UUID | None,
    person: UUID | None = None,
    released_to: UUID | None = None,
    expires_at: dt.datetime | None = None,
) -> StoredFile:
    """Put `content` into private storage under a random key and write its row in the caller's transaction.

    `organization`, `released_to` and `person` are ids of who may see it; `kind` is one word and part of the key.
    DomainError `file_empty`, `file_too_large`, `file_type_not_allowed` (list, first bytes). After a roll-back the
    content stays behind without a row, until `purge_orphans`.
    """
    _check(content, content_type)
    key = f"{kind}/{clock.now():%Y/%m}/{uuid.uuid4().hex}"
    file = StoredFile(
        organization_id=organization,
        released_to_id=released_to,
        person_id=person,
        kind=kind,
        name=safe_name(name),
        key=default_storage.save(key, ContentFile(content)),
        content_type=content_type,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        expires_at=expires_at,
    )
    file.save(force_insert=True)
    return file


def store_stream(
    content: BinaryIO,
    *,
    name: str,
    content_type: str,
    kind: str,
    organization: UUID | None,
    person: UUID | None = None,
    expires_at: dt.datetime | None = None,
) -> StoredFile:
    """Put what a finished temporary file holds into private storage, as `store` does, without reading it as a whole.

    For files of our own making: size and content are not judged. DomainError `file_empty`.
    """
    size, sha256 = _measured(content)
    if not size:
        raise DomainError("file_empty")
    content.seek(0)
    key = f"{kind}/{clock.now():%Y/%m}/{uuid.uuid4().hex}"
    file = StoredFile(
        organization_id=organization,
        person_id=person,
        kind=kind,
        name=safe_name(name),
        key=default_storage.save(key, File(content)),
        content_type=content_type,
        size=size,
        sha256=sha256,
        expires_at=expires_at,
    )
    file.save(force_insert=True)
    return file


def _measured(content: Any) -> tuple[int, str]:
    """Size and digest of a file, read piece by piece from its start."""
    content.seek(0)
    size, digest = 0, hashlib.sha256()
    while piece := content.read(PIECE):
        size += len(piece)
        digest.update(piece)
    return size, digest.hexdigest()


def _check(content: bytes, content_type: str) -> None:
    if not content:
        raise DomainError("file_empty")
    if len(content) > LARGEST:
        raise DomainError("file_too_large", megabytes=LARGEST // 1024 // 1024)
    if not is_allowed(content_type, content):
        raise DomainError("file_type_not_allowed")


def safe_name(name: str) -> str:
    """`name` as a file name: no folders, no control or direction characters, no leading dot, at most 120 signs."""
    visible = "".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in name)
    plain = " ".join(_NOT_IN_NAMES.sub("-", visible).split()).lstrip(". ")
    stem, dot, ending = plain.rpartition(".")
    if not dot or not ending.isalnum():
        return plain[:LONGEST_NAME] or "file"
    return f"{stem[: LONGEST_NAME - 11]}.{ending[:10]}"


def read(file: StoredFile) -> bytes | None:
    """The content, or None when the storage lacks it or holds something else than was stored."""
    try:
        with default_storage.open(file.key) as stored:
            content: bytes = stored.read()
    except FileNotFoundError:
        return None
    return content if hashlib.sha256(content).hexdigest() == file.sha256 else None


def open_verified(file: StoredFile) -> Any:
    """The stored file, open at its start; None when the storage lacks it or holds something else than was stored."""
    try:
        stored = default_storage.open(file.key)
    except FileNotFoundError:
        return None
    if _measured(stored)[1] != file.sha256:
        stored.close()
        return None
    stored.seek(0)
    return stored


def purge_expired(*, most: int = 500) -> tuple[int, int]:
    """Delete files and staged uploads whose time is over; returns how many of each.

    The content goes when the transaction commits. A file that other rows still point at is kept.
    """
    gone = 0
    for file in StoredFile.objects.filter(expires_at__lt=clock.now()).order_by("expires_at")[:most]:
        key = file.key
        try:
            with transaction.atomic():
                file.delete()
        except ProtectedError:
            continue
        transaction.on_commit(partial(default_storage.delete, key))
        gone += 1
    uploads, _ = StagedUpload.objects.filter(expires_at__lt=clock.now()).delete()
    return gone, uploads


def purge_orphans() -> int:
    """Delete contents of this and the last month that are older than a day and have no row; returns how many."""
    now = clock.now()
    months = {now.strftime("%Y/%m"), (now.replace(day=1) - dt.timedelta(days=1)).strftime("%Y/%m")}
    gone = 0
    for kind in _folders(""):
        for month in months:
            keys = {f"{kind}/{month}/{name}" for name in _names(f"{kind}/{month}")}
            known = set(StoredFile.objects.filter(key__in=keys).values_list("key", flat=True))
            for key in keys - known:
                if now - default_storage.get_modified_time(key) > ORPHAN_AFTER:
                    default_storage.delete(key)
                    gone += 1
    return gone


def _folders(path: str) -> list[str]:
    try:
        return list(default_storage.listdir(path)[0])
    except FileNotFoundError:
        return []


def _names(path: str) -> list[str]:
    try:
        return list(default_storage.listdir(path)[1])
    except FileNotFoundError:
        return []
