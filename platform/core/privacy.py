"""How private a text column is; every one of ours says so."""

from __future__ import annotations

import enum


class Privacy(enum.StrEnum):
    """PUBLIC may be shown to anyone, INTERNAL to members; PERSONAL names or reaches a person; SENSITIVE is sealed
    or bound by law; SECRET is a credential, shown at most once."""

    PUBLIC = "public"
    INTERNAL = "internal"
    PERSONAL = "personal"
    SENSITIVE = "sensitive"
    SECRET = "secret"  # noqa: S105 -- a class of columns, not a credential
