"""Walk the whole journey against a running stack: `python -m tests.smoke [--base-url URL]`.

Needs HTTP, the folder the stack writes its mails to, and the demo's log-ins. Exit code 0 when every step went well.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from pathlib import Path

from playwright.sync_api import Error, sync_playwright

from tests.smoke.journey import Journey, Logins
from tests.smoke.mailbox import Mailbox

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / ".local"
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def demo_logins() -> Logins:
    folder = ROOT / "fixtures" / "demo"
    people = json.loads((folder / "people.json").read_text(encoding="utf-8"))
    clients = json.loads((folder / "clients.json").read_text(encoding="utf-8"))
    by_key = {person["key"]: person["email"] for person in people["platform"] + people["staff"] + clients}
    return Logins(by_key["margaret"], by_key["marcus"], by_key["olivia"], people["password"])


def running_demo() -> str:
    """The address of this folder's demo; empty when there is none."""
    file = LOCAL / "demo.url"
    return file.read_text(encoding="utf-8").strip() if file.exists() else ""


def walk(journey: Journey) -> bool:
    """Take every step in order, stop at the first that fails; returns whether all went well."""
    began = time.monotonic()
    for number, step in enumerate(journey.steps(), 1):
        name = step.__name__.replace("_", " ")
        start = time.monotonic()
        try:
            said = step()
        except (AssertionError, Error, OSError) as error:
            print(f"{number:3} FAILED  {time.monotonic() - start:6.1f} s  {name}\n\n{error}", flush=True)
            return False
        print(f"{number:3} ok      {time.monotonic() - start:6.1f} s  {name}: {said}", flush=True)
    print(f"The whole journey took {time.monotonic() - began:.1f} s.")
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description="Walk the whole journey against a running stack.")
    parser.add_argument("--base-url", default="", help="where the stack answers; default: this folder's running demo")
    parser.add_argument("--mail-dir", type=Path, default=LOCAL / "mail", help="the folder the stack writes mails to")
    options = parser.parse_args()
    base_url = (options.base_url or running_demo()).rstrip("/")
    if not base_url:
        print("No demo runs here. Start one with make demo, or name a stack with --base-url.", file=sys.stderr)
        return 2
    print(f"Smoke test of {base_url}")
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            return 0 if walk(Journey(browser, base_url, Mailbox(options.mail_dir), demo_logins())) else 1
        finally:
            browser.close()


if __name__ == "__main__":
    sys.exit(main())
