"""The store and the source as the knobs describe them."""

from __future__ import annotations

from django.core.management.base import CommandError

from config import postgres
from config.backups.making import Source
from config.backups.store import Store
from config.backups.vault import Vault
from config.env import LOCAL, env


def told_store() -> Store:
    """The store of BACKUP_DIR under BACKUP_KEY; CommandError when one of them is missing."""
    if env.BACKUP_DIR is None or not env.BACKUP_KEY:
        raise CommandError("BACKUP_DIR and BACKUP_KEY say where backups lie and what seals them; set both.")
    env.BACKUP_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Store(env.BACKUP_DIR, Vault(env.BACKUP_KEY))


def told_source() -> Source:
    """The cluster of BACKUP_DATABASE_URL, else the embedded one, with the private files and the anchors."""
    dsn = env.BACKUP_DATABASE_URL or postgres.ensure_running(LOCAL).dsn("backup")
    folders = {"files": env.FILES_DIR, "anchors": env.FILES_DIR.parent / "anchors"}
    return Source(dsn, LOCAL, folders)
