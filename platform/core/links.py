"""Links that cannot leave an organization: foreign keys over the row's id and its organization together.

Row security judges the row that is written, not the row it points at, and a plain foreign key looks past row security.
So a row of one organization could name a parent of another. Say it once on both models:

    class Client(Row):                              class Enrollment(Row):
        constraints = (HomeKey(                         constraints = (SameHome(
            fields=["id", "provider"],                      relation="client", home="provider",
            name="client_home"),)                           name="enrollment_client_home"),)

A test finds every pair of tables in the catalogue that needs one.
"""

from __future__ import annotations

from typing import Any

import pgtrigger
from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, models
from django.utils.translation import gettext_lazy as _

from core.scope import foreign_key_of, parent_model


class HomeKey(models.UniqueConstraint):
    """Id and organization of a row as one key, for `SameHome` to point at. The id alone is unique already, so nothing
    is asked when a form is checked."""

    def validate(self, *args: Any, **kwargs: Any) -> None:
        return


class SameHome(models.BaseConstraint):
    """The row that `relation` names has the same organization: this row's `home` equals the parent's `parent_home`.

    All three are foreign keys; `parent_home` is called like `home` unless said. An empty relation or home passes. The
    database refuses with a foreign key violation, a form with a sentence at the field.
    """

    violation_error_code = "foreign_home"
    default_violation_error_message = _("This belongs to another organization. Choose one of this organization.")

    def __init__(self, *, relation: str, home: str, name: str, parent_home: str = "", **options: Any) -> None:
        super().__init__(name=name, **options)
        self.relation = relation
        self.home = home
        self.parent_home = parent_home or home

    def _parent(self, model: type[models.Model]) -> type[models.Model]:
        return parent_model(model, self.relation)

    def constraint_sql(self, model: Any, schema_editor: Any) -> str:
        """The clause inside CREATE TABLE; there is none, since the parent's key may not stand yet."""
        schema_editor.deferred_sql.append(self.create_sql(model, schema_editor))
        return ""

    def create_sql(self, model: Any, schema_editor: Any) -> str:
        """ALTER TABLE that adds the foreign key over both columns."""
        parent = self._parent(model)
        quote = schema_editor.quote_name
        columns = [quote(foreign_key_of(model, name).column) for name in (self.relation, self.home)]
        targets = [quote(parent._meta.pk.column), quote(foreign_key_of(parent, self.parent_home).column)]
        return (
            f"ALTER TABLE {quote(model._meta.db_table)} ADD CONSTRAINT {quote(self.name)}"
            f" FOREIGN KEY ({', '.join(columns)})"
            f" REFERENCES {quote(parent._meta.db_table)} ({', '.join(targets)})"
        )

    def remove_sql(self, model: Any, schema_editor: Any) -> str:
        """ALTER TABLE that takes it away."""
        quote = schema_editor.quote_name
        return f"ALTER TABLE {quote(model._meta.db_table)} DROP CONSTRAINT {quote(self.name)}"

    def validate(
        self, model: Any, instance: models.Model, exclude: Any = None, using: str | None = DEFAULT_DB_ALIAS
    ) -> None:
        """ValidationError at the relation when the parent has another home, or none that the caller may see."""
        if exclude and self.relation in exclude:
            return
        mine, parent_id = (getattr(instance, foreign_key_of(model, n).attname) for n in (self.home, self.relation))
        if mine is None or parent_id is None:
            return
        rows = self._parent(model)._base_manager.using(using)
        if not rows.filter(pk=parent_id, **{self.parent_home: mine}).exists():
            message = self.get_violation_error_message()
            raise ValidationError({self.relation: ValidationError(message, code=self.violation_error_code)})

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        return path, args, kwargs | {"relation": self.relation, "home": self.home, "parent_home": self.parent_home}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SameHome) and self.deconstruct() == other.deconstruct()

    def __hash__(self) -> int:
        return hash(self.name)


def home_trigger(name: str, *, column: str, beside: str, holds: str) -> pgtrigger.Trigger:
    """For links whose organization is not one column of the row: `holds` is an SQL condition over NEW that must be
    true whenever `column` is set; it is asked when `column` or `beside` is written. It runs as whoever writes, so a
    parent they cannot see does not hold either."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.UpdateOf(column, beside),
        func=f"""
            IF NEW.{column} IS NOT NULL AND NOT coalesce({holds}, false) THEN
                RAISE EXCEPTION '{column} belongs to another organization' USING ERRCODE = 'foreign_key_violation';
            END IF;
            RETURN NEW;
        """,
    )
