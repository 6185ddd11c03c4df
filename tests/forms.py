"""The forms of a page as a browser would send them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

_PRESSED = {"submit", "button", "image", "reset", "file"}


@dataclass(slots=True)
class Form:
    """One form: where it goes, and every field with what a browser would send for it."""

    action: str
    method: str
    fields: dict[str, list[str]] = field(default_factory=dict)

    def offer(self, name: str, *values: str) -> None:
        """A field of the form, with `values` in it; a box that is not ticked is a field without any."""
        self.fields.setdefault(name, []).extend(values)

    def body(self, **more: Any) -> dict[str, Any]:
        """What is sent, with `more` typed in."""
        return {name: values for name, values in self.fields.items() if values} | more


def forms_of(html: str) -> list[Form]:
    """Every form of a page that posts, in order."""
    reader = _Reader()
    reader.feed(html)
    return [form for form in reader.forms if form.method == "post"]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._text: tuple[str, list[str]] | None = None
        self._select: tuple[str, list[tuple[str, bool]], bool] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(told.get("action", ""), told.get("method", "get").lower()))
        elif tag == "option" and self._select is not None:
            self._select[1].append((told.get("value", ""), "selected" in told))
        elif not self.forms or not told.get("name") or "disabled" in told:
            return
        elif tag == "input":
            self._input(told)
        elif tag == "textarea":
            self._text = (told["name"], [])
        elif tag == "select":
            self._select = (told["name"], [], "multiple" in told)

    def _input(self, told: dict[str, str]) -> None:
        kind = told.get("type", "text").lower()
        if kind in _PRESSED:
            return
        box = kind in {"checkbox", "radio"}
        sent = [told.get("value", "on" if box else "")]
        self.forms[-1].offer(told["name"], *(sent if not box or "checked" in told else []))

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._text is not None:
            self.forms[-1].offer(self._text[0], "".join(self._text[1]).removeprefix("\n"))
            self._text = None
        elif tag == "select" and self._select is not None:
            name, options, many = self._select
            chosen = [value for value, is_chosen in options if is_chosen]
            self.forms[-1].offer(name, *(chosen or ([] if many else [value for value, _ in options[:1]])))
            self._select = None
