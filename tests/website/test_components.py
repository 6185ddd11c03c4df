"""The components of the public site: forms that explain themselves, a small stylesheet, complete Spanish."""

import re
from gettext import GNUTranslations
from pathlib import Path

from babel.messages.pofile import read_po
from django.conf import settings
from django.contrib.staticfiles import finders

from tests.website.reading import Page
from website.forms.samples import SampleForm
from website.icons import ICONS


def test_a_form_with_errors_links_each_error_to_its_field() -> None:
    form = SampleForm({"email": "ana@", "household_size": "0"})
    page = Page(str(form))

    targets = [str(link["href"]).removeprefix("#") for link in page.all("a")]
    assert targets == [
        "id_full_name",
        "id_email",
        "id_household_size",
        "id_birth_date",
        "id_district",
        "id_mode_0",
        "id_agreed",
    ]
    assert set(targets) <= set(page.ids())


def test_a_field_names_its_hint_and_its_error() -> None:
    page = Page(str(SampleForm({})["full_name"].as_field_group()))

    (field,) = page.all("input")
    assert field["aria-describedby"] == "id_full_name_helptext id_full_name_error"
    assert field["aria-invalid"] == "true"
    assert page.ids() == ["id_full_name_helptext", "id_full_name_error", "id_full_name"]


def test_a_group_of_choices_is_a_fieldset_that_names_its_error() -> None:
    page = Page(str(SampleForm({})["mode"].as_field_group()))

    (fieldset,) = page.all("fieldset")
    assert fieldset["aria-describedby"] == "id_mode_error"
    assert "id_mode_error" in page.ids()


def test_a_form_without_errors_has_no_summary() -> None:
    page = Page(str(SampleForm()))

    assert [attributes for _tag, attributes in page.tags if attributes.get("role") == "alert"] == []


def test_the_stylesheet_and_the_script_stay_small() -> None:
    css, script = Path(finders.find("website/site.css")), Path(finders.find("website/site.js"))

    assert css.stat().st_size <= 30 * 1024
    assert script.stat().st_size < 2 * 1024


def test_every_colour_of_the_stylesheet_is_a_token() -> None:
    css = Path(finders.find("website/site.css")).read_text()

    components = css[css.index("/* ---------- base") : css.index("/* ---------- print")]
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(", components) == []


def test_every_icon_of_the_templates_exists() -> None:
    root = Path(settings.TEMPLATES[0]["DIRS"][0]) / "website"
    used = {
        name for file in root.rglob("*.html") for name in re.findall(r"{% icon [\"'](\w+)[\"'] %}", file.read_text())
    }

    assert used
    assert used - ICONS.keys() == set()


def test_the_spanish_catalogue_is_complete_and_compiled() -> None:
    folder = Path(finders.find("website/site.css")).parents[2] / "locale" / "es" / "LC_MESSAGES"
    with (folder / "django.po").open("rb") as source, (folder / "django.mo").open("rb") as compiled:
        written = {message.id: message.string for message in read_po(source) if message.id and not message.context}
        spoken = GNUTranslations(compiled)

    assert [key for key, text in written.items() if not text] == []
    for key, text in written.items():
        if isinstance(text, tuple):
            assert (spoken.ngettext(*key, 1), spoken.ngettext(*key, 2)) == text
        else:
            assert spoken.gettext(key) == text
