"""The product as real processes: gunicorn as app_web and the worker as app_worker, on this test's own database."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.database import ROOT, Databases

READY_SECONDS = 40
STOP_SECONDS = 15


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(databases: Databases, process: str, **knobs: str) -> dict[str, str]:
    """What a process of the product needs to find this test's database with its own login."""
    own = {
        "ENVIRONMENT": "test",
        "CERTAOS_PROCESS": process,
        "DATABASE_URL": databases.dsn("app_web"),
        "WORKER_DATABASE_URL": databases.dsn("app_worker"),
        "MIGRATION_DATABASE_URL": databases.dsn("owner"),
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "LOG_LEVEL": "WARNING",
    }
    return os.environ | own | knobs


@contextmanager
def running(command: list[str], *, env: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A child process until the block ends: asked to stop, then killed. Its output goes to `log`."""
    with log.open("wb") as output:
        child = subprocess.Popen(command, cwd=ROOT, env=env, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield child
        finally:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


@contextmanager
def web_server(databases: Databases, folder: Path, *, application: str = "config.wsgi", **knobs: str) -> Iterator[str]:
    """The web behind a real server; gives its base address once it answers. A control names another application."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    command = [
        sys.executable, "-m", "gunicorn", application, "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread",
        "--workers", "1", "--threads", "8", "--no-control-socket", "--chdir", str(ROOT), "--pythonpath", "platform",
    ]  # fmt: skip
    log = folder / "web.log"
    with running(command, env=environment(databases, "web", SITE_URL=base, **knobs), log=log) as child:
        deadline = time.monotonic() + READY_SECONDS
        while not _answers(base):
            if child.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The web server did not start:\n{log.read_text()[-3000:]}")
            time.sleep(0.1)
        yield base


def _answers(base: str) -> bool:
    try:
        with urllib.request.urlopen(f"{base}/robots.txt", timeout=5) as answer:  # noqa: S310 -- loopback only
            return answer.status == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


@contextmanager
def worker(databases: Databases, folder: Path, **knobs: str) -> Iterator[subprocess.Popen[bytes]]:
    """The worker with its cluster and watchdog."""
    command = [sys.executable, "manage.py", "worker"]
    with running(command, env=environment(databases, "worker", **knobs), log=folder / "worker.log") as child:
        yield child
