"""Real worker processes under a test's hands."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.database import ROOT, Databases

# No row of the world is of a worker of this name.
NAME = "tortured"
# Everything the product does in minutes, in seconds.
QUICK = {
    "tick": 0.1, "beat": 0.4, "sweep": 0.3, "watch": 0.3, "stale": 4, "first": 90, "stop": 2
}  # fmt: skip
# Long enough for a worker to start on a machine that has much else to do.
PATIENCE = 180


class Worker:
    """A supervisor and its cluster as processes of their own; what they print is in `log`."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self.log = log

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def pids(self, words: str = "ready for work at") -> list[int]:
        """Living processes of the cluster that announced themselves with these words."""
        found = [int(pid) for pid in re.findall(rf"{words} (\d+)", self.said())]
        return [pid for pid in found if is_alive(pid)]

    def leaders(self) -> list[int]:
        """Every cluster leader so far, dead or alive, oldest first."""
        return [int(pid) for pid in re.findall(r"worker started its cluster.*?pid=(\d+)", self.said())]

    def kill_one(self, random: random.Random) -> bool:
        """kill -9 for one process that runs jobs; False when none is alive just now."""
        alive = self.pids()
        if not alive:
            return False
        os.kill(random.choice(alive), signal.SIGKILL)
        return True


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def environment(databases: Databases, actor: Any, folder: Path) -> dict[str, str]:
    """The knobs of a worker on this test's database."""
    dsn = databases.dsn("app_worker")
    return os.environ | {
        "CERTAOS_PROCESS": "worker",
        "DATABASE_URL": dsn,
        "WORKER_DATABASE_URL": dsn,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}",
        "PYTHONUNBUFFERED": "1",
        "WORKER_ACTOR_USER_ID": str(actor.pk),
        "MAIL_FILE_DIR": str(folder / "mail"),
        "FILES_DIR": str(folder / "files"),
    }


@contextmanager
def running(command: tuple[str, ...], environ: dict[str, str], log: Path) -> Iterator[Worker]:
    """The process while the block runs; stopped by SIGTERM, killed with its cluster when that does not help."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, env=environ, cwd=ROOT, stdout=output, stderr=output, stdin=subprocess.DEVNULL
        )
    worker = Worker(process, log)
    try:
        yield worker
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
        for pid in {process.pid, *worker.pids(), *worker.leaders(), *worker.pids("monitoring at")}:
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)
        process.wait()


def quick_worker(*arguments: str, **rhythm: float) -> tuple[str, ...]:
    """The command of a supervised worker with a quick rhythm."""
    return (sys.executable, "-m", "tests.torture.worker", json.dumps(QUICK | rhythm), *arguments)


def wait_until(condition: Callable[[], Any], what: str, *, seconds: float = PATIENCE) -> None:
    """Return when `condition` holds; fail with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds:g} seconds")
        time.sleep(0.05)
