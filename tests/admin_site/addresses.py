"""Addresses of the console, for tests."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.urls import reverse


def listing(model: type[models.Model], query: str = "") -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist") + query


def adding(model: type[models.Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")


def record(row: models.Model, page: str = "change", *arguments: Any) -> str:
    meta = row._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=[row.pk, *arguments])


def action(row: models.Model, name: str) -> str:
    return record(row, f"do_{name}")


def bulk(model: type[models.Model], name: str) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_bulk_{name}")
