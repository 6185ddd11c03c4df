"""`python -m tests.torture.worker RHYTHM [cluster arguments]`: the real supervisor with a short rhythm (JSON)."""

from __future__ import annotations

import importlib
import json
import sys

import django

if __name__ == "__main__":
    django.setup()
    supervisor = importlib.import_module("tasks.supervisor")
    rhythm = supervisor.Rhythm(**json.loads(sys.argv[1]))
    command = (sys.executable, "-m", "tests.torture.cluster", *sys.argv[2:])
    supervisor.Supervisor("tortured", command, rhythm=rhythm).run()
