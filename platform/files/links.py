"""Short-lived links to private files, good for one person."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.core import signing
from django.urls import reverse

from accounts.models import User
from files.models import StoredFile

SALT = "certaos.files.link"
SECONDS = 15 * 60


class LinkUnusable(Exception):
    """A token that is altered, expired or not a token at all."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a link promises: this file, to this person."""

    file_id: UUID
    user_id: UUID


def signed_link(file: StoredFile, user: User) -> str:
    """The path under which `user`, signed in, gets `file` during the next 15 minutes."""
    token = signing.dumps([file.pk.hex, user.pk.hex], salt=SALT)
    return reverse("file", args=[token])


def read_token(token: str) -> Claim:
    """What the token promises. LinkUnusable when it is not ours or too old."""
    try:
        file_id, user_id = signing.loads(token, salt=SALT, max_age=SECONDS)
        return Claim(UUID(file_id), UUID(user_id))
    except (signing.BadSignature, ValueError, TypeError):
        raise LinkUnusable from None
