"""Find rows by words: every word is the beginning of one of theirs, in any order, whatever case or accents.

    find(Enrollment.objects.permitted_to(actor, …), "gar 24-013")
    find(Payment.objects.permitted_to(…), "garcia", through="enrollment")

A model that is `searched` has a column `search` (see the migrations) that Django does not know. Row security lets no
index be used for `@@`, so a function of the schema `reach`, with the reader's scope inside, asks the index for ids.
What it finds is only a hint: the queryset's own condition and row security judge every row again. Words that more
rows have than it is worth to collect are looked for while walking the list in its order instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection, models
from django.db.models import BooleanField, F, TextField
from django.db.models.expressions import Func

from core.scope import parent_model

MOST = 5_000
LONGEST = 100
QuerySetT = TypeVar("QuerySetT", bound="models.QuerySet[Any, Any]")


@dataclass(frozen=True, slots=True)
class Found:
    """The ids that have the words; `is_rare` is False when there are more than MOST, and `ids` are not all then."""

    words: str
    ids: list[UUID]

    @property
    def is_rare(self) -> bool:
        return len(self.ids) <= MOST


class _OnRow(Func):
    """Something about the row that a column belongs to, beyond what its model declares."""

    def column_of(self, compiler: Any) -> str:
        alias = self.get_source_expressions()[0].alias
        return f"{compiler.quote_name_unless_alias(alias)}"


class HiddenText(_OnRow):
    """A text column that triggers keep and no model knows: `ordering=HiddenText("sort_name")`."""

    output_field = TextField()

    def __init__(self, column: str, anchor: Any = None, **extra: Any) -> None:
        super().__init__(anchor or F("pk"), **extra)
        self.column = column

    def _constructor_args(self) -> Any:
        return ((self.column,), {})

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[Any]]:  # type: ignore[override]  # -- narrower than Func's
        return f"{self.column_of(compiler)}.{connection.ops.quote_name(self.column)}", []

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HiddenText) and self.column == other.column

    def __hash__(self) -> int:
        return hash(self.column)


class _HasWords(_OnRow):
    output_field = BooleanField()

    def __init__(self, anchor: Any, words: str = "", **extra: Any) -> None:
        super().__init__(anchor, **extra)
        self.words = words

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[Any]]:  # type: ignore[override]  # -- narrower than Func's
        return f"{self.column_of(compiler)}.search @@ app.word_query(%s)", [self.words]


class _IsAnyOf(Func):
    output_field = BooleanField()

    def __init__(self, column: Any, ids: list[UUID] | None = None, **extra: Any) -> None:
        super().__init__(column, **extra)
        self.ids = ids or []

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[Any]]:  # type: ignore[override]  # -- narrower than Func's
        column, params = compiler.compile(self.get_source_expressions()[0])
        return f"{column} = ANY (%s)", [*params, self.ids]


def ids_with(model: type[models.Model], text: str) -> Found:
    """Ask the index, within the scope of the running context: one query, at most MOST + 1 ids."""
    words = text.replace("\x00", "")[:LONGEST]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT reach.search__{model._meta.db_table}(%s, %s)", [words, MOST + 1])
        return Found(words, list(cursor.fetchone()[0]))


def with_words(rows: QuerySetT, found: Found, *, through: str = "") -> QuerySetT:
    """The rows that have the words, themselves or in the row that `through` leads to."""
    if found.is_rare:
        return rows.filter(_IsAnyOf(F(through or "pk"), found.ids))
    anchor = "pk"
    if through:
        target = target_of(rows.model, through)
        anchor = f"{through}__{next(f.name for f in target._meta.concrete_fields if not f.primary_key)}"
    return rows.filter(_HasWords(F(anchor), found.words))


def find(rows: QuerySetT, text: str, *, through: str = "") -> QuerySetT:
    """`ids_with` and `with_words` in one."""
    return with_words(rows, ids_with(target_of(rows.model, through), text), through=through)


def target_of(model: type[models.Model], through: str) -> type[models.Model]:
    """The model at the end of a path of foreign keys; the model itself for an empty one."""
    for step in filter(None, through.split("__")):
        model = parent_model(model, step)
    return model
