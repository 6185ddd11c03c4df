"""The knobs: read in the right order, trimmed, judged together, never shown."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from config import matrix
from config.env import ConfigurationError, Env, load
from config.knobs import ROOT, Knobs
from config.local_secrets import local_secrets
from config.processes import command, is_offline, process_role

KEY = base64.b64encode(bytes(range(32))).decode()
PRODUCTION = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "a-secret-of-production-with-many-characters-0123456789",
    "FIELD_KEYS": f"k2:{KEY},k1:{KEY}",
    "LOOKUP_KEY": KEY,
    "SITE_URL": "https://certaos.example/",
    "ALLOWED_HOSTS": "certaos.example, www.certaos.example",
    "DATABASE_URL": "postgresql://app_web:pw@db/certaos",
    "WORKER_DATABASE_URL": "postgresql://app_worker:pw@db/certaos",
    "RESEND_API_KEY": "re_key",
}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No knob of the machine reaches these tests, and no dotenv file."""
    for name, field in Knobs.model_fields.items():
        for known in (name, *matrix.knob_facts(field)["aliases"]):
            monkeypatch.delenv(known, raising=False)
            monkeypatch.delenv(f"{known}_FILE", raising=False)
    monkeypatch.setenv("ENVIRONMENT", "test")


def given(monkeypatch: pytest.MonkeyPatch, **knobs: str) -> Env:
    for name, value in knobs.items():
        monkeypatch.setenv(name, value)
    return load()


def faults(monkeypatch: pytest.MonkeyPatch, **knobs: str) -> list[str]:
    with pytest.raises(ConfigurationError) as raised:
        given(monkeypatch, **knobs)
    return raised.value.faults


def test_the_issuer_knobs_have_their_published_defaults() -> None:
    """CERT-110 to CERT-122."""
    read = load()
    assert {name: getattr(read, name) for name in Knobs.model_fields if name.startswith("CERT_ISSUER_")} == {
        "CERT_ISSUER_POLL_INTERVAL_MS": 60_000,
        "CERT_ISSUER_BATCH_SIZE": 25,
        "CERT_ISSUER_MAX_BATCHES_PER_TICK": 5,
        "CERT_ISSUER_RETRY_ATTEMPTS": 3,
        "CERT_ISSUER_RETRY_BASE_DELAY_MS": 500,
        "CERT_ISSUER_STALE_COMPLETED_SLA_HOURS": 6,
        "CERT_ISSUER_ALERT_COOLDOWN_MS": 900_000,
        "CERT_ISSUER_ALERT_QUIET_HOURS_ENABLED": False,
        "CERT_ISSUER_ALERT_QUIET_HOURS_START_UTC": 0,
        "CERT_ISSUER_ALERT_QUIET_HOURS_END_UTC": 0,
        "CERT_ISSUER_DAILY_DIGEST_ENABLED": False,
        "CERT_ISSUER_DAILY_DIGEST_HOUR_UTC": 14,
        "CERT_ISSUER_DAILY_DIGEST_MINUTE_UTC": 0,
    }


@pytest.mark.parametrize(
    ("text", "cents"),
    [("", 5000), ("0", 0), ("2500", 2500), ("5000", 5000), ("5001", 5000), ("9900", 5000), ("-1", 5000), ("ten", 5000)],
)
def test_the_course_fee_is_capped_and_never_stops_a_start(
    monkeypatch: pytest.MonkeyPatch, text: str, cents: int
) -> None:
    """CERT-84."""
    assert given(monkeypatch, COURSE_FEE_CENTS_DEFAULT=text).COURSE_FEE_CENTS_DEFAULT == cents


def test_a_line_end_after_a_value_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """CERT-22."""
    read = given(
        monkeypatch, DATABASE_URL="postgresql://web:pw@db/certaos\r\n", DATABASE_SSL_INSECURE="true\r\n", PORT=" 81\n"
    )
    assert (read.DATABASE_URL, read.DATABASE_SSL_INSECURE, read.PORT) == ("postgresql://web:pw@db/certaos", True, 81)


@pytest.mark.parametrize(("own", "expected"), [("", True), ("false", False), ("true", True)])
def test_the_migration_connection_checks_certificates_like_the_other_unless_told(
    monkeypatch: pytest.MonkeyPatch, own: str, expected: bool
) -> None:
    """CERT-21."""
    read = given(monkeypatch, DATABASE_SSL_INSECURE="true", MIGRATION_DATABASE_SSL_INSECURE=own)
    assert (read.database_ssl_insecure("owner"), read.database_ssl_insecure("web")) == (expected, True)


def test_each_process_gets_its_own_database_login_and_falls_back_to_the_webs(monkeypatch: pytest.MonkeyPatch) -> None:
    read = given(monkeypatch, DATABASE_URL="postgresql://web@db/c", MIGRATION_DATABASE_URL="postgresql://owner@db/c")
    assert [read.database_url(role) for role in ("owner", "web", "worker", "readonly")] == [
        "postgresql://owner@db/c",
        "postgresql://web@db/c",
        "postgresql://web@db/c",
        "postgresql://web@db/c",
    ]


