"""Messages are written once, delivered until they have left, and every attempt is on record."""

from __future__ import annotations

import email
import email.policy
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from aiosmtpd.controller import Controller
from django.core import mail as django_mail
from django.core.management import CommandError, call_command
from pytest_httpserver import HTTPServer

from audit.models import AuditEvent
from core.context import ANONYMOUS, acting
from core.errors import DomainError
from jobs.models import Job
from notifications.models import Message
from notifications.services import notify, resend_message
from notifications.transports import smtp_options
from organizations.actors import load_actor
from tests.database import as_system, role
from tests.factories.names import World
from tests.work import again, run

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def mails(settings: Any, tmp_path: Path) -> Path:
    settings.MAIL_TRANSPORT = "file"
    settings.MAIL_FILE_DIR = tmp_path / "mail"
    settings.DEFAULT_FROM_EMAIL = "CertaOS <noreply@send.certaos.com>"
    return tmp_path / "mail"


class Sink:
    """A mail server that answers as told: the next answers, then 250."""

    def __init__(self) -> None:
        self.answers: list[str] = []
        self.received: list[Any] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802 -- the library's name
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 -- the library's name
        self.received.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 2.0.0 kept"


@pytest.fixture
def smtp(settings: Any) -> Iterator[Sink]:
    sink = Sink()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    settings.MAIL_TRANSPORT, settings.SMTP_URL = "smtp", f"smtp://127.0.0.1:{port}"
    yield sink
    controller.stop()


@pytest.fixture
def resend(settings: Any, httpserver: HTTPServer) -> HTTPServer:
    settings.MAIL_TRANSPORT = "resend"
    settings.RESEND_API_KEY = "re_made_up"
    settings.RESEND_API_URL = httpserver.url_for("/")
    return httpserver


def write(key: str = "a test", **changes: Any) -> Message:
    arguments: dict[str, Any] = {"to": "reader@example.org", "language": "en", "context": {"rows": [("Site", "x & y")]}}
    with acting(ANONYMOUS):
        return notify("ops.test", dedupe_key=key, **arguments | changes)


def job_of(message: Message) -> Job:
    with as_system():
        return Job.objects.filter(subject_id=str(message.pk)).latest("created_at")


def deliver(message: Message, *, rounds: int = 1) -> Job:
    """Let the delivery run, and run again when its time has come."""
    job = job_of(message)
    for _ in range(rounds):
        with time_machine.travel(again(job).not_before):
            job = run(job)
    return job


def record(message: Message) -> tuple[str, list[tuple[int, str, str, str]]]:
    """The message's state and its deliveries: attempt, service, result, what the service said."""
    with as_system():
        message.refresh_from_db()
        rows = message.deliveries.order_by("attempt").values_list("attempt", "provider", "result", "error")
        return message.state, list(rows)


def test_a_visitor_without_any_rights_can_cause_a_mail(world: World, mails: Path) -> None:
    """CERT-125, CERT-127: the delivery carries the event's name."""
    message = write()

    job = deliver(message)

    assert (job.state, job.result) == ("done", "Sent through file.")
    assert record(message) == ("sent", [(1, "file", "accepted", "")])
    with as_system():
        assert message.deliveries.get().event == "ops.test"


def test_the_same_key_writes_one_mail(world: World, mails: Path) -> None:
    first, second = write("once"), write("once")
    deliver(first)

    assert run(job_of(first)).attempts == 1
    with as_system():
        assert not Message.objects.filter(pk=second.pk).exists()
    assert len(list(mails.glob("*.eml"))) == 1


def test_a_mail_on_disk_is_a_whole_mail_with_a_readable_page_beside_it(world: World, mails: Path) -> None:
    """CERT-126: the sender."""
    message = write(organization=world.provider_a.pk)
    deliver(message)

    (eml,), (page,) = mails.glob("*.eml"), mails.glob("*.html")
    read = email.message_from_bytes(eml.read_bytes(), policy=email.policy.default)
    assert (read["From"], read["To"]) == ("CertaOS <noreply@send.certaos.com>", "reader@example.org")
    assert (read["Message-ID"], read["Reply-To"]) == (message.message_id, world.provider_a.email)
    assert (read["Auto-Submitted"], read["Content-Language"]) == ("auto-generated", "en")
    assert [part.get_content_type() for part in read.iter_parts()] == ["text/plain", "text/html"]
    assert page.read_text() == message.html_body
    assert page.stem == eml.stem


def test_text_is_plain_html_is_escaped_and_nothing_is_fetched(world: World) -> None:
    message = write()

    assert "Site: x & y" in message.text_body
    assert "x &amp; y" in message.html_body
    assert re.findall(r"<img|<script|<link|url\(", message.html_body) == []
    assert 'style="' in message.html_body
    assert "prefers-color-scheme: dark" in message.html_body


def test_a_reader_gets_their_own_language(world: World) -> None:
    english, spanish = write("en"), write("es", language="es")

    assert (english.subject, spanish.subject) == (
        "A test message from CertaOS", "Un mensaje de prueba de CertaOS",
    )  # fmt: skip
    assert 'lang="es"' in spanish.html_body
    assert "No es publicidad." in spanish.text_body


def test_a_service_out_of_reach_is_tried_again_with_the_same_message_id(world: World, smtp: Sink) -> None:
    """D-14: every attempt is kept, and a receiver can tell a repeat."""
    smtp.answers = ["451 4.7.1 Please come again, reader@example.org", "451 later"]
    message = write()

    job = deliver(message, rounds=3)

    assert (job.state, job.attempts) == ("done", 3)
    assert record(message) == (
        "sent",
        [
            (1, "smtp", "unreachable", "451 4.7.1 Please come again, [e-mail]"),
            (2, "smtp", "unreachable", "451 later"),
            (3, "smtp", "accepted", ""),
        ],
    )
    assert [mail["Message-ID"] for mail in smtp.received] == [message.message_id]


