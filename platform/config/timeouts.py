"""How long each database role may make others wait, in milliseconds, and how long to wait for the server.

Set on the roles of the embedded cluster and asked for by every connection; a start without them is refused.
"""

from __future__ import annotations

from collections.abc import Mapping

CONNECT_SECONDS = 5
# Whoever asked gives up by itself so many seconds after the server should have.
LATER_THAN_THE_SERVER = 5
LOCK = 10_000
TIMEOUTS: Mapping[str, Mapping[str, int]] = {
    "app_web": {"statement_timeout": 30_000, "lock_timeout": LOCK, "idle_in_transaction_session_timeout": 60_000},
    "app_ro": {"statement_timeout": 60_000, "lock_timeout": LOCK, "idle_in_transaction_session_timeout": 60_000},
    # A job narrows its statements to its own limit; it may stand still while a third party answers.
    "app_worker": {
        "statement_timeout": 900_000,
        "lock_timeout": LOCK,
        "idle_in_transaction_session_timeout": 300_000,
    },
    "owner": {"statement_timeout": 0, "lock_timeout": LOCK, "idle_in_transaction_session_timeout": 900_000},
}
