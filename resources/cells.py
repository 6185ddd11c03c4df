"""Text that leaves for a spreadsheet, and comes back unchanged.

A spreadsheet takes a cell for a formula when it begins with `=`, `+`, `-` or `@`, and people's programs disagree about
where a cell begins: after blanks and invisible characters, after a quote, after a line break in the cell, and, when a
file is opened with another separator than it was written with, after any separator. Every writer of ours sends text
through `safe_text_cell`, every reader through `restore_text_cell`.

A dangerous text gets an apostrophe in front and behind each separator that a formula would follow, and shows its line
breaks, tabs and other control characters as visible marks. All other text stays as it is. The way back is exact for
any text a database can hold: NUL and code points that are no characters are dropped on the way out.
"""

from __future__ import annotations

import re

TRIGGERS = "=+-@＝＋－＠﹦﹢﹣﹫"
SEPARATORS = ",;|"
QUOTES = "\"'`´«»‘’‚‛“”„‟‹›′″〝〞〟❛❜❝❞＂＇｀"

# Code points that show nothing or space: what stands between the start of a cell and its first visible character.
INVISIBLE = (
    "00-20 7F-A0 AD 34F 600-605 61C 6DD 70F 890-891 8E2 115F-1160 1680 17B4-17B5 180B-180F 2000-200F 2028-202F "
    "205F-206F 2800 3000 3164 FE00-FE0F FEFF FFA0 FFF0-FFFB 110BD 110CD 13430-1343F 1BCA0-1BCA3 1D173-1D17A E0000-E0FFF"
)
_LEADS = frozenset(QUOTES) | {
    chr(code)
    for first, _dash, last in (span.partition("-") for span in INVISIBLE.split())
    for code in range(int(first, 16), int(last or first, 16) + 1)
}
LINE_STARTERS = frozenset("\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029")

UNSTORABLE = "\ufffe\uffff"

_TRIGGER = re.compile(f"[{re.escape(TRIGGERS)}]")
_SUSPECT = re.compile(f"[{re.escape(TRIGGERS)}\t\r\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029{UNSTORABLE}\ud800-\udfff]")
_UNSTORABLE = re.compile(f"[\x00{UNSTORABLE}\ud800-\udfff]")
_CONTROL = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029]")
_ODD_LINE_START = re.compile(r"(?:\A|\n|\r(?!\n))(?:\t|\r(?!\n))")
_GUARDED_SEPARATOR = re.compile(f"(?<=[{SEPARATORS}])'")

ESCAPE = "␛"
MARKS = {chr(code): chr(0x2400 + code) for code in range(0x01, 0x20)}
MARKS |= dict(zip("\n\x1b\x7f\x85\u2028\u2029", "⏎⎋␡␤⤶¶", strict=True))
_TO_MARKS = str.maketrans(MARKS | {mark: ESCAPE + mark for mark in (*MARKS.values(), ESCAPE)})
_FROM_MARKS = {mark: control for control, mark in MARKS.items()}
_ANY_MARK = re.compile(f"[{ESCAPE}{''.join(_FROM_MARKS)}]")
_MARK = re.compile(f"{ESCAPE}(.)|[{''.join(_FROM_MARKS)}]")


def safe_text_cell(text: str) -> str:
    """`text` as it may stand in any spreadsheet cell."""
    if not (text.startswith("'") or _SUSPECT.search(text)):
        return text
    text = _UNSTORABLE.sub("", text)
    looks_escaped = text.startswith("'") and _ANY_MARK.search(text)
    dangerous, cuts = _formula_starts(text)
    if not (dangerous or looks_escaped or _CONTROL.search(text) or _ODD_LINE_START.search(text)):
        return text
    pieces = (text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True))
    return "'" + "'".join(pieces).translate(_TO_MARKS)


def restore_text_cell(cell: str) -> str:
    """The text that `safe_text_cell` made `cell` of; any other cell is returned as it is."""
    if not cell.startswith("'"):
        return cell
    marked = _MARK.sub(lambda found: found[1] or _FROM_MARKS[found[0]], cell[1:])
    text = _GUARDED_SEPARATOR.sub(lambda found: "" if _begins_formula(marked, found.end()) else "'", marked)
    return text if safe_text_cell(text) == cell else cell


def _formula_starts(text: str) -> tuple[bool, list[int]]:
    """Whether a formula could begin anywhere, and the places behind separators where one could.

    Looks back from each trigger over what is invisible, never past the trigger before it, so the work is linear.
    """
    dangerous, cuts, begin = False, [], 0
    for trigger in _TRIGGER.finditer(text):
        at = trigger.start()
        while at > begin and text[at - 1] in _LEADS:
            at -= 1
        if at > begin and text[at - 1] in SEPARATORS:
            cuts.append(at)
            dangerous = True
        elif at == 0 or not LINE_STARTERS.isdisjoint(text[at : trigger.start()]):
            dangerous = True
        begin = trigger.end()
    return dangerous, cuts


def _begins_formula(text: str, start: int) -> bool:
    while start < len(text) and text[start] in _LEADS:
        start += 1
    return bool(_TRIGGER.match(text, start))
