"""The base of every import and export: columns are declared, rows are scoped, writing goes through services.

    class PaymentResource(ConsoleResource):
        name = "payments"
        model = Payment
        provider = Field("provider__slug", "provider")                    # exported only
        reference = Field(None, "reference", widget=Text(200))            # imported only
        amount_cents = Field("amount_cents", "amount_cents", widget=Cents())

        exports = ("provider", "amount_cents")
        writable = ("reference", "amount_cents")
        required = ("reference",)
        key = ("reference",)                # what makes two lines of one file the same row

        def find(self, values): ...         # the record this row is about, among rows in sight; None when it is new
        def create(self, values): ...       # call the service; DomainErrors become the row's reason
        def differences(self, record, values): ...
        def update(self, record, values): ...

Nothing is ever deleted. The engine that runs a file is `resources.importing`; the one that writes a file is
`resources.exporting`, where every exported column must be a path or an annotation of the database. `labels` names
exported columns that leave as words instead of codes; `shown_as` says which columns stand for a column of the list;
`python_columns` maps a heading to the paths it needs and the function that makes the cell of their values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, cast

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import Case, Value, When
from import_export.resources import Resource

from accounts.models import User
from core.context import Actor, Kind
from core.errors import DomainError
from core.privacy import Privacy
from core.scope import ScopedQuerySet, scope_of
from organizations.actors import narrow
from organizations.backends import allows
from organizations.models import Organization

_NEVER_EXPORTED = frozenset({Privacy.SENSITIVE, Privacy.SECRET})


class ConsoleResource(Resource):
    """One noun's columns, for one acting person and one organization (None: every organization in sight)."""

    name: ClassVar[str]
    model: ClassVar[type[models.Model]]
    exports: ClassVar[tuple[str, ...]] = ()
    writable: ClassVar[tuple[str, ...]] = ()
    required: ClassVar[tuple[str, ...]] = ()
    key: ClassVar[tuple[str, ...]] = ()
    related: ClassVar[tuple[str, ...]] = ()
    # How many rows one file may bring. Above `resources.writing.AT_ONCE` they are written in chunks.
    row_limit: ClassVar[int] = 2_000
    # What people are told about rows whose record is there already.
    about_known: ClassVar[Any] = ""
    labels: ClassVar[tuple[str, ...]] = ()
    shown_as: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    python_columns: ClassVar[Mapping[str, tuple[tuple[str, ...], Callable[..., Any]]]] = {}

    def __init__(self, actor: Actor, organization: Organization | None = None) -> None:
        super().__init__()
        self.actor = actor
        self.organization = organization

    # --- who may ----------------------------------------------------------------------------------------------------
    @classmethod
    def permission(cls, verb: str) -> str:
        return f"{cls.model._meta.app_label}.{verb}_{cls.model._meta.model_name}"

    @classmethod
    def organizations(cls, actor: Actor, verb: str = "import") -> models.QuerySet[Organization]:
        """The organizations for which the person may import or export."""
        holder = narrow(actor, cls.permission(verb))
        everything = Organization.objects.visible_to(actor)
        return everything if holder.kind is Kind.PLATFORM else everything.filter(pk__in=holder.organization_ids)

    @classmethod
    def allowed(cls, actor: Actor, verb: str) -> bool:
        return allows(actor, cls.permission(verb))

    def get_queryset(self, verb: str = "export") -> ScopedQuerySet:
        """Rows on which the person may `verb`, of the one organization if there is one."""
        manager: Any = self.model._default_manager
        rows = manager.permitted_to(self.actor, self.permission(verb))
        if self.organization is not None:
            rows = rows.filter(self.belongs_to(self.organization))
        return rows.select_related(*self.related) if self.related else rows

    def belongs_to(self, organization: Organization) -> models.Q:
        """The condition under which a row is the organization's."""
        scope = scope_of(self.model)
        condition = models.Q(pk__in=[])
        for name in scope.organization_fields:
            condition |= models.Q(**{"pk" if name == "self" else name: organization.pk})
        return condition

    def evidence_target(self) -> models.Model:
        """The row whose chain keeps the event of an import or export: the organization, else the person."""
        return self.organization or User.objects.get(pk=self.actor.user_id)

    # --- export -----------------------------------------------------------------------------------------------------
    def export_rows(self, rows: models.QuerySet | None = None) -> ScopedQuerySet:
        """What may leave of `rows` (None: everything in sight), in the order of `rows` where that is one of plain
        columns. DomainError `export_not_yours`."""
        if not self.allowed(self.actor, "export"):
            raise DomainError("export_not_yours")
        wanted = self.get_queryset("export")
        if rows is not None:
            wanted = wanted.filter(pk__in=rows.order_by().values("pk"))
            order = [name for name in rows.query.order_by if isinstance(name, str)]
            if order and len(order) == len(rows.query.order_by) and not rows.query.annotations.keys() & _bare(order):
                wanted = wanted.order_by(*order)
        return wanted

    def zone(self) -> str:
        """The time zone of the moments in a file: the organization's, or the only one's in sight, else UTC."""
        if self.organization is not None:
            return self.organization.time_zone
        homes = narrow(self.actor, self.permission("export"))
        if homes.kind is Kind.PLATFORM or len(homes.organization_ids) != 1:
            return "UTC"
        found = Organization.objects.visible_to(self.actor).filter(pk__in=homes.organization_ids).first()
        return found.time_zone if found is not None else "UTC"

    @classmethod
    def column_path(cls, name: str) -> str:
        """The path or annotation an exported column is read from; `labels` leave as people read them."""
        return f"{name}_label" if name in cls.labels else (cls.fields[name].attribute or name)

    def labelled(self, rows: ScopedQuerySet) -> ScopedQuerySet:
        """`rows` with the words of the columns in `labels`, in the active language."""
        words = {}
        for name in self.labels:
            path = self.fields[name].attribute
            choices = cast("models.Field", self.model._meta.get_field(path)).flatchoices
            cases = [When(**{path: value}, then=Value(str(label))) for value, label in choices]
            words[f"{name}_label"] = Case(*cases, default=path, output_field=models.TextField())
        return rows.annotate(**words) if words else rows

    @classmethod
    def shown_columns(cls, listed: Iterable[str]) -> tuple[str, ...]:
        """The columns that say what a list with these columns shows, in its order; all of them if it shows none."""
        found = [name for column in listed for name in cls.shown_as.get(column, (column,)) if name in cls.exports]
        return tuple(dict.fromkeys(found)) or cls.exports

    # --- import -----------------------------------------------------------------------------------------------------
    def find(self, values: Mapping[str, Any]) -> models.Model | None:
        """The record a row is about, among rows in sight; None when the row is new."""
        raise NotImplementedError

    def create(self, values: Mapping[str, Any]) -> models.Model:
        """Make the record through its service."""
        raise NotImplementedError

    def differences(self, record: Any, values: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
        """What the row would change on the record: column → (before, after). Empty: the row is skipped."""
        return {}

    def update(self, record: Any, values: Mapping[str, Any]) -> None:
        """Write the differences through the service. The default refuses: an import overwrites nothing."""
        raise DomainError("import_would_overwrite", columns=", ".join(self.differences(record, values)))

    @classmethod
    def titles(cls) -> dict[str, str]:
        """What people call a writable column, by its name in files, where a model says it."""
        found = {}
        for column in cls.writable:
            field: Any = cls._model_field(column)
            if field is not None:
                found[column] = str(field.verbose_name).capitalize()
        return found

    @classmethod
    def _model_field(cls, column: str) -> Any:
        model: Any = cls.model
        *path, last = (cls.fields[column].attribute or column).split("__")
        try:
            for step in path:
                model = model._meta.get_field(step).related_model
            return next((f for f in model._meta.concrete_fields if last in (f.name, f.attname)), None)
        except FieldDoesNotExist:
            return None

    def examples(self) -> list[dict[str, Any]]:
        """Rows for the example file: every writable column and an allowed value."""
        return []

    def import_data(self, *args: Any, **kwargs: Any) -> Any:
        """The package's own way in knows no actor; use `resources.importing`."""
        raise NotImplementedError("Use resources.importing.")

    # --- what a check asks --------------------------------------------------------------------------------------------
    @classmethod
    def problems(cls) -> list[str]:
        """What is wrong with the declaration; empty when it may serve."""
        found = [] if cls.exports or cls.writable else ["declares no columns"]
        named = (*cls.exports, *cls.writable)
        found += [f"names {column}, which is no field of it" for column in named if column not in cls.fields]
        found += [f"exports {column}, which is sensitive" for column in cls.exports if cls._is_sensitive(column)]
        for column, (needs, _work) in cls.python_columns.items():
            found += [f"exports {column} made of {path}, which is sensitive" for path in needs if cls._hides(path)]
        found += [f"requires {column}, which is not writable" for column in cls.required if column not in cls.writable]
        return found

    @classmethod
    def is_read_only(cls) -> bool:
        """Whether rows only go out."""
        return not cls.writable

    @classmethod
    def _is_sensitive(cls, column: str) -> bool:
        field = cls.fields.get(column)
        return cls._hides((field.attribute or column) if field else column)

    @classmethod
    def _hides(cls, wanted: str) -> bool:
        model: Any = cls.model
        *path, last = wanted.split("__")
        for step in path:
            try:
                model = model._meta.get_field(step).related_model
            except FieldDoesNotExist:
                return False
        return getattr(model, "privacy", {}).get(last) in _NEVER_EXPORTED


def _bare(order: Iterable[str]) -> set[str]:
    return {name.removeprefix("-") for name in order}
