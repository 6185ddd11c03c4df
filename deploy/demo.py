"""Everything at once, as real processes: database, demo data, simulated payments, web server and worker.

``make demo`` runs this. Ctrl-C stops all of it and keeps the data; ``make clean`` removes the data. A part that dies
stops the demo with the last lines it wrote.
"""

from __future__ import annotations

import argparse
import ctypes
import fcntl
import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from config import postgres
from config.faults import ConfigurationError, ServerError

try:
    from config.env import LOCAL, ROOT, env
except ConfigurationError as error:
    sys.exit(str(error))

LOGS = LOCAL / "log"
LOCK = LOCAL / "demo.lock"
# Where the running demo answers, for make smoke.
ADDRESS = LOCAL / "demo.url"
MANAGE = (sys.executable, str(ROOT / "manage.py"))
READY_SECONDS = 90
GRACE_SECONDS = 20
TAIL_LINES = 30
WEB = (sys.executable, "-m", "gunicorn", "config.wsgi", "--worker-class", "gthread", "--workers", "2", "--threads", "8")
# gunicorn would open a control socket in the home folder, which may not be ours to write to.
WEB_OPTIONS = ("--no-control-socket", "--max-requests", "5000", "--max-requests-jitter", "500")


class Stopped(BaseException):
    """Somebody asked the demo to stop. Not an Exception: nothing on the way may catch it by accident."""


class Failed(Exception):
    """A part of the demo did not do its work; the text says which and what it wrote last."""


