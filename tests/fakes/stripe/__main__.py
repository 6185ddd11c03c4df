"""Run the fake as a process: `python -m tests.fakes.stripe --port 4242 --webhook-url URL --webhook-secret whsec_…`."""

from __future__ import annotations

import argparse
import logging
import signal
import threading
from pathlib import Path

from tests.fakes.stripe.fake import FakeStripe
from tests.fakes.stripe.knobs import Knobs, parse_knob


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m tests.fakes.stripe", description="A simulated Stripe on 127.0.0.1.")
    made.add_argument("--port", type=int, default=4242, help="0 chooses a free port")
    made.add_argument("--webhook-url", help="where signed events are posted; without it events are only logged")
    made.add_argument("--webhook-secret", default="whsec_simulated_secret")
    made.add_argument("--api-key", default="sk_test_simulated")
    made.add_argument("--state", type=Path, metavar="FILE", help="keep everything in this file across restarts")
    made.add_argument("--knob", action="append", default=[], type=parse_knob, metavar="NAME=JSON", help="see knobs.py")
    made.add_argument("--verbose", action="store_true", help="log each request to standard error")
    return made


def main() -> None:
    """Serve until SIGINT or SIGTERM. The one line of output is the address, printed once requests are served."""
    options = parser().parse_args()
    logging.basicConfig(level=logging.INFO if options.verbose else logging.WARNING, format="%(asctime)s %(message)s")
    fake = FakeStripe(
        port=options.port,
        webhook_url=options.webhook_url,
        webhook_secret=options.webhook_secret,
        api_key=options.api_key,
        state_file=options.state,
        knobs=Knobs(**dict(options.knob)),
    )
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with fake:
        print(f"Simulated Stripe at {fake.url} (no real money)", flush=True)  # noqa: T201 -- the output of a command
        ended.wait()


if __name__ == "__main__":
    main()
