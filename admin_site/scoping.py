"""What a form, a filter and a look-up in the console may reach: never more than the person may see."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.utils import flatten, flatten_fieldsets
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured, PermissionDenied
from django.db import models
from django.http import HttpRequest

from core.context import Kind
from core.errors import DomainError
from core.scope import ScopedQuerySet, scope_of
from organizations.actors import narrow
from organizations.backends import allows
from organizations.models import Organization

_LOOKUPS = frozenset(
    {
        "exact",
        "in",
        "isnull",
        "gte",
        "gt",
        "lte",
        "lt",
        "id__exact",
        "pk__exact",
        "id__in",
        "pk__in",
        "year",
        "month",
        "day",
    }
)


def choices_of(model: type[models.Model], request: HttpRequest) -> models.QuerySet:
    """The rows of `model` this person may choose from; none for a model outside the scopes."""
    queryset = model._default_manager.all()
    if not isinstance(queryset, ScopedQuerySet):
        return queryset.none()
    try:
        scope_of(model)
    except ImproperlyConfigured:
        return queryset.none()
    return queryset.permitted_to(request.actor, f"{model._meta.app_label}.view_{model._meta.model_name}")


def rows_of(model: type[models.Model], request: HttpRequest, permission: str) -> ScopedQuerySet:
    """The rows of `model` on which the person holds `permission`; for models with a plain manager too."""
    queryset = model._default_manager.all()
    if not isinstance(queryset, ScopedQuerySet):
        queryset = ScopedQuerySet(model=model)
    return queryset.permitted_to(request.actor, permission)


class ConsoleForm(forms.ModelForm):
    """A record's form. `seen` carries the version the person looked at: a row saved since is not overwritten."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        seen = self.data.get("_seen")
        now = getattr(self.instance, "updated_at", None)
        if seen and now is not None and not self.instance._state.adding and seen != now.isoformat():
            raise forms.ValidationError(str(DomainError("changed_meanwhile")), code="changed_meanwhile")
        return cleaned


