"""The static public pages: there in both languages, light, free of inline code, and with help in the same place."""

from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.utils import translation
from pytest_django.fixtures import Settings

from tests.website.reading import Page, inline_code
from website.articles import SHELVES, find_article
from website.pages import page_url
from website.views.errors import bad_request, error_page

SLUGS = [slug for shelf in SHELVES for slug in shelf.slugs]
PATHS = ["", "docs", *(f"docs/{slug}" for slug in SLUGS)]
LANGUAGES = {"en": "/", "es": "/es/"}
ADDRESSES = [(language, prefix + path) for language, prefix in LANGUAGES.items() for path in PATHS]
ERRORS = [400, 403, 404, 405, 413, 429]

# The request middleware opens a transaction for every page, also for one that reads nothing.
pytestmark = pytest.mark.django_db


def page_at(client: Client, address: str, status: int = 200) -> Page:
    response = client.get(address, headers={"accept": "text/html"})
    assert response.status_code == status
    return Page(response.content.decode())


@pytest.mark.parametrize(("language", "address"), ADDRESSES)
def test_a_static_page_speaks_its_language_and_links_to_the_other(client: Client, language: str, address: str) -> None:
    page = page_at(client, address)

    assert page.all("html")[0]["lang"] == language
    alternates = {link["hreflang"]: link["href"] for link in page.all("link") if link.get("rel") == "alternate"}
    english, spanish = (address, f"/es{address}") if language == "en" else (address.removeprefix("/es"), address)
    assert alternates == {
        "en": f"http://testserver{english}",
        "es": f"http://testserver{spanish}",
        "x-default": f"http://testserver{english}",
    }


@pytest.mark.parametrize(("language", "address"), ADDRESSES)
def test_a_static_page_has_one_heading_a_main_part_and_unique_ids(client: Client, language: str, address: str) -> None:
    page = page_at(client, address)

    assert len(page.all("h1")) == 1
    assert [main["id"] for main in page.all("main")] == ["main"]
    assert sorted(page.ids()) == sorted(set(page.ids()))


@pytest.mark.parametrize(("language", "address"), ADDRESSES)
def test_a_static_page_has_no_inline_script_or_style(client: Client, language: str, address: str) -> None:
    assert inline_code(page_at(client, address)) == []


@pytest.mark.parametrize(("language", "address"), ADDRESSES)
def test_a_static_page_with_all_its_files_stays_under_150_kb(client: Client, language: str, address: str) -> None:
    response = client.get(address)
    page = Page(response.content.decode())
    files = [link["href"] for link in page.all("link") if link.get("rel") in ("stylesheet", "icon")]
    files += [script["src"] for script in page.all("script")]

    weight = sum(Path(finders.find(str(name).removeprefix(settings.STATIC_URL))).stat().st_size for name in files)

    assert len(files) == 3
    assert weight + len(response.content) < 150_000


