"""Walk the import pages as a person."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from enrollments.models import Enrollment
from imports.models import ImportRun
from tests.database import as_system
from tests.resources.files import csv_file


def list_page(model: type[models.Model], page: str) -> str:
    meta = model._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}")


def run_page(run: ImportRun, page: str) -> str:
    return reverse(f"admin:imports_importrun_{page}", args=[run.pk])


def run_act(run: ImportRun, name: str) -> str:
    return reverse(f"admin:imports_importrun_do_{name}", args=[run.pk])


def upload(
    client: Client, *rows: dict[str, Any], name: str = "clients.csv", content: bytes = b"", model: Any = Enrollment,
    **more: Any,
) -> HttpResponse:  # fmt: skip
    """Upload rows and follow to the next step."""
    file = SimpleUploadedFile(name, content or csv_file(*rows))
    return client.post(list_page(model, "import"), {"file": file, **more}, follow=True)


def say(client: Client, preview: HttpResponse, **more: str) -> HttpResponse:
    """Confirm what a preview shows."""
    return confirm(client, newest(), preview.context["token"], **more)


def confirm(client: Client, run: ImportRun, token: str, **more: str) -> HttpResponse:
    return client.post(run_page(run, "confirm"), {"token": token, **more}, follow=True)


def newest() -> ImportRun:
    with as_system():
        return ImportRun.objects.order_by("-created_at").first()


def count(email: str) -> int:
    with as_system():
        return Enrollment.objects.filter(client__email=email).count()
