"""A line of CSV as an expression of PostgreSQL, byte for byte what `resources.formats` writes.

The neutraliser of `resources.cells` is said again in regular expressions made of its own character classes. One look
at all text cells of a row together decides whether any needs it; most rows do not.
"""

from __future__ import annotations

from collections.abc import Sequence

from resources import cells
from resources.columns import Cell, Column

_DAY = "YYYY-MM-DD"
_MOMENT = 'YYYY-MM-DD"T"HH24:MI:SSTZH:TZM'


def csv_line(columns: Sequence[Column], alias: str = "q") -> str:
    """An expression over `alias.c0`, `alias.c1`, … that gives the line without its end."""
    names = [f"{alias}.c{number}" for number in range(len(columns))]
    plain = _joined(columns, names, safe=False)
    texts = [name for name, column in zip(names, columns, strict=True) if column.cell is Cell.TEXT]
    if not texts:
        return plain
    seen = f"concat_ws(chr(10), {', '.join(texts)})"
    return f"CASE WHEN {seen} ~ {literal(SUSPECT_ROW)} THEN {_joined(columns, names, safe=True)} ELSE {plain} END"


def safe_text(name: str) -> str:
    """The expression of `resources.cells.safe_text_cell` over the text expression `name`."""
    text = f"translate({name}, {literal(cells.UNSTORABLE)}, '')"
    cut = f"regexp_replace({text}, {literal(_CUT)}, '\\1''', 'g')"
    marked = f"regexp_replace({cut}, {literal(_MARKS)}, {literal(cells.ESCAPE + chr(92) + '1')}, 'g')"
    controls, marks = "".join(cells.MARKS), "".join(cells.MARKS.values())
    return (
        f"CASE WHEN {text} ~ {literal(DANGEROUS)} THEN"
        f" '''' || translate({marked}, {literal(controls)}, {literal(marks)}) ELSE {text} END"
    )


def literal(text: str) -> str:
    """`text` as a literal in a statement that also carries parameters."""
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"


def _joined(columns: Sequence[Column], names: Sequence[str], *, safe: bool) -> str:
    parts: list[str] = []
    for number, (column, name) in enumerate(zip(columns, names, strict=True)):
        comma = "," if number else ""
        quoted, expression = _cell(column.cell, name, safe=safe)
        parts += [f"'{comma}\"'", expression, "'\"'"] if quoted else [*(["','"] if comma else []), expression]
    return f"concat({', '.join(parts)})"


def _cell(cell: Cell, name: str, *, safe: bool) -> tuple[bool, str]:
    """Whether the cell stands in quotes, and its expression. An empty value is an empty text, as everywhere."""
    match cell:
        case Cell.TEXT:
            return True, f"replace({safe_text(name)}, '\"', '\"\"')" if safe else name
        case Cell.CODE:
            return True, name
        case Cell.DAY:
            return True, f"to_char({name}, {literal(_DAY)})"
        case Cell.MOMENT:
            return True, f"to_char({name}, {literal(_MOMENT)})"
        case Cell.FLAG:
            return False, f"CASE WHEN {name} THEN 'true' WHEN NOT {name} THEN 'false' ELSE '\"\"' END"
    return False, f"coalesce({name}::text, '\"\"')"


def _class(characters: str) -> str:
    """A bracket expression for single characters."""
    return "[" + "".join(_escaped(character) for character in characters) + "]"


def _escaped(character: str) -> str:
    return f"\\U{ord(character):08x}"


def _spans() -> str:
    """What may stand before a formula's first character, as the inside of a bracket expression."""
    quotes = "".join(_escaped(character) for character in cells.QUOTES)
    found = []
    for span in cells.INVISIBLE.split():
        first, _dash, last = span.partition("-")
        begin, end = max(int(first, 16), 1), int(last or first, 16)
        found.append(_escaped(chr(begin)) + ("-" + _escaped(chr(end)) if end > begin else ""))
    return quotes + "".join(found)


_LEADS = f"[{_spans()}]*"
_TRIGGER = _class(cells.TRIGGERS)
_SEPARATOR = _class(cells.SEPARATORS)
_STARTERS = _class("".join(sorted(cells.LINE_STARTERS)))
_CONTROLS = "".join(character for character in cells.MARKS if character not in "\t\n\r")
_ANY_MARK = _class(cells.ESCAPE + "".join(cells.MARKS.values()))
_CUT = f"({_SEPARATOR})(?={_LEADS}{_TRIGGER})"
_MARKS = f"({_ANY_MARK})"
DANGEROUS = "|".join(
    (
        f"(?:^|{_SEPARATOR}|{_STARTERS}){_LEADS}{_TRIGGER}",
        f"^'.*{_ANY_MARK}",
        _class(_CONTROLS),
        r"(?:^|\n|\r(?!\n))(?:\t|\r(?!\n))",
    )
)
# Wider than needed: every tab, return, control, quotation mark, and every text that begins with an apostrophe.
SUSPECT_ROW = "|".join(
    (
        _class('"\t\r' + _CONTROLS + cells.UNSTORABLE),
        f"(?:^|\\n|{_SEPARATOR})(?:'|{_LEADS}{_TRIGGER})",
    )
)
