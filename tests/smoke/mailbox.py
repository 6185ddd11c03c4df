"""The mails of a stack that writes them to a folder."""

from __future__ import annotations

import email
import email.policy
import re
import time
from pathlib import Path

WAIT_SECONDS = 90


class Mailbox:
    """Waits for mails in `folder`; those that were there before it was opened are old."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.old = set(folder.glob("*.eml"))

    def link(self, to: str, path: str) -> str:
        """The path with query of the newest link of our site that begins with `path`, from a new mail to `to`."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            for file in sorted(set(self.folder.glob("*.eml")) - self.old, reverse=True):
                found = _link_in(file, to, path)
                if found:
                    return found
            time.sleep(0.3)
        raise AssertionError(f"No mail to {to} with a link to {path}… arrived in {self.folder}.")


def _link_in(file: Path, to: str, path: str) -> str:
    message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    if to.lower() not in str(message["To"]).lower():
        return ""
    body = message.get_body(("plain",))
    links = re.findall(r"https?://[^/\s]+(/\S*)", body.get_content() if body else "")
    return next((link for link in links if link.startswith(path)), "")