def test_another_dotenv_file_changes_the_database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """CERT-10."""
    other = tmp_path / "elsewhere.env"
    other.write_text("DATABASE_URL=postgresql://web@elsewhere/certaos\r\nUNKNOWN=ignored\n")
    assert given(monkeypatch, DOTENV_CONFIG_PATH=str(other)).DATABASE_URL == "postgresql://web@elsewhere/certaos"


def test_the_environment_beats_a_file_beats_the_dotenv_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    dotenv, secret = tmp_path / "a.env", tmp_path / "key"
    dotenv.write_text("RESEND_API_KEY=dotenv\nSTRIPE_SECRET_KEY=dotenv\nSUPPORT_PHONE=dotenv\n")
    secret.write_text("file\n")
    read = given(
        monkeypatch,
        DOTENV_CONFIG_PATH=str(dotenv),
        RESEND_API_KEY="environment",
        RESEND_API_KEY_FILE=str(secret),
        STRIPE_SECRET_KEY_FILE=str(secret),
    )
    assert (read.RESEND_API_KEY, read.STRIPE_SECRET_KEY, read.SUPPORT_PHONE) == ("environment", "file", "dotenv")


def test_tests_do_not_read_the_developers_dotenv_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env.local").write_text("STRIPE_SECRET_KEY=sk_live_real\n")
    monkeypatch.setattr("config.env.ROOT", tmp_path)
    assert given(monkeypatch, ENVIRONMENT="test").STRIPE_SECRET_KEY == ""
    assert given(monkeypatch, ENVIRONMENT="local").STRIPE_SECRET_KEY == "sk_live_real"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("VERCEL_URL",), "https://vercel.example"),
        (("NEXT_PUBLIC_BETTER_AUTH_URL", "VERCEL_URL"), "https://next.example"),
        (("BETTER_AUTH_URL", "NEXT_PUBLIC_BETTER_AUTH_URL"), "https://auth.example"),
        (("BETTER_AUTH_BASE_URL", "BETTER_AUTH_URL"), "https://base.example"),
        (("HEALTHCHECK_BASE_URL", "BETTER_AUTH_BASE_URL"), "https://health.example"),
    ],
)
def test_the_checked_address_is_the_first_alias_that_is_set(
    monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], expected: str
) -> None:
    """CERT-30."""
    values = {
        "HEALTHCHECK_BASE_URL": "https://health.example",
        "BETTER_AUTH_BASE_URL": "https://base.example/",
        "BETTER_AUTH_URL": "https://auth.example",
        "NEXT_PUBLIC_BETTER_AUTH_URL": "https://next.example",
        "VERCEL_URL": "vercel.example",
    }
    assert given(monkeypatch, **{name: values[name] for name in names}).HEALTHCHECK_BASE_URL == expected


def test_all_faults_are_told_at_once_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert faults(
        monkeypatch,
        DEBUG="perhaps",
        WORKER_PROCESSES="0",
        CERT_ISSUER_DAILY_DIGEST_HOUR_UTC="24",
        DATABASE_URL="mysql://db/certaos",
        VERCEL_URL="https:///",
        LOOKUP_KEY="c2hvcnQ=",
        MAIL_TRANSPORT="pigeon",
    ) == [
        "CERT_ISSUER_DAILY_DIGEST_HOUR_UTC: must be less than or equal to 23.",
        "DATABASE_URL: must look like postgresql://role:password@host:port/database.",
        "DEBUG: must be a valid boolean.",
        "HEALTHCHECK_BASE_URL: must look like https://host.",
        "LOOKUP_KEY: must be 32 random bytes in base64.",
        "MAIL_TRANSPORT: must be 'resend', 'smtp' or 'file'.",
        "WORKER_PROCESSES: must be greater than 0.",
    ]


SECRET_AND_WRONG = {
    "FIELD_KEYS": "hunter2",
    "LOOKUP_KEY": "hunter2",
    "DATABASE_URL": "mysql://hunter2@db/x",
    "SMTP_URL": "http://hunter2@mail",
    "WORKER_ALERT_WEBHOOK_URL": "ftp://hunter2",
}


def test_a_fault_never_shows_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    told = faults(monkeypatch, **SECRET_AND_WRONG)
    assert [fault.partition(":")[0] for fault in told] == sorted(SECRET_AND_WRONG)
    assert "hunter2" not in " ".join(told)


def test_production_starts_with_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    read = given(monkeypatch, **PRODUCTION)
    assert read.ALLOWED_HOSTS == ("certaos.example", "www.certaos.example")
    assert read.SITE_URL == "https://certaos.example"
    assert (list(read.FIELD_KEYS), read.LOOKUP_KEY) == (["k2", "k1"], bytes(range(32)))
    assert (read.DEBUG, read.LOG_FORMAT, read.MAIL_TRANSPORT) == (False, "json", "resend")


