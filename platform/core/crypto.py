"""Personal fields at rest: AES-256-GCM with a key id, bound to table, row and field; look-up by keyed hash."""

from __future__ import annotations

import base64
import hmac
import os
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import models

PREFIX = "v1"
_NONCE_BYTES = 12


class SealBroken(Exception):
    """A sealed value does not open: wrong key, wrong row or altered text."""


class Sealed(str):
    """Ciphertext as it stands in the database."""

    __slots__ = ()


def seal(plain: str, *, bound_to: str) -> Sealed:
    """Encrypt `plain` under the current key; it opens only with the same `bound_to`."""
    key_id, key = next(iter(settings.FIELD_KEYS.items()))
    nonce = os.urandom(_NONCE_BYTES)
    body = nonce + _cipher(key).encrypt(nonce, plain.encode(), bound_to.encode())
    return Sealed(f"{PREFIX}:{key_id}:{base64.urlsafe_b64encode(body).decode()}")


@lru_cache(maxsize=8)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)


def unseal(text: str, *, bound_to: str) -> str:
    """Decrypt what `seal` made. SealBroken when the key is unknown or the text belongs to another row."""
    version, _, rest = text.partition(":")
    key_id, _, body = rest.partition(":")
    key = settings.FIELD_KEYS.get(key_id)
    if version != PREFIX or key is None:
        raise SealBroken(f"No key {key_id!r} for a sealed value.")
    raw = base64.urlsafe_b64decode(body)
    try:
        return _cipher(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], bound_to.encode()).decode()
    except InvalidTag:
        raise SealBroken("A sealed value does not belong to this row, or was altered.") from None


def lookup_hash(*parts: str) -> str:
    """A keyed, length-prefixed digest for equality search over personal data, case and outer spaces ignored."""
    folded = [part.strip().casefold().encode() for part in parts]
    message = b"".join(len(part).to_bytes(4) + part for part in folded)
    return hmac.digest(settings.LOOKUP_KEY, message, "sha256").hex()


class _SealedAttribute:
    """Opens the value when it is read; the row keeps the ciphertext until then."""

    def __init__(self, field: SealedField) -> None:
        self.field = field

    def __get__(self, row: models.Model | None, owner: type | None = None) -> Any:
        if row is None:
            return self
        if self.field.attname not in row.__dict__:
            row.refresh_from_db(fields=[self.field.attname])
        value = row.__dict__[self.field.attname]
        return unseal(value, bound_to=self.field.binding(row)) if isinstance(value, Sealed) else value

    def __set__(self, row: models.Model, value: Any) -> None:
        row.__dict__[self.field.attname] = value


class SealedField(models.TextField):
    """Text that is encrypted in the database and plain on the instance; empty stays empty."""

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only)
        setattr(cls, self.attname, _SealedAttribute(self))

    def binding(self, row: models.Model) -> str:
        """Table, primary key and column: a ciphertext copied to another row does not open."""
        return self.binding_for(row.pk)

    def binding_for(self, pk: Any) -> str:
        """The binding of the row with this primary key, which need not be there yet."""
        return f"{self.model._meta.db_table}|{pk}|{self.column}"

    def from_db_value(self, value: str | None, expression: object, connection: object) -> str | None:
        return Sealed(value) if value else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = model_instance.__dict__[self.attname]
        if value and not isinstance(value, Sealed):
            value = seal(str(value), bound_to=self.binding(model_instance))
        return value
