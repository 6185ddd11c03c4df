"""Which columns a list shows, and how tightly: said in its address, so that a link or a saved view reproduces it."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.utils import label_for_field
from django.http import HttpRequest
from django.utils.text import capfirst

COLUMNS = "cols"
DENSITY = "density"
COMPACT = "compact"
PLAIN = "view"
LOOKS = frozenset({COLUMNS, DENSITY, PLAIN})


class ChosenColumnsMixin:
    """Part of ConsoleModelAdmin: `?cols=client&cols=status` in the address chooses among `list_display` and
    `more_columns`; names that are no column are ignored. The first column always stays: it opens the record."""

    more_columns: tuple[Any, ...] = ()
    opts: Any
    list_display: Any

    def every_column(self, request: HttpRequest) -> tuple[Any, ...]:
        """What may be shown, in the order in which it is."""
        return (*self.list_display, *self.more_columns)

    def get_list_display(self, request: HttpRequest) -> tuple[Any, ...]:
        wanted = request.GET.getlist(COLUMNS)
        if not wanted:
            return tuple(super().get_list_display(request))
        every = self.every_column(request)
        chosen = tuple(column for column in every if name_of(column) in wanted)
        return chosen if chosen and chosen[0] == every[0] else (every[0], *chosen)

    def column_choices(self, request: HttpRequest) -> list[dict[str, Any]]:
        """Every column with its label and whether it is shown now."""
        shown = {name_of(column) for column in self.get_list_display(request)}
        first, *_ = every = self.every_column(request)
        owner: Any = self
        return [
            {
                "name": name_of(column),
                "label": capfirst(str(label_for_field(column, self.opts.model, owner))),
                "shown": name_of(column) in shown,
                "fixed": column == first,
            }
            for column in every
        ]


def name_of(column: Any) -> str:
    """How a column is called in an address."""
    return column if isinstance(column, str) else str(column.__name__)


def is_compact(request: HttpRequest) -> bool:
    """Whether the list is to be shown with tight rows."""
    return request.GET.get(DENSITY) == COMPACT
