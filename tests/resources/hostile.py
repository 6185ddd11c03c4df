"""Cells that try to become formulas, and a judge that shares nothing with the code it judges."""

import random
import re
import unicodedata

LEADS = ["", " ", "\t", "\r", "\n", "\r\n", "\xa0", "\ufeff", "\u200b", "\x00", '"', "\u3000", "\u2003", "“", "\x0b"]
TRIGGERS = ["=", "+", "-", "@", "＝", "＋", "－", "＠"]
PAYLOADS = ["1+1", "cmd|' /C calc'!A0", 'HYPERLINK("http://x.example","y")', "SUM(A1:A9)*2", "2", "x", "=1"]
TEXTS = ["Maria", "Rent, May", "12 Main St", "a@b.example", "see note", "ñ", "'quoted'", "␛⏎"]
BREAKS = ["\n", "\r", "\r\n", "\n\n", "\x0b", "\x0c", "\x85", "\u2028"]
SEPARATORS = [",", ";", "\t", "|"]

_NEW_CELL = re.compile("[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029\t,;|]")


def hostile_cells(count: int, seed: int) -> list[str]:
    """`count` cells, each of which some spreadsheet program would read as a formula."""
    choose = random.Random(seed)

    def formula() -> str:
        leads = "".join(choose.choices(LEADS, k=choose.randrange(4)))
        return leads + choose.choice(TRIGGERS) + choose.choice(PAYLOADS)

    shapes = [
        formula,
        lambda: formula() + choose.choice(BREAKS) + choose.choice(TEXTS),
        lambda: choose.choice(TEXTS) + choose.choice(BREAKS) + formula(),
        lambda: choose.choice(TEXTS) + choose.choice(SEPARATORS) + formula(),
        lambda: formula() + choose.choice(SEPARATORS) + formula(),
    ]
    return [choose.choice(shapes)() for _ in range(count)]


def is_formula(cell: str) -> bool:
    """Whether any place where a program may start a cell starts a formula there. An apostrophe there makes it text."""
    return any(starts_formula(piece) for piece in _NEW_CELL.split(cell))


def starts_formula(piece: str) -> bool:
    """Whether the first visible character starts a formula."""
    if piece.startswith("'"):
        return False
    while piece and _shows_nothing(piece[0]):
        piece = piece[1:]
    return unicodedata.normalize("NFKC", piece[:1]) in {"=", "+", "-", "@"}


def _shows_nothing(character: str) -> bool:
    """Spaces, controls, format characters and quotes. What is unassigned or private shows as a box: it leads a text."""
    category = unicodedata.category(character)
    if category[0] == "Z" or category in {"Cc", "Cf"}:
        return True
    name = unicodedata.name(character, "")
    return "QUOTATION" in name or "APOSTROPHE" in name
