"""Secrets of a local, demo or test installation: made once, kept in ``.local/secrets.json``, shared by all processes.

Deployed installations never come here: they bring their own secrets.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
from pathlib import Path


def local_secrets(folder: Path) -> dict[str, str]:
    """The secrets by knob name, in the text form the knobs take. Creates the file (0600) the first time."""
    file = folder / "secrets.json"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "secrets.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not file.exists():
                _create(file)
    kept: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return kept


def _create(file: Path) -> None:
    made = {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "FIELD_KEYS": f"local:{_random_key()}",
        "LOOKUP_KEY": _random_key(),
    }
    draft = file.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        json.dump(made, stream, indent=2)
    draft.replace(file)


def _random_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()
