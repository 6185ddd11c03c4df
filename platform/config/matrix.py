"""The environment matrix: every knob as a row, from its declaration in ``config.knobs``. Never a value that is set."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from config.knobs import ROOT, Knobs, knob_facts

COLUMNS = ("name", "type", "default", "aliases", "secret", "required", "meaning")
# Read by the house itself, for every knob alike.
FILE_RULE = "Any knob may come from a file: NAME_FILE holds the path of a file with the value."


@dataclass(frozen=True)
class Row:
    """One knob as people read it."""

    name: str
    type: str
    default: str
    aliases: str
    secret: bool
    required: str
    meaning: str


def rows() -> list[Row]:
    """All knobs in the order of their declaration."""
    return [
        Row(
            name=name,
            type=_type_name(field.annotation),
            default=facts["shown"] or _text(field.default),
            aliases=", ".join(facts["aliases"]),
            secret=facts["secret"],
            required={"deployed": "staging, production", "worker": "the worker there", "": ""}[facts["needed"]],
            meaning=field.description or "",
        )
        for name, field in Knobs.model_fields.items()
        for facts in [knob_facts(field)]
    ]


def as_dicts() -> list[dict[str, Any]]:
    """The matrix for machines."""
    return [asdict(row) for row in rows()]


def as_table() -> list[list[str]]:
    """The matrix for people: one list of cells per knob, in the order of :data:`COLUMNS`."""
    return [
        ["secret" if value is True else "" if value is False else str(value) for value in asdict(row).values()]
        for row in rows()
    ]


def as_markdown() -> str:
    """The matrix for documents."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|---" * len(COLUMNS) + "|"]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in as_table()]
    return "\n".join([*lines, "", FILE_RULE])


def _type_name(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _type_name(get_args(annotation)[0])
    if origin is Literal:
        return " or ".join(str(choice) for choice in get_args(annotation) if choice)
    if origin in (Union, UnionType):
        return " or ".join(_type_name(part) for part in get_args(annotation) if part is not NoneType)
    if origin is tuple:
        return "list"
    if origin is dict or annotation is bytes:
        return "keys" if origin is dict else "key"
    return {bool: "true or false", int: "number", str: "text", Path: "folder"}.get(annotation, str(annotation))


def _text(default: object) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return ",".join(default)
    if isinstance(default, Path):
        return str(default.relative_to(ROOT))
    return "" if default is None else str(default)
