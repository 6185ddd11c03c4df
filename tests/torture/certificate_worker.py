"""`python -m tests.torture.certificate_worker RHYTHM [--loose]`: a supervised worker that issues certificates.

The product's own task, with a shorter lease, so that what a killed process held comes back within seconds. `--loose`
breaks the issuer: it takes its serial in a transaction of its own. That control shows what the same kills do then.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import sys
import time

import django

CLUSTER = "--cluster"
LOOSE = "--loose"


def loose_number(name: str) -> int:
    """What `core.sequences.next_number` must not be: the number is kept also when the certificate is not."""
    sequences = importlib.import_module("core.sequences")
    connections = importlib.import_module("django.db").connections
    strict, sequences.connection = sequences.connection, connections["side"]
    try:
        with importlib.import_module("django.db").transaction.atomic(using="side"):
            taken: int = sequences.next_number(name)
    finally:
        sequences.connection = strict
    time.sleep(1)
    return taken


def run_cluster() -> None:
    """The processes that work."""
    registry = importlib.import_module("tasks.registry")
    issue = registry.find("certificates.issue")
    registry._TASKS[issue.kind] = dataclasses.replace(issue, timeout=4, grace=1)
    if LOOSE in sys.argv:
        issuing = importlib.import_module("certificates.services.issuing")
        issuing.next_number = loose_number  # type: ignore[attr-defined]  # -- the control
    importlib.import_module("tasks.cluster").run_cluster()


def run_supervisor() -> None:
    """What keeps them alive."""
    supervisor = importlib.import_module("tasks.supervisor")
    rhythm = supervisor.Rhythm(**json.loads(sys.argv[1]))
    command = (sys.executable, "-m", "tests.torture.certificate_worker", CLUSTER, *sys.argv[2:])
    supervisor.Supervisor("tortured", command, rhythm=rhythm).run()


if __name__ == "__main__":
    django.setup()
    (run_cluster if CLUSTER in sys.argv else run_supervisor)()
