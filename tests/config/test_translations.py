"""Every text a person may see has its Spanish, and the compiled catalogues hold it."""

from __future__ import annotations

import ast
import io
import re
from collections.abc import Iterator
from pathlib import Path

from babel.messages.extract import extract_python
from django.utils import translation
from django.utils.translation import gettext, trans_real
from django.utils.translation.template import templatize

from admin_site.site import console
from payments.models import Payment
from tests.config.source import ROOT

FUNCTIONS = {
    "_": None, "gettext": None, "gettext_lazy": None, "gettext_noop": None, "ngettext": (1, 2),
    "ngettext_lazy": (1, 2), "pgettext": ((1, "c"), 2), "pgettext_lazy": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3),
}  # fmt: skip
PLACES = ("platform", "admin_site", "resources", "tasks")
CONTEXT_MARK = "\x04"


STRING = r"u?(?:'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\")"
CALL = re.compile(rf"\b(_|n?p?gettext)\(\s*({STRING})(?:\s*,\s*({STRING}))?")


def texts_of_code() -> Iterator[tuple[Path, str]]:
    for path in (path for place in PLACES for path in (ROOT / place).rglob("*.py")):
        found = extract_python(io.BytesIO(path.read_bytes()), FUNCTIONS, [], {"encoding": "utf-8"})
        for _line, function, messages, _comments in found:
            parts = messages if isinstance(messages, tuple) else (messages,)
            if parts and isinstance(parts[0], str):
                yield path, CONTEXT_MARK.join(parts[:2]) if function.startswith("p") else parts[0]


def texts_of_templates() -> Iterator[tuple[Path, str]]:
    for path in (path for path in (ROOT / "templates").rglob("*") if path.suffix in (".html", ".txt")):
        for function, first, second in CALL.findall(templatize(path.read_text(), origin=str(path))):
            parts = [ast.literal_eval(part.removeprefix("u")) for part in (first, second) if part]
            yield path, CONTEXT_MARK.join(parts) if function.startswith("p") else parts[0]


def test_every_text_is_translated_and_compiled() -> None:
    """UX-32."""
    catalogue = trans_real.DjangoTranslation("es")._catalog
    missing = {
        f"{path.relative_to(ROOT)}: {text}"
        for path, text in (*texts_of_code(), *texts_of_templates())
        if text and not (catalogue.get(text) or catalogue.get((text, 0)))
    }

    assert missing == set()


def test_every_field_of_a_console_record_has_a_spanish_name() -> None:
    """UX-32. A field that declares no name is called by its attribute, and that is translated too."""
    catalogue = trans_real.DjangoTranslation("es")._catalog
    with translation.override("en"):
        names = {
            f"{model._meta.label}.{field.name}": str(field.verbose_name)
            for model in console._registry
            for field in model._meta.concrete_fields
        }

    assert {place for place, name in names.items() if not catalogue.get(name)} == set()


def test_the_list_search_and_the_filters_speak_spanish() -> None:
    with translation.override("es"):
        assert gettext("Type to search") == "Escriba para buscar"
        assert gettext("Filters") == "Filtros"
        assert str(Payment._meta.get_field("created_at").verbose_name) == "creado el"
