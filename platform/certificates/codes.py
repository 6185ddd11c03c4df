"""Verification codes: a hundred random bits that people can read aloud and type."""

from __future__ import annotations

import secrets

# Base 32 without I, L, O and U: nothing looks like anything else, and no word can form.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 20
GROUP = 4
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1"})


def new_code() -> str:
    """A fresh code of LENGTH signs, five random bits each; not guessable and never counted upwards."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def grouped(code: str) -> str:
    """As it is printed: `7K3M-QX9T-RB2W-4ZP8-HN6C`."""
    return "-".join(code[start : start + GROUP] for start in range(0, len(code), GROUP))


def as_typed(text: str) -> str:
    """What somebody typed or pasted as a code is stored: any case, any dashes and spaces, O for 0, I and L for 1.

    Signs that no code has are left out, and so is what exceeds twice a code's length; the result may match nothing.
    """
    folded = text[:200].upper().translate(_READ_AS)
    return "".join(sign for sign in folded if sign in ALPHABET)[: 2 * LENGTH]
