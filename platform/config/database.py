"""The database of this process as Django wants it told."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from config.env import EMBEDDED_ROLES, env, process_role
from config.timeouts import CONNECT_SECONDS, LATER_THAN_THE_SERVER, TIMEOUTS

# A peer that is gone is noticed after this long, also while we wait for its answer.
KEEPALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000}


def database() -> dict[str, Any]:
    """Django's settings for the login that fits the process: owner, app_web, app_worker or app_ro.

    Nothing here needs a session of its own (no server-side cursors, no prepared statements), so a pooler in
    transaction mode may stand between.
    """
    role = process_role()
    url = urlsplit(env.database_url(role))
    options: dict[str, Any] = dict(parse_qsl(url.query))
    if env.database_ssl_insecure(role):
        options["sslmode"] = "require"
    limits = TIMEOUTS[EMBEDDED_ROLES[role]]
    settings = " ".join(f"-c {name}={value}" for name, value in limits.items())
    longest = limits["statement_timeout"] / 1000
    return {
        "ENGINE": "config.backend",
        "NAME": unquote(url.path.lstrip("/")),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": unquote(url.hostname or ""),
        "PORT": str(url.port or ""),
        "CONN_MAX_AGE": 0 if role == "owner" else 60,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "OPTIONS": KEEPALIVE
        | {"connect_timeout": CONNECT_SECONDS, "prepare_threshold": None, "options": settings}
        | {"answer_within": longest + LATER_THAN_THE_SERVER if longest else 0}
        | options,
    }
