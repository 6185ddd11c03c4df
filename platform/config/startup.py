"""What stops a start: a database that may lose what it acknowledged, or lets one request hold up all others.

Asked once by every web process and worker, and by `manage.py check_start`. A database that does not answer is no lie:
the web starts, sheds and recovers by itself.
"""

from __future__ import annotations

from django.core.checks import WARNING, run_checks
from django.db import OperationalError, connection

from config.env import env
from config.faults import ConfigurationError

LIMITS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
_ASK = """
SELECT current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'),
    current_setting('statement_timeout'), current_setting('lock_timeout'),
    current_setting('idle_in_transaction_session_timeout'),
    rolsuper OR rolbypassrls, EXISTS (
        SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND pg_has_role(r.oid, c.relowner, 'USAGE')
    )
FROM pg_roles r WHERE rolname = current_user
"""


def lies(*, durable: bool = True) -> list[str]:
    """Everything about this process's database connection that must not be; `durable` asks for safe commits too.

    OperationalError when the database does not answer.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ASK)
        fsync, pages, commit, *limits, past_policies, owns = cursor.fetchone()
    found = []
    if durable:
        told = {"fsync": fsync, "full_page_writes": pages}
        found += [f"{name} is {value}; it must be on." for name, value in told.items() if value != "on"]
        if commit == "off":
            found.append("synchronous_commit is off; a commit would be acknowledged before it is kept.")
    found += [
        f"{name} is 0; set one for the role {connection.settings_dict['USER']}."
        for name, value in zip(LIMITS, limits, strict=True)
        if value == "0"
    ]
    if past_policies:
        found.append("The role passes row security; use one without SUPERUSER and BYPASSRLS.")
    if owns:
        found.append("The role owns tables or is a member of their owner; use one that owns nothing.")
    return found


def deployment_faults() -> list[str]:
    """What `manage.py check --deploy` says, where real people work."""
    if not env.deployed:
        return []
    said = run_checks(include_deployment_checks=True)
    return [
        f"{message.id}: {message.msg}" for message in said if message.level >= WARNING and not message.is_silenced()
    ]


def refuse_lies() -> None:
    """Raise ConfigurationError with everything found. Test clusters need not be durable."""
    found = deployment_faults()
    try:
        found += [f"Database: {lie}" for lie in lies(durable=env.ENVIRONMENT != "test")]
    except OperationalError:
        return
    finally:
        connection.close()
    if found:
        raise ConfigurationError(found)