@pytest.mark.parametrize("missing", sorted(set(PRODUCTION) - {"ENVIRONMENT", "RESEND_API_KEY"}))
def test_production_refuses_to_start_without(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    rest = {name: value for name, value in PRODUCTION.items() if name != missing}
    assert faults(monkeypatch, **rest) == [f"{missing}: is required in production."]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEBUG", "true"),
        ("PAYMENTS_SIMULATED", "1"),
        ("STRIPE_API_BASE", "http://127.0.0.1:9"),
        ("SECRET_KEY", "short"),
    ],
)
def test_production_refuses_what_is_for_trying_out(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    assert [fault.partition(":")[0] for fault in faults(monkeypatch, **PRODUCTION | {name: value})] == [name]


def test_production_refuses_to_lose_mail_and_payments(monkeypatch: pytest.MonkeyPatch) -> None:
    knobs = PRODUCTION | {"RESEND_API_KEY": "", "STRIPE_SECRET_KEY": "sk_live_x"}
    told = faults(monkeypatch, **knobs)
    assert [fault.partition(":")[0] for fault in told] == ["MAIL_TRANSPORT", "STRIPE_WEBHOOK_SECRET"]


def test_the_worker_in_production_needs_its_actor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["manage.py", "worker"])
    assert faults(monkeypatch, **PRODUCTION) == ["WORKER_ACTOR_USER_ID: is required in production."]
    monkeypatch.setattr(sys, "argv", ["manage.py", "worker_create_actor"])
    assert given(monkeypatch, **PRODUCTION).WORKER_ACTOR_USER_ID == ""


def test_a_secret_does_not_show_in_the_representation(monkeypatch: pytest.MonkeyPatch) -> None:
    read = given(monkeypatch, **PRODUCTION | {"STRIPE_SECRET_KEY": "sk_x", "STRIPE_WEBHOOK_SECRET": "whsec_x"})
    shown = repr(read)
    secrets = [name for name, field in Knobs.model_fields.items() if matrix.knob_facts(field)["secret"]]
    assert [name for name in secrets if f"{name}=" in shown] == []
    assert "SITE_URL='https://certaos.example'" in shown


def test_local_secrets_are_made_once_for_all_processes(tmp_path: Path) -> None:
    made = local_secrets(tmp_path)
    assert local_secrets(tmp_path) == made
    assert local_secrets(tmp_path / "other") != made
    assert sorted(made) == ["FIELD_KEYS", "LOOKUP_KEY", "SECRET_KEY"]
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("argv", "name", "role"),
    [
        (["manage.py", "migrate"], "migrate", "owner"),
        (["./manage.py", "rls_apply"], "rls_apply", "owner"),
        (["manage.py", "runserver", "8000"], "runserver", "web"),
        (["/x/bin/gunicorn", "config.wsgi"], "gunicorn", "web"),
        (["/x/site-packages/gunicorn/__main__.py", "config.wsgi"], "gunicorn", "web"),
        (["manage.py", "worker"], "worker", "worker"),
        (["manage.py", "user_invite", "--email", "a@b.c"], "user_invite", "worker"),
        (["manage.py"], "help", "worker"),
        (["manage.py", "--version"], "help", "worker"),
    ],
)
def test_the_command_line_decides_the_database_role(argv: list[str], name: str, role: str) -> None:
    assert (command(argv), process_role(argv, {})) == (name, role)


def test_a_process_may_be_told_its_role() -> None:
    assert process_role(["manage.py", "shell"], {"CERTAOS_PROCESS": " readonly\n"}) == "readonly"
    with pytest.raises(ValueError, match="CERTAOS_PROCESS: must be one of owner, web, worker, readonly"):
        process_role(["manage.py", "shell"], {"CERTAOS_PROCESS": "root"})


def test_commands_without_a_database_do_not_start_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("config.env.LOCAL", tmp_path)
    monkeypatch.setattr(sys, "argv", ["manage.py", "scenario", "questions.csv"])
    assert is_offline()
    assert load().database_url("worker") == "postgresql://offline@127.0.0.1:9/offline"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secrets.json", "secrets.lock"]


def test_every_knob_stands_in_the_matrix_with_its_meaning_and_without_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_live_hunter2")
    rows = matrix.as_dicts()
    assert [row["name"] for row in rows] == list(Knobs.model_fields)
    assert [row["name"] for row in rows if not (row["meaning"] and row["type"])] == []
    assert "hunter2" not in json.dumps(rows) + matrix.as_markdown()
    assert [row["default"] for row in rows if row["name"] == "FILES_DIR"] == [".local/files"]


def test_a_wrong_knob_stops_a_command_with_one_plain_message() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "env_matrix"],
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "ENVIRONMENT": "test", "DEBUG": "perhaps", "LOG_LEVEL": "LOUD"},
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "The configuration is wrong:",
        "  DEBUG: must be a valid boolean.",
        "  LOG_LEVEL: must be 'DEBUG', 'INFO', 'WARNING', 'ERROR' or 'CRITICAL'.",
    ]