class ScopedFieldsMixin:
    """Related fields offer only rows in sight; the tenant is never the form's to choose, except among the
    organizations in which the person may add."""

    form = ConsoleForm
    # What a form may do at all, before permissions are asked: rows that only services write are `read_only`.
    read_only = False

    def permission(self, verb: str) -> str:
        return f"{self.opts.app_label}.{verb}_{self.opts.model_name}"

    # --- the tenant -------------------------------------------------------------------------------------------------
    @property
    def tenant_field(self) -> str:
        """The foreign key that says whose row it is; empty for rows that belong to no organization directly."""
        name = scope_of(self.model).organization or ""
        return "" if name in {"", "self"} else name

    def tenants(self, request: HttpRequest) -> models.QuerySet:
        """The organizations in which the person may add a row."""
        actor = narrow(request.actor, self.permission("add"))
        if actor.kind is Kind.PLATFORM:
            return Organization.objects.all()
        return Organization.objects.filter(pk__in=actor.organization_ids)

    def hides_tenant(self, request: HttpRequest) -> bool:
        actor = request.actor
        return bool(self.tenant_field) and actor.kind is not Kind.PLATFORM and len(actor.organization_ids) == 1

    def settle_tenant(self, request: HttpRequest, row: models.Model, *, change: bool) -> None:
        """Put the row where it belongs: an old row stays where it is, a new one goes to an organization in which
        the person may add. PermissionDenied otherwise."""
        if not self.tenant_field:
            return
        attname = row._meta.get_field(self.tenant_field).attname
        if change:
            setattr(row, attname, self.model._base_manager.values_list(attname, flat=True).get(pk=row.pk))
        elif self.hides_tenant(request):
            allowed = self.tenants(request).values_list("pk", flat=True)[:2]
            if len(allowed) != 1:
                raise PermissionDenied
            setattr(row, attname, allowed[0])
        elif getattr(row, attname) not in set(self.tenants(request).values_list("pk", flat=True)):
            raise PermissionDenied

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """A form without the tenant settles it before it judges, so that what is unique there is refused in words."""
        form: Any = super().get_form(request, obj, change, **kwargs)
        if obj is not None or not self.hides_tenant(request):
            return form
        admin = self

        class Settled(form):
            def _post_clean(self) -> None:
                admin.settle_tenant(request, self.instance, change=False)
                super()._post_clean()

            def _get_validation_exclusions(self) -> set[str]:
                return set(super()._get_validation_exclusions()) - {admin.tenant_field}

        return Settled

    # --- fields -----------------------------------------------------------------------------------------------------
    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> tuple[str, ...]:
        """The declared ones, what the model itself keeps from forms, every status (a status changes through actions
        only), and the tenant once it is set. All of them on a `read_only` class."""
        fixed = [*super().get_readonly_fields(request, obj), *getattr(self.model, "transitions", {})]
        fixed += [name for name in self._declared_names() if self.read_only or not _is_editable(self.model, name)]
        if obj is not None and self.tenant_field:
            fixed.append(self.tenant_field)
        return tuple(dict.fromkeys(fixed))

    def _declared_names(self) -> list[str]:
        return list(flatten_fieldsets(self.fieldsets) if self.fieldsets else flatten(self.fields or ()))

    def get_exclude(self, request: HttpRequest, obj: models.Model | None = None) -> tuple[str, ...]:
        hidden = (self.tenant_field,) if obj is None and self.hides_tenant(request) else ()
        return (*(super().get_exclude(request, obj) or ()), *hidden)

    def get_fieldsets(self, request: HttpRequest, obj: models.Model | None = None) -> list[Any]:
        """The declared sets without the tenant where the person has only one, and without states before birth."""
        absent = {self.tenant_field} if self.hides_tenant(request) else set()
        if obj is None:
            absent |= set(getattr(self.model, "transitions", {}))
        kept = []
        for title, options in super().get_fieldsets(request, obj):
            fields = [entry for entry in (_without(entry, absent) for entry in options["fields"]) if entry]
            if fields:
                kept.append((title, {**options, "fields": fields}))
        return kept

    def related_queryset(self, db_field: models.Field, request: HttpRequest) -> models.QuerySet:
        """What a related field offers; override to narrow further, starting from this."""
        if db_field.name == self.tenant_field:
            return self.tenants(request)
        return choices_of(db_field.remote_field.model, request)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["queryset"] = self.related_queryset(db_field, request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["queryset"] = self.related_queryset(db_field, request)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    # --- look-ups ---------------------------------------------------------------------------------------------------
    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Only what a declared filter of this list asks for: no other path can be probed through the address."""
        for name in self._filter_names(request):
            if lookup in {name, f"{name}_from", f"{name}_to"}:
                return True
            if lookup.startswith(f"{name}__") and lookup.removeprefix(f"{name}__") in _LOOKUPS:
                return True
        return False

    def _filter_names(self, request: HttpRequest | None) -> set[str]:
        names = {self.date_hierarchy} if self.date_hierarchy else set()
        for declared in self.get_list_filter(request):
            if isinstance(declared, type):
                names.add(declared.parameter_name)
            else:
                names.add(declared[0] if isinstance(declared, tuple | list) else declared)
        return names

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        return to_field == self.opts.pk.name

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Search over at most 6 words and 100 characters; more narrows nothing and costs the database."""
        words = search_term.replace("\x00", "")[:100].split()[:6]
        return super().get_search_results(request, queryset, " ".join(words))

    def has_verb(self, request: HttpRequest, verb: str, row: models.Model | None = None) -> bool:
        """Whether the person may `verb` this row, or any. Reference data has no home: it is judged without a row."""
        if verb == "view" and scope_of(self.model).everyone:
            row = None
        return allows(request.actor, self.permission(verb), row)


def _is_editable(model: type[models.Model], name: str) -> bool:
    try:
        return bool(getattr(model._meta.get_field(name), "editable", False))
    except FieldDoesNotExist:
        return False


def _without(entry: Any, absent: set[str]) -> Any:
    if isinstance(entry, tuple | list):
        return tuple(name for name in entry if name not in absent)
    return None if entry in absent else entry
