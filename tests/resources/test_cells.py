"""The neutraliser: what it changes, what it leaves alone, and that nothing is lost."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources import cells
from resources.cells import restore_text_cell, safe_text_cell
from tests.resources.hostile import is_formula

TRICKY = st.text(st.sampled_from("=+-@＝ab1 \t\r\n\x0b\x1b\x85\u2028\u200b\ufeff\u3000\"',;|␛⏎␍␉⎋¶"), max_size=12)
STORABLE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\ufffe\uffff"), max_size=40)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+1 555 0100", "'+1 555 0100"),
        ("-5.00", "'-5.00"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("＝1", "'＝1"),
        (" \u200b=1", "' \u200b=1"),
        ('"=1', "'\"=1"),
        ("note\n=1", "'note⏎=1"),
        ("note\r\n=1", "'note␍⏎=1"),
        ("\tnote", "'␉note"),
        ("a;=1", "'a;'=1"),
        ("a,\t+1|-2", "'a,'␉+1|'-2"),
        ("'=1", "''=1"),
        ("⏎ \x07", "'␛⏎ ␇"),
    ],
)
def test_a_dangerous_text_is_shown_as_text(text, shown):
    assert safe_text_cell(text) == shown
    assert restore_text_cell(shown) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "María",
        "maria@example.com",
        "2026-03-06",
        "A-1",
        "1+1=2",
        "two\nlines",
        "two\r\nlines",
        "'quoted'",
        "⏎",
        "a; b",
    ],
)
def test_an_ordinary_text_stays_as_it_is(text):
    assert safe_text_cell(text) == text
    assert restore_text_cell(text) == text


@pytest.mark.parametrize("cell", ["'hello", "'", "''", "'2026", "'a⏎", "'␛", "';'x"])
def test_an_apostrophe_of_the_writers_own_is_not_taken_away(cell):
    assert restore_text_cell(safe_text_cell(cell)) == cell


def test_what_no_database_can_hold_is_dropped():
    assert safe_text_cell("\x00=1\ud800") == "'=1"


@given(TRICKY | STORABLE)
def test_every_text_comes_back_as_it_was(text):
    assert restore_text_cell(safe_text_cell(text)) == text


@given(TRICKY | STORABLE)
def test_no_text_leaves_as_a_formula(text):
    assert not is_formula(safe_text_cell(text))


@given(TRICKY, TRICKY)
def test_two_texts_never_look_the_same(one, other):
    assert (safe_text_cell(one) == safe_text_cell(other)) == (one == other)


def test_every_invisible_code_point_counts_as_invisible():
    invisible = {chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) in INVISIBLE}

    assert invisible - cells._LEADS == set()


INVISIBLE = {"Cc", "Cf", "Zs", "Zl", "Zp"}
