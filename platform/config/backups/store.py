"""What lies in BACKUP_DIR: `base/<moment>/` per backup, `wal/` for the log of changes, `status.json` for the health
page. A folder of `base/` without its signed list is unfinished and counts for nothing."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from config.backups.vault import Rotten, Vault, fault_of

LIST = "manifest.json"
LATEST = "latest.json"
SEALED = ".sealed"
KEPT = 30


@dataclass(frozen=True, slots=True)
class Store:
    """The folder and the key that opens what lies in it."""

    folder: Path
    vault: Vault

    @property
    def base(self) -> Path:
        return self.folder / "base"

    @property
    def wal(self) -> Path:
        return self.folder / "wal"

    def backups(self) -> list[Path]:
        """Finished backups, oldest first."""
        return sorted(path.parent for path in self.base.glob(f"*/{LIST}"))

    def segments(self) -> dict[str, dict[str, Any]]:
        """Every kept segment of the log by its name, from its signed list. Rotten when a list does not hold."""
        lists = sorted(path for path in self.wal.glob("*.json") if path.name != LATEST)
        return {path.stem: self.vault.read_list(path) for path in lists}

    def latest(self) -> dict[str, Any] | None:
        """The segment that was being written when the log was last kept: name, time, and the facts of its file."""
        path = self.wal / LATEST
        return self.vault.read_list(path) if path.exists() else None

    def faults(self, backup: Path) -> list[str]:
        """Everything wrong with a backup and with the log that follows it; empty when it can be restored."""
        try:
            content = self.vault.read_list(backup / LIST)
        except Rotten as rotten:
            return [str(rotten)]
        found = [fault_of(backup / f"{name}{SEALED}", facts) for name, facts in content["files"].items()]
        for name in content["files"]:
            found.append(self._opens(backup / f"{name}{SEALED}", name) if not any(found) else "")
        return [fault for fault in [*found, *self.log_faults(content["wal_start"], content["wal_end"])] if fault]

    def log_faults(self, start: str, end: str) -> list[str]:
        """What is wrong with the log after a backup that brings the segments `start` to `end` itself: files altered or
        missing, gaps in the count."""
        try:
            known, latest = self.segments(), self.latest()
        except Rotten as rotten:
            return [str(rotten)]
        names = sorted(name for name in known if name >= start)
        faults = [fault_of(self.wal / f"{name}{SEALED}", known[name]) for name in names]
        if latest is not None and latest["name"] >= start:
            faults.append(fault_of(self.wal / latest["file"], latest["facts"]))
            if latest["name"] not in names:
                names.append(latest["name"])
        if names and names[0] > following(end):
            faults.append(f"The log misses {following(end)}.")
        faults += [
            f"The log misses {following(before)}." for before, after in pairwise(names) if after != following(before)
        ]
        stray = [path.name for path in self.wal.glob(f"*{SEALED}") if path.name.removesuffix(SEALED) not in known]
        unlisted = [name for name in stray if latest is None or name != latest["file"]]
        return [fault for fault in faults if fault] + [f"{name} has lost its list." for name in unlisted]

    def _opens(self, path: Path, name: str) -> str:
        try:
            self.vault.open(path, name, lambda _piece: None)
        except Rotten as rotten:
            return str(rotten)
        return ""

    def judge(self, now: dt.datetime) -> tuple[Path | None, dict[str, list[str]]]:
        """The newest good backup and the faults of every newer one; remembers the result for the health page."""
        found: dict[str, list[str]] = {}
        good = None
        for backup in reversed(self.backups()):
            faults = self.faults(backup)
            if not faults:
                good = backup
                break
            found[backup.name] = faults
        newest = self.vault.read_list(good / LIST)["made_at"] if good else None
        status = {"newest_good": newest, "checked_at": now.isoformat(), "faults": found}
        (self.folder / "status.json").write_text(json.dumps(status, indent=1), encoding="utf-8")
        return good, found

    def tidy(self) -> None:
        """Keep the last thirty backups, and of the log what they need."""
        kept = self.backups()[-KEPT:]
        for path in self.backups()[:-KEPT]:
            shutil.rmtree(path)
        if kept:
            start = self.vault.read_list(kept[0] / LIST)["wal_start"]
            for path in self.wal.glob("*"):
                if path.name != LATEST and path.name.partition(".")[0] < start:
                    path.unlink()


def following(segment: str) -> str:
    """The name of the next segment on the same timeline (16 MB each)."""
    timeline, number = segment[:8], int(segment[8:16], 16) * 256 + int(segment[16:], 16) + 1
    return f"{timeline}{number // 256:08X}{number % 256:08X}"
