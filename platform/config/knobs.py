"""Every knob of CertaOS, declared once: name, type, default, aliases, secret or not, where required, meaning.

Only declarations stand here; ``config.env`` reads them, ``manage.py env_matrix`` prints them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, Field, NonNegativeInt, PositiveInt
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from config.values import (
    AbsolutePath,
    CommaList,
    DatabaseUrl,
    FeeCents,
    HostOrUrl,
    Hour,
    HttpUrl,
    Key,
    Keyring,
    Minute,
    SmtpUrl,
)

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / ".local"


def _knob(
    default: object,
    meaning: str,
    *,
    aliases: tuple[str, ...] = (),
    secret: bool = False,
    needed: str = "",
    shown: str = "",
) -> Any:
    """Declare a knob.

    ``aliases`` are all its names, its own first. ``needed`` is ``deployed`` or ``worker``: where a start without it
    fails. ``shown`` is the default in words, when that says more than the value.
    """
    extra: dict[str, Any] = {"secret": secret, "needed": needed, "shown": shown, "aliases": list(aliases[1:])}
    names: dict[str, Any] = {"validation_alias": AliasChoices(*aliases)} if aliases else {}
    return Field(default, description=meaning, repr=not secret, json_schema_extra=extra, **names)


def knob_facts(field: FieldInfo) -> dict[str, Any]:
    """What a declaration says beside type, default and meaning: secret, needed, aliases, shown."""
    extra = field.json_schema_extra
    return dict(extra) if isinstance(extra, dict) else {"needed": "", "aliases": [], "secret": False, "shown": ""}


class Knobs(BaseSettings):
    """All knobs as typed attributes, in the order people meet them."""

    # --- The installation -------------------------------------------------------------------------------------------
    ENVIRONMENT: Literal["local", "test", "demo", "staging", "production"] = _knob(
        "local", "What this installation is; staging and production bring their own secrets and refuse debug pages."
    )
    DEBUG: bool = _knob(False, "Show error pages with code. Refused when deployed.", shown="true in local, else false")
    SECRET_KEY: str = _knob(
        "",
        "Signs sessions, links and queued work.",
        secret=True,
        needed="deployed",
        shown="kept in .local/secrets.json",
    )
    FIELD_KEYS: Keyring = _knob(
        {},
        "Keys for personal fields, name:base64 of 32 bytes, comma-separated; the first encrypts, all decrypt.",
        secret=True,
        needed="deployed",
        shown="kept in .local/secrets.json",
    )
    LOOKUP_KEY: Key = _knob(
        b"",
        "Base64 of 32 bytes; keys the hash by which encrypted fields are searched.",
        secret=True,
        needed="deployed",
        shown="kept in .local/secrets.json",
    )
    SITE_URL: HttpUrl = _knob(
        "http://127.0.0.1:8000", "The address people use; links in mails start with it.", needed="deployed"
    )
    ALLOWED_HOSTS: CommaList = _knob(
        ("127.0.0.1", "localhost", "[::1]"), "Host names the site answers to, comma-separated.", needed="deployed"
    )
    TRUSTED_PROXY_COUNT: NonNegativeInt = _knob(
        0, "Reverse proxies in front whose X-Forwarded-For entries are believed."
    )
    PORT: PositiveInt = _knob(
        8000, "Port of the web server that make demo and make run start; make demo moves on if taken."
    )
    CERTAOS_PROCESS: Literal["", "owner", "web", "worker", "readonly"] = _knob(
        "", "Database role of this process, when its command line should not decide.", shown="by the command"
    )
    DOTENV_CONFIG_PATH: str = _knob(
        "", "File with further knobs, one NAME=value per line.", shown=".env.local, none in test"
    )
    FILES_DIR: AbsolutePath = _knob(LOCAL / "files", "Folder for private files.", shown=".local/files")
    STATIC_ROOT: AbsolutePath = _knob(LOCAL / "static", "Folder for collected static files.", shown=".local/static")
    LOG_LEVEL: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = _knob(
        "INFO", "Least severe log line written."
    )
    LOG_FORMAT: Literal["console", "json"] = _knob(
        "json", "How log lines look.", shown="console in local and test, else json"
    )
    SUPPORT_EMAIL: str = _knob("support@certaos.com", "Where the public pages send people who need help.")
    SUPPORT_PHONE: str = _knob("", "Telephone number on the public pages; none shows none.")
    SUPPORT_HOURS: str = _knob("", "When the telephone is answered, in English.")
    SUPPORT_HOURS_ES: str = _knob("", "When the telephone is answered, in Spanish.")

    # --- Database ---------------------------------------------------------------------------------------------------
    DATABASE_URL: DatabaseUrl = _knob(
        "",
        "The web's database, as a role that owns nothing.",
        secret=True,
        needed="deployed",
        shown="embedded, app_web",
    )
    WORKER_DATABASE_URL: DatabaseUrl = _knob(
        "",
        "The worker's and the command line's database role.",
        secret=True,
        needed="deployed",
        shown="DATABASE_URL, else embedded, app_worker",
    )
    MIGRATION_DATABASE_URL: DatabaseUrl = _knob(
        "",
        "The owner of the tables, for migrations and policies.",
        secret=True,
        shown="DATABASE_URL, else embedded, owner",
    )
    READONLY_DATABASE_URL: DatabaseUrl = _knob(
        "", "A role that only reads, for reports.", secret=True, shown="DATABASE_URL, else embedded, app_ro"
    )
    TEST_DATABASE_URL: DatabaseUrl = _knob(
        "", "Superuser of a server the tests may make databases on.", secret=True, shown="a private embedded cluster"
    )
    DATABASE_SSL_INSECURE: bool = _knob(False, "Encrypt to the database without checking its certificate.")
    MIGRATION_DATABASE_SSL_INSECURE: bool | None = _knob(
        None, "The same for MIGRATION_DATABASE_URL.", shown="DATABASE_SSL_INSECURE"
    )
    DB_READ_ONLY: bool = _knob(False, "Make every web transaction read-only, for maintenance.")

    # --- Backups ----------------------------------------------------------------------------------------------------
    BACKUP_DIR: AbsolutePath | None = _knob(None, "Folder for backups; none makes none and reports none.", shown="none")
    BACKUP_KEY: Key = _knob(
        b"", "Base64 of 32 bytes that seals backups. Keep it apart from them: without it they are lost.", secret=True
    )
    BACKUP_DATABASE_URL: DatabaseUrl = _knob(
        "", "A role with BYPASSRLS and REPLICATION, for backups alone.", secret=True, shown="embedded, backup"
    )

    # --- Health -----------------------------------------------------------------------------------------------------
    HEALTHCHECK_TOKEN: str = _knob(
        "", "Opens the deep health pages, sent as x-healthcheck-token; without it they answer 404.", secret=True
    )
    HEALTHCHECK_BASE_URL: HostOrUrl = _knob(
        "",
        "Site that the deployment checks visit.",
        aliases=(
            "HEALTHCHECK_BASE_URL",
            "BETTER_AUTH_BASE_URL",
            "BETTER_AUTH_URL",
            "NEXT_PUBLIC_BETTER_AUTH_URL",
            "VERCEL_URL",
        ),
        shown="--base-url",
    )
    STAGING_HEALTHCHECK_TOKEN: str = _knob(
        "", "Token for recurring checks of staging; none checks anonymously.", secret=True
    )
    PRODUCTION_HEALTHCHECK_TOKEN: str = _knob(
        "", "Token for recurring checks of production; none checks anonymously.", secret=True
    )

    # --- Sign-up ----------------------------------------------------------------------------------------------------
    ALLOW_PUBLIC_SIGNUP: bool = _knob(False, "Let people sign up without an invitation.")

    # --- Sign-in and sessions ---------------------------------------------------------------------------------------
    SECOND_FACTOR_FOR_PLATFORM: bool | None = _knob(
        None, "Platform roles need a second step at sign-in.", shown="true in staging and production, else false"
    )
    FRESH_MINUTES: PositiveInt = _knob(10, "Minutes for which a password or code counts before dangerous acts.")
    SESSION_IDLE_MINUTES: PositiveInt = _knob(720, "Minutes a session may lie idle.")
    SESSION_IDLE_MINUTES_STAFF: PositiveInt = _knob(120, "The same for people with a role in an organization.")
    SESSION_IDLE_MINUTES_PLATFORM: PositiveInt = _knob(60, "The same for platform roles.")
    SESSION_HOURS: PositiveInt = _knob(24, "Hours after which a session ends in any case.")
    SESSION_HOURS_STAFF: PositiveInt = _knob(12, "The same for people with a role in an organization.")
    SESSION_HOURS_PLATFORM: PositiveInt = _knob(12, "The same for platform roles.")
    BREACHED_PASSWORDS_FILE: str = _knob(
        "",
        "File of SHA-1 hashes of leaked passwords, sorted, one HASH or HASH:COUNT a line; checked beside the 20,000"
        " common ones. None checks those alone.",
    )

    # --- Payments ---------------------------------------------------------------------------------------------------
    STRIPE_SECRET_KEY: str = _knob("", "Stripe's secret key; without it nobody pays by card.", secret=True)
    STRIPE_WEBHOOK_SECRET: str = _knob("", "Verifies what Stripe's webhook sends.", secret=True)
    STRIPE_API_BASE: HttpUrl = _knob("", "Another address for Stripe's API: a simulator.", shown="Stripe's own")
    STRIPE_SECONDS: PositiveInt = _knob(20, "How long one question to Stripe may take in all, its repetition included.")
    STRIPE_MOST_AT_ONCE: PositiveInt = _knob(
        4, "Questions to Stripe under way at once in one process; further ones are refused, so that pages stay quick."
    )
    PAYMENTS_SIMULATED: bool = _knob(False, "Say on every page that payments are simulated. Refused in production.")
    COURSE_FEE_CENTS_DEFAULT: FeeCents = _knob(
        5000, "Course fee in cents where a provider sets none; above 5000, negative or no number counts as 5000."
    )
    MANUAL_PAYMENT_FALLBACK_ENABLED: bool = _knob(
        False, "Let staff record payments by hand, only without STRIPE_SECRET_KEY."
    )

    # --- Mail -------------------------------------------------------------------------------------------------------
    MAIL_TRANSPORT: Literal["resend", "smtp", "file"] = _knob(
        "file", "How mail leaves.", shown="resend or smtp when configured, else file"
    )
    RESEND_API_KEY: str = _knob("", "Key for the Resend mail service.", secret=True)
    SMTP_URL: SmtpUrl = _knob(
        "", "Mail server: smtp://, smtp+tls:// or smtps:// with user, password and port.", secret=True
    )
    MAIL_FILE_DIR: AbsolutePath = _knob(LOCAL / "mail", "Folder for mails written to disk.", shown=".local/mail")
    MAIL_SECONDS: PositiveInt = _knob(20, "How long handing one mail to the mail server or Resend may take in all.")
    EMAIL_FROM: str = _knob("CertaOS <noreply@send.certaos.com>", "Sender of every mail.")

    # --- Worker -----------------------------------------------------------------------------------------------------
    WORKER_PROCESSES: PositiveInt = _knob(2, "Processes of one worker that run jobs.")
    WORKER_ACTOR_USER_ID: str = _knob(
        "", "Id of the user the worker acts as; see worker_create_actor.", needed="worker"
    )
    WORKER_ACTOR_ROLE: Literal["platform_admin"] = _knob("platform_admin", "Role the worker's user must hold.")
    WORKER_ALERT_WEBHOOK_URL: HttpUrl = _knob("", "Address that gets worker alerts as JSON.", secret=True)
    WORKER_ALERT_TELEGRAM_BOT_TOKEN: str = _knob(
        "", "Telegram bot for worker alerts; needs the chat id as well.", secret=True
    )
    WORKER_ALERT_TELEGRAM_CHAT_ID: str = _knob("", "Telegram chat for worker alerts; needs the bot token as well.")
    CERT_ISSUER_POLL_INTERVAL_MS: PositiveInt = _knob(60_000, "Time between two looks for certificates to issue.")
    CERT_ISSUER_BATCH_SIZE: PositiveInt = _knob(25, "Certificates taken at once.")
    CERT_ISSUER_MAX_BATCHES_PER_TICK: PositiveInt = _knob(5, "Batches per look.")
    CERT_ISSUER_RETRY_ATTEMPTS: PositiveInt = _knob(3, "Attempts before a certificate is parked.")
    CERT_ISSUER_RETRY_BASE_DELAY_MS: PositiveInt = _knob(500, "First wait after a failure; doubles each time.")
    CERT_ISSUER_STALE_COMPLETED_SLA_HOURS: PositiveInt = _knob(
        6, "Age at which a completed course without certificate is late."
    )
    CERT_ISSUER_ALERT_COOLDOWN_MS: NonNegativeInt = _knob(900_000, "Least time between two backlog alerts.")
    CERT_ISSUER_ALERT_QUIET_HOURS_ENABLED: bool = _knob(False, "Hold backlog alerts back during quiet hours.")
    CERT_ISSUER_ALERT_QUIET_HOURS_START_UTC: Hour = _knob(0, "First quiet hour; the same as the end means none.")
    CERT_ISSUER_ALERT_QUIET_HOURS_END_UTC: Hour = _knob(0, "Hour at which alerts go out again.")
    CERT_ISSUER_DAILY_DIGEST_ENABLED: bool = _knob(False, "Send a daily summary of the backlog.")
    CERT_ISSUER_DAILY_DIGEST_HOUR_UTC: Hour = _knob(14, "Hour of the daily summary.")
    CERT_ISSUER_DAILY_DIGEST_MINUTE_UTC: Minute = _knob(0, "Minute of the daily summary.")