@dataclass
class Demo:
    """The running parts and what they share."""

    port: int
    environment: dict[str, str]
    children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def spawn(self, name: str, *command: str) -> None:
        """Start a part in a session of its own: Ctrl-C reaches only us, and we decide in which order parts stop."""
        with _log(name).open("wb") as log:
            self.children[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env=self.environment,
                start_new_session=True,
                preexec_fn=_follow_parent(),  # noqa: PLW1509 -- this program has one thread
            )

    def step(self, what: str, *command: str) -> None:
        """Run a management command to its end and say how long it took."""
        began = time.monotonic()
        print(f"  {what} ...", end=" ", flush=True)
        with _log("setup").open("ab") as log:
            done = subprocess.run(
                [*MANAGE, *command], check=False, stdout=log, stderr=log, cwd=ROOT, env=self.environment
            )
        if done.returncode:
            print("failed")
            raise Failed(f"manage.py {' '.join(command)} failed:\n{_tail('setup')}")
        print(f"{time.monotonic() - began:.1f} s")

    def answer(self, *command: str) -> str:
        """What a management command prints."""
        done = subprocess.run(
            [*MANAGE, *command], check=False, capture_output=True, text=True, cwd=ROOT, env=self.environment
        )
        if done.returncode:
            raise Failed(f"manage.py {' '.join(command)} failed:\n{done.stderr}")
        return done.stdout.strip()

    def watch(self) -> None:
        """Raise Failed when a part has died."""
        for name, child in self.children.items():
            if child.poll() is not None:
                raise Failed(f"The {name} ended with code {child.returncode}. It wrote last:\n{_tail(name)}")

    def await_answer(self) -> None:
        """Return once the home page answers 200."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            self.watch()
            try:
                with urllib.request.urlopen(self.url + "/", timeout=10) as page:  # noqa: S310 -- our own address
                    if page.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        raise Failed(f"The home page does not answer 200. The web wrote last:\n{_tail('web')}")

    def stop(self) -> None:
        """Stop every part, in the reverse order of the start.

        SIGTERM goes to the leader only: the worker's group as a whole, told to stop at once, would wait for itself.
        """
        for child in reversed(self.children.values()):
            child.terminate()
        deadline = time.monotonic() + GRACE_SECONDS
        for child in self.children.values():
            try:
                child.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()


def run() -> None:
    """Start everything, say where it is, and stay until somebody asks to stop."""
    LOGS.mkdir(parents=True, exist_ok=True)
    _log("setup").unlink(missing_ok=True)
    demo = Demo(port=_free_port(env.PORT), environment=dict(os.environ))
    demo.environment |= {"ENVIRONMENT": "demo", "PYTHONUNBUFFERED": "1"}
    if "SITE_URL" not in env.model_fields_set:
        demo.environment["SITE_URL"] = demo.url
    try:
        print("Starting CertaOS", flush=True)
        if not env.DATABASE_URL:
            postgres.ensure_running(LOCAL)
        if not env.STRIPE_SECRET_KEY:
            _simulate_payments(demo)
        demo.step("Bringing the database up to date", "migrate", "--no-input")
        demo.step("Applying the row policies", "rls_apply")
        demo.step("Loading courses and disclosures", "load_content")
        demo.environment["WORKER_ACTOR_USER_ID"] = demo.answer("worker_create_actor", "--print-id")
        demo.step("Filling in the demo data", "seed_demo")
        demo.spawn("web", *WEB, *WEB_OPTIONS, "--bind", f"127.0.0.1:{demo.port}")
        demo.spawn("worker", *MANAGE, "worker")
        demo.await_answer()
        ADDRESS.write_text(demo.url, encoding="utf-8")
        print(_welcome(demo), flush=True)
        while True:
            demo.watch()
            time.sleep(0.3)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        print("\nStopping ...", flush=True)
        ADDRESS.unlink(missing_ok=True)
        demo.stop()
        if not env.DATABASE_URL:
            postgres.stop(LOCAL)


def _simulate_payments(demo: Demo) -> None:
    """Start the payment simulator and point web and worker at it. Its keys stay the same from start to start."""
    port = _free_port(demo.port + 1)
    key = "sk_test_" + _derived("simulated payments key")
    secret = "whsec_" + _derived("simulated payments webhook")
    webhook = f"{demo.url}/api/payments/stripe/webhook"
    state = str(LOCAL / "simulated-payments.json")
    simulator = (sys.executable, "-m", "tests.fakes.stripe", "--port", str(port), "--state", state)
    demo.spawn("payments", *simulator, "--api-key", key, "--webhook-secret", secret, "--webhook-url", webhook)
    demo.environment |= {
        "STRIPE_SECRET_KEY": key,
        "STRIPE_WEBHOOK_SECRET": secret,
        "STRIPE_API_BASE": f"http://127.0.0.1:{port}",
        "PAYMENTS_SIMULATED": "true",
    }


def _welcome(demo: Demo) -> str:
    logins = demo.answer("seed_demo", "--logins")
    simulated = demo.environment.get("STRIPE_API_BASE")
    lines = [
        "",
        f"CertaOS is ready at {demo.url}",
        "",
        f"  Console    {demo.url}/console/",
        f"  Mails      {env.MAIL_FILE_DIR}" if env.MAIL_TRANSPORT == "file" else f"  Mails      {env.MAIL_TRANSPORT}",
        f"  Payments   simulated at {simulated}, no real money" if simulated else "  Payments   Stripe, real",
        f"  Logs       {LOGS}",
        "",
        logins,
        "",
        "Ctrl-C stops everything and keeps the data; make clean removes it.",
    ]
    return "\n".join(lines)


def _log(name: str) -> Path:
    return LOGS / f"{name}.log"


def _tail(name: str) -> str:
    lines = _log(name).read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(f"    {line}" for line in lines[-TAIL_LINES:])


def _derived(purpose: str) -> str:
    return hashlib.sha256(f"{purpose}:{env.SECRET_KEY}".encode()).hexdigest()[:32]


def _free_port(first: int) -> int:
    for port in range(first, first + 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Failed(f"No free port from {first} on.")


def _follow_parent() -> Callable[[], None] | None:
    """What a child does first: ask the kernel for a SIGTERM should this program be killed. Linux only."""
    if sys.platform != "linux":
        return None
    library, set_parent_death_signal = ctypes.CDLL(None), 1
    return lambda: library.prctl(set_parent_death_signal, signal.SIGTERM)


@contextmanager
def _only_one() -> Iterator[None]:
    """Hold the demo's lock, with our process id in it."""
    LOCAL.mkdir(parents=True, exist_ok=True)
    with LOCK.open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failed("The demo of this folder is running already; make clean stops and removes it.") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def stop_other() -> None:
    """Stop the demo of this folder, if one runs, and wait until it has."""
    if not LOCK.exists():
        return
    with LOCK.open(encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.kill(int(lock.read()), signal.SIGTERM)
            fcntl.flock(lock, fcntl.LOCK_EX)


def _stop_asked(*_: object) -> NoReturn:
    raise Stopped


def main(arguments: Mapping[str, bool]) -> int:
    """Run or stop the demo; 0 when it ended because somebody asked for it."""
    if arguments["stop"]:
        stop_other()
        return 0
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop_asked)
    try:
        with _only_one():
            run()
    except Stopped:
        return 0
    except (Failed, ServerError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Run CertaOS with demo data.")
    parser.add_argument("--stop", action="store_true", help="stop the demo of this folder")
    sys.exit(main(vars(parser.parse_args())))
