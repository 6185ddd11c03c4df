"""Ways a mail leaves the house."""

from __future__ import annotations

import os
import smtplib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from anymail.backends.resend import EmailBackend as ResendBackend
from anymail.exceptions import AnymailAPIError, AnymailError
from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend as SmtpBackend

from core import clock
from core.outside import Line
from jobs.failures import clean, describe
from notifications.enums import DeliveryResult
from notifications.models import Message, NotificationDelivery

# To connect, and from one byte to the next; MAIL_SECONDS limits all of it together.
CONNECT_AND_READ_SECONDS = 10
SMTP_PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}


class RefuseDirectMail(BaseEmailBackend):
    """Django's default backend: every mail goes through `notifications`, or it does not go."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        raise RuntimeError("Mail is written with notifications.services.notify, never sent directly.")


class FileBackend(BaseEmailBackend):
    """Writes mails into a folder: the mail itself as NAME.eml and, beside it, what a reader sees as NAME.html.

    A mail of the same name is replaced, so a repeated delivery does not add a second one.
    """

    def __init__(self, folder: Path, name: str) -> None:
        super().__init__()
        self.folder = folder
        self.name = name

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        self.folder.mkdir(parents=True, exist_ok=True)
        for mail in email_messages:
            self._write(f"{self.name}.eml", mail.message().as_bytes())
            for body, mimetype in getattr(mail, "alternatives", ()):
                if mimetype == "text/html":
                    self._write(f"{self.name}.html", str(body).encode())
        return len(email_messages)

    def _write(self, name: str, content: bytes) -> None:
        """Whole or not at all: a reader never finds half a mail."""
        draft = self.folder / f".{name}.{os.getpid()}"
        draft.write_bytes(content)
        draft.replace(self.folder / name)


class KeyedResendBackend(ResendBackend):
    """Tells Resend which calls repeat one another, so that an attempt whose answer was lost sends no second mail."""

    def __init__(self, *, idempotency_key: str, **options: Any) -> None:
        super().__init__(**options)
        self.idempotency_key = idempotency_key

    def build_message_payload(self, message: EmailMessage, defaults: dict[str, Any]) -> Any:
        payload = super().build_message_payload(message, defaults)
        payload.headers["Idempotency-Key"] = self.idempotency_key
        return payload


def attempt(message: Message, *, idempotency_key: str) -> NotificationDelivery:
    """Hand `message` to the configured service and return what it answered, as a delivery that is not yet saved.

    `idempotency_key` is the same for every attempt of one wish to deliver. Never raises for what a service or the
    network does. `REFUSED`: the service said no, and would say it again; `UNREACHABLE`: it may work later.
    """
    mail, backend = _mail(message), _backend(message, idempotency_key)
    delivery = NotificationDelivery(
        message=message,
        event=message.event,
        attempt=message.deliveries.count() + 1,
        provider=settings.MAIL_TRANSPORT,
        result=DeliveryResult.ACCEPTED,
    )
    try:
        _line(settings.MAIL_SECONDS).call(lambda: backend.send_messages([mail]))
        delivery.provider_id = _provider_id(mail)
    except (OSError, smtplib.SMTPException, AnymailError) as error:
        delivery.result = DeliveryResult.REFUSED if _is_final(error) else DeliveryResult.UNREACHABLE
        delivery.error = _explain(error)
    delivery.at = clock.now()
    return delivery


@cache
def _line(seconds: int) -> Line:
    return Line(1, seconds)


def _mail(message: Message) -> EmailMultiAlternatives:
    answers_to = message.organization.email if message.organization is not None else ""
    mail = EmailMultiAlternatives(
        subject=message.subject,
        body=message.text_body,
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[message.to],
        reply_to=[answers_to or settings.SUPPORT_EMAIL],
        headers={
            "Message-ID": message.message_id,
            "Auto-Submitted": "auto-generated",
            "Content-Language": message.language,
            "X-Event": message.event,
        },
    )
    mail.attach_alternative(message.html_body, "text/html")
    return mail


def _backend(message: Message, idempotency_key: str) -> BaseEmailBackend:
    """A fresh connection to the service the knobs name; every one of them gives up after a while."""
    if settings.MAIL_TRANSPORT == "resend":
        return KeyedResendBackend(
            api_key=settings.RESEND_API_KEY,
            api_url=settings.RESEND_API_URL,
            timeout=CONNECT_AND_READ_SECONDS,
            idempotency_key=idempotency_key,
        )
    if settings.MAIL_TRANSPORT == "smtp":
        return SmtpBackend(**smtp_options(settings.SMTP_URL))
    name = f"{message.created_at:%Y%m%d-%H%M%S}-{message.event}-{message.pk.hex[:8]}"
    return FileBackend(settings.MAIL_FILE_DIR, name)


def smtp_options(url: str) -> dict[str, Any]:
    """The arguments of Django's backend for smtp://, smtp+tls:// (STARTTLS) or smtps:// with user, password, port."""
    parts = urlsplit(url)
    return {
        "host": parts.hostname or "",
        "port": parts.port or SMTP_PORTS[parts.scheme],
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "use_tls": parts.scheme == "smtp+tls",
        "use_ssl": parts.scheme == "smtps",
        "timeout": CONNECT_AND_READ_SECONDS,
    }


def _provider_id(mail: Any) -> str:
    """What the service calls this mail, where it says so."""
    status = getattr(mail, "anymail_status", None)
    found = getattr(status, "message_id", None)
    return str(found)[:200] if found else ""


def _is_final(error: Exception) -> bool:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code >= 500
    if isinstance(error, AnymailAPIError):
        status = error.status_code or 0
        return 400 <= status < 500 and status not in (408, 409, 425, 429)
    return isinstance(error, AnymailError)


def _explain(error: Exception) -> str:
    """The service's own words, without addresses."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        answers = {f"{code} {text.decode(errors='replace')}" for code, text in error.recipients.values()}
        return clean("; ".join(sorted(answers)))
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        return clean(f"{error.smtp_code} {text}")
    if isinstance(error, AnymailAPIError) and error.response is not None:
        return clean(f"{error.status_code} {error.response.text}")
    return describe(error)