def test_a_refusal_is_final_kept_and_seen(world: World, smtp: Sink) -> None:
    smtp.answers = ["550 5.1.1 No such user"]
    message = write()

    job = deliver(message)

    assert (job.state, job.attempts) == ("parked", 1)
    assert record(message) == ("failed", [(1, "smtp", "refused", "550 5.1.1 No such user")])


def test_a_mail_server_that_is_not_there_is_on_record(world: World, settings: Any) -> None:
    settings.MAIL_TRANSPORT, settings.SMTP_URL = "smtp", "smtp://127.0.0.1:9"
    message = write()

    deliver(message)

    state, ((attempt, provider, result, error),) = record(message)
    assert (state, attempt, provider, result) == ("queued", 1, "smtp", "unreachable")
    assert error.startswith("ConnectionRefusedError")


def test_resend_keeps_the_services_id_and_is_told_which_calls_repeat(world: World, resend: HTTPServer) -> None:
    resend.expect_ordered_request("/emails", method="POST").respond_with_json({"message": "busy"}, status=503)
    resend.expect_ordered_request("/emails", method="POST").respond_with_json({"id": "re_4711"})
    message = write()

    deliver(message, rounds=2)

    assert [result for _, _, result, _ in record(message)[1]] == ["unreachable", "accepted"]
    with as_system():
        assert message.deliveries.get(attempt=2).provider_id == "re_4711"
    keys = [request.headers["Idempotency-Key"] for request, _ in resend.log]
    assert keys == ["deliver:a test"] * 2
    assert resend.log[0][0].json["headers"]["Message-ID"] == message.message_id


def test_resend_saying_no_is_a_refusal_in_its_own_words(world: World, resend: HTTPServer) -> None:
    resend.expect_request("/emails").respond_with_json({"message": "The domain is not verified"}, status=403)
    message = write()

    deliver(message)

    state, ((_, _, result, error),) = record(message)
    assert (state, result) == ("failed", "refused")
    assert "The domain is not verified" in error


def test_staff_send_a_message_again_with_a_reason_and_on_record(world: World, mails: Path) -> None:
    message = write(organization=world.provider_a.pk)
    deliver(message)
    with as_system():
        actor = load_actor(world.provider_admin_a)

    with acting(actor):
        with pytest.raises(DomainError) as refused:
            resend_message(message, reason="")
        resend_message(message, reason="The client lost it.")
        with pytest.raises(DomainError) as twice:
            resend_message(message, reason="The client lost it.")
    deliver(message)

    assert (refused.value.code, twice.value.code) == ("reason_required", "transition_not_allowed")
    assert record(message) == ("sent", [(1, "file", "accepted", ""), (2, "file", "accepted", "")])
    with as_system():
        rows = AuditEvent.objects.filter(target_id=str(message.pk)).order_by("seq")
        acts = list(rows.values_list("act", "reason"))
    assert acts == [
        ("message.sent", ""), ("message.queued", "The client lost it."), ("message.sent", ""),
    ]  # fmt: skip


def test_django_itself_sends_no_mail(settings: Any) -> None:
    settings.EMAIL_BACKEND = "notifications.transports.RefuseDirectMail"

    with pytest.raises(RuntimeError):
        django_mail.send_mail("x", "y", None, ["reader@example.org"])


@pytest.mark.parametrize(
    ("url", "port", "tls", "ssl"),
    [
        ("smtp://mail.example", 25, False, False),
        ("smtp+tls://ada:s%40crt@mail.example", 587, True, False),
        ("smtps://mail.example:4650", 4650, False, True),
    ],
)
def test_a_mail_servers_address_says_how_to_speak_to_it(url: str, port: int, tls: bool, ssl: bool) -> None:
    options = smtp_options(url)

    assert (options["host"], options["port"], options["use_tls"], options["use_ssl"]) == (
        "mail.example",
        port,
        tls,
        ssl,
    )
    assert options["password"] == ("s@crt" if "ada" in url else "")


def test_the_test_mail_command_sends_and_finds_its_delivery(world: World, capsys: Any, mails: Path) -> None:
    """CERT-128."""
    with role("app_worker"):
        call_command("ops_test_email", to="ops@example.org")

    said = capsys.readouterr().out
    with as_system():
        message = Message.objects.get(to="ops@example.org")
        kept = message.deliveries.get()
    assert said == f"Sent through file. Kept as delivery {kept.pk}.\n"
    assert (message.state, kept.event) == ("sent", "ops.test")
    assert len(list(mails.glob("*.eml"))) == 1


def test_the_test_mail_command_fails_aloud_and_keeps_the_failure(world: World, smtp: Sink) -> None:
    smtp.answers = ["550 5.7.1 Not you"]

    with role("app_worker"), pytest.raises(CommandError, match=r"smtp: Refused\. 550 5\.7\.1 Not you"):
        call_command("ops_test_email", to="ops@example.org")

    with as_system():
        message = Message.objects.get(to="ops@example.org")
    assert record(message) == ("failed", [(1, "smtp", "refused", "550 5.7.1 Not you")])


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"to": "nobody"}, "no e-mail address"),
        ({"to": "ops@example.org", "env": "staging"}, r"no \.env\.staging\.local"),
        ({"to": "ops@example.org", "dotenv": Path("/nowhere")}, "is no file"),
    ],
)
def test_the_test_mail_command_refuses_what_it_cannot_do(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint):
        call_command("ops_test_email", **options)
