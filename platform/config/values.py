"""The types of the knobs: what a text from the environment may look like and what it becomes.

Every refusal says what is expected and never repeats what was given: the value may be a secret.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

ROOT = Path(__file__).resolve().parents[2]
KEY_BYTES = 32
COURSE_FEE_CAP_CENTS = 5000


def _comma_list(given: object) -> object:
    if isinstance(given, str):
        return tuple(part.strip() for part in given.split(",") if part.strip())
    return given


def _database_url(given: object) -> object:
    if isinstance(given, str) and given:
        parts = urlsplit(given)
        if parts.scheme not in {"postgres", "postgresql"} or not parts.hostname or not parts.path.strip("/"):
            raise ValueError("must look like postgresql://role:password@host:port/database")
    return given


def _http_url(given: object) -> object:
    if not isinstance(given, str) or not given:
        return given
    parts = urlsplit(given)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must look like https://host")
    return given.rstrip("/")


def _host_or_url(given: object) -> object:
    if isinstance(given, str) and given and "://" not in given:
        given = f"https://{given}"
    return _http_url(given)


def _smtp_url(given: object) -> object:
    if isinstance(given, str) and given:
        parts = urlsplit(given)
        if parts.scheme not in {"smtp", "smtp+tls", "smtps"} or not parts.hostname:
            raise ValueError("must look like smtp://host:25, smtp+tls://user:password@host:587 or smtps://…@host:465")
    return given


def _key(given: object) -> object:
    return _key_bytes(given) if isinstance(given, str) else given


def _key_bytes(given: str) -> bytes:
    try:
        raw = base64.b64decode(given.replace("-", "+").replace("_", "/") + "=" * (-len(given) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"must be {KEY_BYTES} random bytes in base64") from None
    if len(raw) != KEY_BYTES:
        raise ValueError(f"must be {KEY_BYTES} random bytes in base64")
    return raw


def _keyring(given: object) -> object:
    if not isinstance(given, str):
        return given
    ring: dict[str, bytes] = {}
    for entry in filter(None, (part.strip() for part in given.split(","))):
        name, colon, text = entry.partition(":")
        if not colon or not name.isalnum() or name in ring:
            raise ValueError("must be name:key,name:key with a different name (letters and digits) for each key")
        ring[name] = _key_bytes(text)
    return ring


def _fee_cents(given: object) -> object:
    """The fee never stops a start: what is no amount, or too high, becomes the cap."""
    try:
        cents = int(str(given))
    except ValueError:
        return COURSE_FEE_CAP_CENTS
    return cents if 0 <= cents <= COURSE_FEE_CAP_CENTS else COURSE_FEE_CAP_CENTS


def _absolute_path(given: object) -> object:
    return ROOT / Path(given).expanduser() if isinstance(given, str) else given


CommaList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_list)]
DatabaseUrl = Annotated[str, BeforeValidator(_database_url)]
HttpUrl = Annotated[str, BeforeValidator(_http_url)]
HostOrUrl = Annotated[str, BeforeValidator(_host_or_url)]
SmtpUrl = Annotated[str, BeforeValidator(_smtp_url)]
Key = Annotated[bytes, BeforeValidator(_key)]
Keyring = Annotated[dict[str, bytes], NoDecode, BeforeValidator(_keyring)]
FeeCents = Annotated[int, BeforeValidator(_fee_cents)]
AbsolutePath = Annotated[Path, BeforeValidator(_absolute_path)]
Hour = Annotated[int, Field(ge=0, le=23)]
Minute = Annotated[int, Field(ge=0, le=59)]