@pytest.mark.parametrize("status", ERRORS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_error_page_has_its_status_help_and_a_way_on(rf: RequestFactory, language: str, status: int) -> None:
    with translation.override(language):
        response = error_page(rf.get("/nowhere"), status)
    page = Page(response.content.decode())

    assert response.status_code == status
    assert page.all("html")[0]["lang"] == language
    assert page.ids().count("help-title") == 1
    assert len([link for link in page.all("a") if "btn" in str(link.get("class"))]) == 1
    assert inline_code(page) == []


@pytest.mark.parametrize(("language", "address"), [*ADDRESSES, ("en", "/nowhere"), ("es", "/es/nowhere")])
def test_help_stands_between_content_and_footer_on_every_page(client: Client, language: str, address: str) -> None:
    page = page_at(client, address, 404 if "nowhere" in address else 200)

    landmarks = [tag for tag, attributes in page.tags if tag in ("main", "footer") or attributes.get("class") == "help"]
    assert landmarks == ["main", "aside", "footer"]


def test_help_shows_the_configured_contact(client: Client, settings: Settings) -> None:
    settings.SUPPORT_PHONE = "(800) 555-0199"
    settings.SUPPORT_EMAIL = "help@example.org"
    settings.SUPPORT_HOURS_ES = "de lunes a viernes"

    page = page_at(client, "/es/")

    links = [link["href"] for link in page.all("a")]
    assert links.count("tel:8005550199") == 1
    assert links.count("mailto:help@example.org") == 1
    assert "de lunes a viernes" in page.texts


def test_the_language_link_keeps_page_and_query(client: Client) -> None:
    page = page_at(client, "/docs/time-rules?from=mail")

    links = {link["href"] for link in page.all("a") if link.get("hreflang") == "es"}
    assert links == {"/es/docs/time-rules?from=mail"}


def test_the_language_link_of_a_missing_page_leads_home(client: Client) -> None:
    page = page_at(client, "/nowhere", 404)

    assert {link["href"] for link in page.all("a") if link.get("hreflang") == "es"} == {"/es/"}


def test_the_front_page_opens_the_four_paths_and_a_verify_form(client: Client) -> None:
    page = page_at(client, "/")

    links = {link["href"] for link in page.all("a")}
    assert {"/providers", "/my/", "/become-a-provider", "#verify"} <= links
    assert [(form["method"], form["action"]) for form in page.all("form")] == [("get", "/verify/")]
    assert [field["name"] for field in page.all("input")] == ["code"]


@pytest.mark.parametrize("slug", SLUGS)
def test_an_article_has_the_same_sections_in_both_languages(slug: str) -> None:
    english, spanish = find_article(slug, "en"), find_article(slug, "es")

    assert english is not None
    assert spanish is not None
    assert len(english.contents) == len(spanish.contents)
    assert [tag for tag, _attributes in Page(english.html).tags] == [tag for tag, _a in Page(spanish.html).tags]
    assert english.title != spanish.title


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_links_of_an_article_stay_in_its_language_and_lead_somewhere(slug: str, language: str) -> None:
    article = find_article(slug, language)
    assert article is not None

    links = {str(link["href"]) for link in Page(article.html).all("a")}
    known = {page_url(name, language) for name in ("verify", "become_provider")}
    known |= {f"{page_url('docs', language)}/{other}" for other in SLUGS}
    assert links <= known


def test_an_unknown_article_is_not_found(client: Client) -> None:
    assert client.get("/docs/no-such-article").status_code == 404


def test_a_page_refuses_to_be_posted_to_with_a_page_of_its_own(client: Client) -> None:
    response = client.post("/docs", headers={"accept": "text/html"})

    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD"
    assert Page(response.content.decode()).ids().count("help-title") == 1


def test_a_body_over_the_limit_is_answered_as_too_large(rf: RequestFactory) -> None:
    assert bad_request(rf.get("/"), RequestDataTooBig()).status_code == 413
    assert bad_request(rf.get("/"), SuspiciousOperation()).status_code == 400


def test_the_server_error_page_needs_nothing_and_speaks_both_languages() -> None:
    html = Template((Path(settings.TEMPLATES[0]["DIRS"][0]) / "500.html").read_text()).render(Context())
    page = Page(html)

    assert inline_code(page) == []
    assert [attributes["lang"] for _tag, attributes in page.tags if "lang" in attributes] == ["en", "es"]


@pytest.mark.parametrize(
    ("environment", "status"), [("local", 200), ("demo", 200), ("staging", 404), ("production", 404)]
)
def test_the_style_guide_is_shown_where_people_build(
    client: Client, settings: Settings, environment: str, status: int
) -> None:
    settings.ENVIRONMENT = environment
    settings.DEBUG = False

    page = page_at(client, "/styleguide", status)

    assert inline_code(page) == []
    assert sorted(page.ids()) == sorted(set(page.ids()))


INVENTED = "The people and cases here are invented."
SIMULATED = "Payments are simulated: no card is charged."


@pytest.mark.parametrize(
    ("environment", "payments", "expected"),
    [
        ("production", "", []),
        ("demo", "", [INVENTED]),
        ("demo", "http://127.0.0.1:1", [INVENTED, SIMULATED]),
        ("production", "http://127.0.0.1:1", [SIMULATED]),
    ],
)
def test_the_ribbon_says_what_is_not_real(
    client: Client, settings: Settings, environment: str, payments: str, expected: list[str]
) -> None:
    settings.ENVIRONMENT = environment
    settings.STRIPE_API_BASE = payments

    text = "".join(page_at(client, "/").texts)

    assert [sentence for sentence in (INVENTED, SIMULATED) if sentence in text] == expected


@pytest.mark.parametrize(("environment", "hidden"), [("production", False), ("demo", True)])
def test_only_production_asks_to_be_indexed(client: Client, settings: Settings, environment: str, hidden: bool) -> None:
    settings.ENVIRONMENT = environment

    response = client.get("/robots.txt")

    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert ("Disallow: /" in response.content.decode().splitlines()) is hidden
