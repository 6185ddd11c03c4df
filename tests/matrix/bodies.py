"""What is posted: a body that would work for somebody who may, made from the product's own forms.

A refusal is only worth something when the same body succeeds for an allowed role; the runner counts the others as void.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models
from django.forms.models import model_to_dict

from admin_site.site import console
from admin_site.views.actions import version_of
from core import clock
from organizations.actors import load_actor
from resources.formats import SafeCSV
from tests.database import as_system
from tests.factories.names import World
from tests.matrix.discovery import Act

PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


class Bodies:
    """Bodies for the rows of one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        with as_system():
            admin = world.platform_admin
            self._request = SimpleNamespace(user=admin, actor=load_actor(admin), GET={}, POST={}, method="GET",
                                            COOKIES={}, session={})  # fmt: skip

    def prepare(self, act: Act, key: str) -> models.Model | None:
        """Bring the row into a state from which the act can be done; writes in the caller's transaction."""
        action = _action_of(act)
        if action is None or not action.states or act.model is None:
            return self._row(act, key)
        row = self._row(act, key)
        if row is None:
            return None
        wanted = sorted(action.states)
        for state in wanted:
            setattr(row, action.state_field, state)
            if action.available is None or action.available(row) is None:
                break
        else:
            setattr(row, action.state_field, wanted[0])
        type(row)._base_manager.filter(pk=row.pk).update(**{action.state_field: getattr(row, action.state_field)})
        return row

    def body(self, act: Act, key: str, row: models.Model | None) -> dict[str, Any]:
        """The fields to post. Called as the system."""
        if act.area != "console" or act.model is None:
            return _SITE.get(act.what, lambda *_: {})(self.world, row) if act.area != "console" else {}
        return self._console_body(act, key, row)

    def _console_body(self, act: Act, key: str, row: models.Model | None) -> dict[str, Any]:
        action = _action_of(act)
        if act.what.startswith("ticked:"):
            return {"action": act.detail["action"], "_selected_action": [key], "index": "0", "select_across": "0"}
        if action is not None:
            found = self._fields(action.form_class()(request=self._request, row=row), row)
            return found | ({"pk": [key]} if act.what.startswith("bulk:") else {})
        maker = {"record": self._saved, "add": self._created, "import": self._import}.get(act.what)
        if maker is not None:
            return maker(act, row)
        if act.what.startswith("export"):
            return {"format": act.detail.get("format", "csv"), "columns": "all", **_EVERY_WEEK}
        return {"post": "yes", "_save": "1", "reason": "because"}

    def _row(self, act: Act, key: str) -> Any:
        model = act.model
        if model is None or not key:
            return None
        try:
            return model._base_manager.filter(pk=key).first()
        except (ValueError, forms.ValidationError):
            return None

    def _fields(self, form: Any, row: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, bound in form.fields.items():
            value = bound.initial if bound.initial is not None else form.initial.get(name)
            found[name] = _valid(bound, value() if callable(value) else value, self.world)
        found["seen"] = version_of(row) if row is not None else ""
        return {name: value for name, value in found.items() if value is not None}

    def _saved(self, act: Act, row: Any) -> dict[str, Any]:
        admin = console.get_model_admin(act.model)
        if row is None:
            return {"_save": "1"}
        found = {}
        for name, value in model_to_dict(row, fields=admin._declared_names()).items():
            found[name] = "" if value is None else ",".join(value) if isinstance(value, list) else value
        text = _first_text(admin, row)
        if text:
            found[text] = f"{found.get(text) or ''} x"[-60:].strip()
        return found | _inlines(admin) | {"_save": "1"}

    def _created(self, act: Act, row: Any) -> dict[str, Any]:
        admin = console.get_model_admin(act.model)
        if admin.read_only or not admin.addable:
            return {"_save": "1"}
        form = admin.get_form(self._request, None, change=False)()
        found = self._fields(form, None)
        if admin.tenant_field:
            found[admin.tenant_field] = str(self.world.provider_a.pk)
        return found | _CREATED.get(act.noun, lambda _: {})(self.world) | _inlines(admin) | {"_save": "1"}

    def _import(self, act: Act, row: Any) -> dict[str, Any]:
        import tablib  # noqa: PLC0415 -- used here alone

        admin = console.get_model_admin(act.model)
        resource = admin.resource_class(self._request.actor, self.world.provider_a)
        table = tablib.Dataset(headers=list(resource.writable))
        for line in resource.examples():
            table.append([line.get(column, "") for column in resource.writable])
        content = SafeCSV(bom=True).export_data(table)
        content = content.encode() if isinstance(content, str) else content
        return {"file": SimpleUploadedFile("rows.csv", content), "organization": str(self.world.provider_a.pk)}


_EVERY_WEEK = {"frequency": "week", "weekday": "0", "month_day": "1", "hour": "7"}


def _action_of(act: Act) -> Any:
    mark, _, name = act.what.partition(":")
    if act.model is None or mark not in {"do", "bulk", "ticked"}:
        return None
    admin = console.get_model_admin(act.model)
    return next((action for action in admin.declared_actions() if action.name == name), None)


def _first_text(admin: Any, row: Any) -> str:
    fixed = set(admin.get_readonly_fields(SimpleNamespace(actor=SimpleNamespace(
        kind="platform", platform_role="platform_admin", organization_ids=frozenset())), row))  # fmt: skip
    names = [name for name in admin._declared_names() if name not in fixed]
    plain = [field.name for field in row._meta.fields if type(field) in {models.CharField, models.TextField}]
    return next((name for name in names if name in plain and not row._meta.get_field(name).choices), "")


def _inlines(admin: Any) -> dict[str, str]:
    found = {}
    for inline in admin.inlines:
        key = next(
            column
            for column in inline.model._meta.fields
            if column.is_relation and column.related_model is admin.model and inline.fk_name in {None, column.name}
        )
        prefix = key.remote_field.get_accessor_name(model=inline.model).replace("+", "")
        found |= {f"{prefix}-TOTAL_FORMS": "0", f"{prefix}-INITIAL_FORMS": "0"}
    return found


def _valid(bound: forms.Field, value: Any, world: World) -> Any:
    """The initial value, or one that the field takes."""
    if isinstance(bound, forms.FileField):
        return SimpleUploadedFile("paper.pdf", PDF, "application/pdf") if bound.required else None
    if value not in (None, ""):
        return value.strftime("%Y-%m-%dT%H:%M") if hasattr(value, "hour") else str(getattr(value, "pk", value))
    return _made_up(bound, world) if bound.required else ""


def _made_up(bound: forms.Field, world: World) -> Any:
    if isinstance(bound, forms.ModelChoiceField):
        own = [row for row in bound.queryset if row.pk in {world.provider_a.pk, world.firm_a.pk}]
        return str(next((row.pk for row in [*own, *bound.queryset]), ""))
    if isinstance(bound, forms.ChoiceField):
        return next((key for key, _ in bound.choices if key and not isinstance(_, list | tuple)), "")
    for kind, make in _MADE_UP:
        if isinstance(bound, kind):
            return make(bound, world)
    return "because"


_MADE_UP: tuple[tuple[Any, Callable[[Any, World], str]], ...] = (
    (forms.EmailField, lambda _, world: world.stranger.email),
    (forms.BooleanField, lambda *_: "on"),
    (forms.DateTimeField, lambda *_: f"{clock.now():%Y-%m-%dT%H:%M}"),
    (forms.DateField, lambda *_: f"{clock.today():%Y-%m-%d}"),
    ((forms.DecimalField, forms.IntegerField), lambda bound, _: str(int(bound.min_value or 1))),
)


Maker = Callable[[World, Any], dict[str, Any]]
_CREATED: dict[str, Callable[[World], dict[str, Any]]] = {
    "organizations.invitation": lambda world: {
        "email": "fresh@tenant-a.example", "role": "counselor", "organization": str(world.provider_a.pk),
    },
    "certificates.cgsnumber": lambda _: {
        "number": "00001-CAC-CC-000000777", "kind": "CC", "district": "cacb", "enrollment": "", "batch": "b1",
    },
}  # fmt: skip
_SITE: dict[str, Maker] = {
    "course_lesson": lambda *_: {"choice": "0"},
    "course_details": lambda *_: {
        "first_name": "Client", "last_name": "User", "phone": "555-0199", "address_line": "1 Main St",
        "birth_date": "1980-02-29", "ssn_last4": "1234", "language": "en", "chapter": "", "case_number": "",
    },
    "waiver": lambda *_: {"household_size": "2", "annual_income": "20000", "state": "CA"},
    "become_provider": lambda *_: {
        "organization_name": "Newcomer", "contact_name": "Nora", "contact_email": "nora@example.org",
        "kinds": ["CC"], "court_ids": ["cacb"], "is_nonprofit": "on",
    },
    "account": lambda *_: {"first_name": "New", "last_name": "Name", "language": "en"},
}  # fmt: skip
