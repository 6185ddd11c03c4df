"""The links below a list: first, previous, the pages around this one where they are known, next, last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from admin_site.counting import BOUND, Count
from admin_site.paging import Key, cursor_for, values_of

AFTER, BEFORE, LAST = "after", "before", "last"


@dataclass(frozen=True, slots=True)
class Turn:
    """One link of the pager; `address` is None where there is nowhere to go."""

    label: str
    address: str | None
    is_current: bool = False


class PagerMixin:
    """Part of ConsoleChangeList: what its page leads on to."""

    count: Count
    keys: list[Key]
    result_list: list[Any]
    page_num: int
    has_previous: bool
    has_next: bool
    list_per_page: int
    lookup_opts: Any
    get_query_string: Any

    @property
    def _binding(self) -> str:
        order = ",".join(f"{'-' if key.descending else ''}{key.expression!r}" for key in self.keys)
        return f"list|{self.lookup_opts.label_lower}|{order}"

    def turns(self) -> list[Turn]:
        """First, previous, the pages around this one where they are known, next, last."""
        here = self.page_num
        first = Turn(_("First"), self.get_query_string() if self.has_previous else None)
        last = Turn(_("Last"), self.get_query_string({"p": LAST}) if self.has_next else None)
        back = self._turn(_("Previous"), BEFORE, 0, here - 1) if self.has_previous else Turn(_("Previous"), None)
        on = self._turn(_("Next"), AFTER, -1, here + 1 if here else 0) if self.has_next else Turn(_("Next"), None)
        return [first, back, *self._numbers(), on, last]

    def _turn(self, label: str, parameter: str, index: int, number: int) -> Turn:
        cursor = cursor_for(values_of(self.result_list[index], self.keys), binding=self._binding)
        asked: dict[str, Any] = {parameter: cursor}
        if number > 0:
            asked["p"] = number
        return Turn(label, self.get_query_string(asked))

    def _numbers(self) -> Iterator[Turn]:
        if not self.page_num:
            return
        pages = -(-self.count.number // self.list_per_page) if self.count.is_exact else self.page_num
        for number in range(max(1, self.page_num - 2), min(pages, self.page_num + 2) + 1):
            address = self.get_query_string({"p": number}) if number * self.list_per_page <= BOUND else None
            if address or number == self.page_num:
                yield Turn(str(number), address, is_current=number == self.page_num)
