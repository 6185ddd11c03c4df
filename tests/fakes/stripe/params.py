"""Form bodies and query strings with nested keys, read strictly: what nobody asked for is refused."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from tests.fakes.stripe.errors import malformed

Tree = dict[str, Any]


def parse_form(text: str) -> tuple[Tree, list[tuple[str, str]]]:
    """Return the nested tree of `a[b][0][c]=v` pairs and the flat pairs, sorted (the idempotency fingerprint).

    Lists become dicts keyed by position ("0", "1", …; `a[]` counts up), so that metadata keys made of digits
    survive. Raises ApiError 400 when a name is used both as a value and as a container.
    """
    pairs = parse_qsl(text, keep_blank_values=True)
    tree: Tree = {}
    for name, value in pairs:
        head, *rest = name.replace("]", "").split("[")
        node = tree
        for part, following in zip([head, *rest], rest, strict=False):
            node = node.setdefault(part or str(len(node)), {})
            if not isinstance(node, dict):
                raise malformed(f"Invalid object: {name} ({following})", param=name)
        last = ([head, *rest])[-1]
        node[last or str(len(node))] = value
    return tree, sorted(pairs)


class Params:
    """Typed access to one level of a request's parameters.

    Every getter marks its name as known; `finish()` refuses the names left over, as Stripe refuses a parameter it
    does not know. Errors are ApiError 400 and name the parameter in Stripe's bracket notation.
    """

    def __init__(self, tree: Tree, path: str = "") -> None:
        self._tree = tree
        self._path = path
        self._known: set[str] = set()
        self._children: list[Params] = []

    def name(self, key: str) -> str:
        return f"{self._path}[{key}]" if self._path else key

    def is_text(self, key: str) -> bool:
        return isinstance(self._tree.get(key), str)

    def text(self, key: str, *, limit: int = 5000) -> str | None:
        """A string, or None when absent. An empty string is refused: nothing here can be unset that way."""
        self._known.add(key)
        value = self._tree.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            raise malformed(f"Invalid string: {value}", param=self.name(key))
        if value == "":
            raise malformed(
                f"You passed an empty string for '{self.name(key)}'. We assume empty values are an attempt to unset a "
                "parameter; however it cannot be unset.",
                code="parameter_invalid_empty",
                param=self.name(key),
            )
        if len(value) > limit:
            raise malformed(f"Invalid string: must be at most {limit} characters", param=self.name(key))
        return value

    def required(self, key: str) -> str:
        value = self.text(key)
        if value is None:
            raise self.absent(key)
        return value

    def absent(self, key: str) -> Exception:
        name = self.name(key)
        return malformed(f"Missing required param: {name}.", code="parameter_missing", param=name)

    def integer(self, key: str, *, minimum: int = 0) -> int | None:
        value = self.text(key)
        if value is None:
            return None
        try:
            number = int(value)
        except ValueError:
            number = minimum - 1
        if number < minimum:
            kind = "Invalid positive integer" if minimum == 1 else "Invalid integer"
            raise malformed(f"{kind}: {value}", code="parameter_invalid_integer", param=self.name(key))
        return number

    def choice(self, key: str, allowed: Iterable[str]) -> str | None:
        value = self.text(key)
        options = list(allowed)
        if value is not None and value not in options:
            raise malformed(f"Invalid {self.name(key)}: must be one of {', '.join(options)}", param=self.name(key))
        return value

    def child(self, key: str) -> Params | None:
        self._known.add(key)
        value = self._tree.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise malformed(f"Invalid object: {value}", param=self.name(key))
        child = Params(value, self.name(key))
        self._children.append(child)
        return child

    def items(self, key: str) -> list[Params]:
        """The objects of a list such as `line_items[0][quantity]`, in order."""
        holder = self.child(key)
        if holder is None:
            return []
        items = [holder.child(index) for index in sorted(holder._tree, key=_position)]
        return [item for item in items if item is not None]

    def strings(self, key: str) -> list[str]:
        """The values of a list such as `expand[0]`, in order."""
        holder = self.child(key)
        if holder is None:
            return []
        return [value for index in sorted(holder._tree, key=_position) if (value := holder.text(index))]

    def metadata(self, key: str = "metadata") -> dict[str, str]:
        """Key-value pairs within Stripe's limits: 50 keys, 40 characters a key, 500 a value. Empty values are unset."""
        self._known.add(key)
        value = self._tree.get(key) or {}
        if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
            raise malformed("Invalid metadata: values must be strings", param=self.name(key))
        if len(value) > 50:
            raise malformed("Metadata can have at most 50 keys", param=self.name(key))
        for name, text in value.items():
            if len(name) > 40 or len(text) > 500:
                raise malformed(f"Metadata key or value too long: {name}", param=f"{self.name(key)}[{name}]")
        return {name: text for name, text in value.items() if text != ""}

    def ignore(self, *keys: str) -> None:
        """Accept parameters that only change how Stripe's own page looks; the fake does not act on them."""
        self._known.update(keys)

    def finish(self) -> None:
        for child in self._children:
            child.finish()
        for key in self._tree:
            if key not in self._known:
                name = self.name(key)
                raise malformed(f"Received unknown parameter: {name}", code="parameter_unknown", param=name)


def _position(index: str) -> tuple[int, str]:
    return (int(index), "") if index.isdigit() else (1 << 30, index)
