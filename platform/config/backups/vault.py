"""Sealed files and signed lists. AES-256-GCM in pieces, so that size does not matter; each piece is bound to the file's
name, its own place and whether it is the last, so that a piece changed, moved, missing or cut off does not open."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"certaos backup 1\n"
PIECE = 1 << 20
_PREFIX, _LENGTH, _TAG = 8, 4, 16


class Rotten(Exception):
    """A sealed file or a signed list is not what was written, or the key is another one."""


class Vault:
    """Seals and signs under one key of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self._signing = hmac.digest(key, b"certaos backup signature", "sha256")

    def seal(self, source: Path, target: Path, name: str) -> dict[str, Any]:
        """Write `source` sealed to `target`, on disk before this returns; size and SHA-256 of what was written."""
        prefix = os.urandom(_PREFIX)
        with source.open("rb") as plain, target.open("wb") as sealed:
            sealed.write(MAGIC + prefix)
            piece, number = plain.read(PIECE), 0
            while True:
                following = plain.read(PIECE)
                nonce, bound = _place(prefix, name, number, is_last=not following)
                body = self._cipher.encrypt(nonce, piece, bound)
                sealed.write(len(body).to_bytes(_LENGTH) + body)
                if not following:
                    break
                piece, number = following, number + 1
            sealed.flush()
            os.fsync(sealed.fileno())
        return facts_of(target)

    def open(self, sealed: Path, name: str, write: Callable[[bytes], Any]) -> None:
        """Hand the plain bytes to `write`, piece by piece. Rotten when anything does not fit."""
        with sealed.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise Rotten(f"{sealed.name} is not a sealed file.")
            prefix, number = file.read(_PREFIX), 0
            body = _next(file)
            while True:
                following = _next(file)
                nonce, bound = _place(prefix, name, number, is_last=following is None)
                try:
                    write(self._cipher.decrypt(nonce, body or b"", bound))
                except (InvalidTag, ValueError):
                    raise Rotten(f"{sealed.name} does not open: another key, or altered at piece {number}.") from None
                if following is None:
                    return
                body, number = following, number + 1

    def sign(self, content: Any) -> str:
        """The signature over the canonical JSON of `content`."""
        return hmac.new(self._signing, json.dumps(content, sort_keys=True).encode(), hashlib.sha256).hexdigest()

    def write_list(self, target: Path, content: Any) -> None:
        """Put a signed list in place of whatever stood there, whole or not at all."""
        draft = target.with_name(target.name + ".new")
        with draft.open("w", encoding="utf-8") as file:
            json.dump({"content": content, "signature": self.sign(content)}, file, indent=1, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)

    def read_list(self, source: Path) -> Any:
        """The content of a signed list. Rotten when it is missing, altered or signed with another key."""
        try:
            told = json.loads(source.read_text(encoding="utf-8"))
            content, signature = told["content"], told["signature"]
        except (OSError, ValueError, KeyError, TypeError):
            raise Rotten(f"{source.name} is missing or unreadable.") from None
        if not hmac.compare_digest(self.sign(content), str(signature)):
            raise Rotten(f"{source.name} was altered, or the key is another one.")
        return content


def facts_of(path: Path) -> dict[str, Any]:
    """Size and SHA-256 of a file."""
    with path.open("rb") as file:
        return {"size": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def fault_of(path: Path, facts: dict[str, Any]) -> str:
    """What is wrong with a file that a list describes; empty when nothing is."""
    if not path.is_file():
        return f"{path.name} is missing."
    if path.stat().st_size != facts["size"]:
        return f"{path.name} has {path.stat().st_size} bytes instead of {facts['size']}."
    return "" if facts_of(path) == facts else f"{path.name} was altered."


def _place(prefix: bytes, name: str, number: int, *, is_last: bool) -> tuple[bytes, bytes]:
    return prefix + number.to_bytes(4), f"{name}|{number}|{is_last}".encode()


def _next(file: BinaryIO) -> bytes | None:
    head = file.read(_LENGTH)
    return file.read(int.from_bytes(head)) if head else None
