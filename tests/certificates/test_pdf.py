"""The printed certificate: what it says, that it always fits, and that the same facts give the same bytes."""

import hashlib
import io
import re
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from pypdf import PdfReader

from certificates import pdf
from certificates.lettering import missing_characters, width_of, wrapped
from certificates.pdf import CertificateFacts, render_certificate, unprintable_characters
from certificates.wording import WORDINGS, long_date, time_with_zone
from tests.certificates import qr

PACIFIC = ZoneInfo("America/Los_Angeles")
URL = "https://certaos.example/verify/7K3M-QX9T-RB2W"

COUNSELING = CertificateFacts(
    kind="CC",
    number="01234-CAC-CC-000000417",
    simulated=False,
    agency_name="Harbor Light Credit Counseling, Inc.",
    district_name="Central District of California",
    client_name="María José Gutiérrez Núñez",
    delivery="internet",
    completed_at=datetime(2026, 3, 6, 14, 5, tzinfo=PACIFIC),
    issued_at=datetime(2026, 3, 9, 9, 30, tzinfo=PACIFIC),
    counselor_name="Dolores Whitfield",
    counselor_title="Certified Credit Counselor",
    verify_url=URL,
    debt_plan_attached=False,
)
EDUCATION = replace(
    COUNSELING, kind="DE", number="01234-CAC-DE-000000418", case_number="2:26-bk-10432", debt_plan_attached=None
)
ENDLESS = replace(
    EDUCATION,
    simulated=True,
    client_name="Maximiliana Bartholomea Wolfeschlegelsteinhausenbergerdorff-Montgomery de la Concepción y "
    "Vásquez-Ibarrondo viuda de Etcheberrigaray",
    agency_name="The Consolidated Consumer Credit Counseling and Financial Education Foundation of the Greater "
    "Metropolitan Area of Los Angeles and Orange Counties, Incorporated",
    representative="Rosa Elena Montgomery, attorney-in-fact under a durable power of attorney dated January 5, 2024",
    counselor_name="Wolfeschlegelsteinhausenbergerdorff Hieronymus Alexander",
    counselor_title="Senior Certified Personal Finance Counselor and Instructor, Bilingual Services Department",
    verify_url="https://certificates.a-very-long-organization-name.example.org/verify/7K3M-QX9T-RB2W",
    debt_plan_attached=True,
)


def read(facts: CertificateFacts) -> PdfReader:
    return PdfReader(io.BytesIO(render_certificate(facts)))


def text_of(facts: CertificateFacts) -> str:
    return re.sub(r"\s+", " ", read(facts).pages[0].extract_text())


def test_a_counseling_certificate_says_what_the_regulation_asks_for():
    text = text_of(COUNSELING)

    for said in (
        "Certificate of Counseling",
        "This certifies that",
        "María José Gutiérrez Núñez",
        "complies with 11 U.S.C. §§ 109(h) and 111 from Harbor Light Credit Counseling, Inc.,",
        "an agency approved under 11 U.S.C. § 111 to provide credit counseling in the Central District of California.",
        "01234-CAC-CC-000000417",
        "March 6, 2026, 2:05 p.m. PST (UTC−08:00)",
        "By Internet",
        "None was prepared",
        "/s/ Dolores Whitfield",
        "Certified Credit Counselor",
        "Issued March 9, 2026",
        "certaos.example/verify/7K3M-QX9T-RB2W",
    ):
        assert said in text


def test_an_education_certificate_has_the_case_number_and_no_plan():
    text = text_of(EDUCATION)

    assert "Certificate of Debtor Education" in text
    assert "completed an instructional course concerning personal financial management" in text
    assert "2:26-bk-10432" in text
    assert "Debt repayment plan" not in text


def test_a_spanish_certificate_is_spanish_and_keeps_the_english_title_for_the_court():
    text = text_of(replace(EDUCATION, locale="es", representative="Ana Ruiz, tutora legal"))

    for said in (
        "Certificado de educación para deudores",
        "Certificate of Debtor Education",
        "Se certifica que",
        "completó un curso de instrucción sobre administración de las finanzas personales",
        "6 de marzo de 2026, 2:05 p. m. PST (UTC−08:00)",
        "Representado por Ana Ruiz, tutora legal",
        "Número del caso de bancarrota",
        "Verifique este certificado",
    ):
        assert said in text


@pytest.mark.parametrize(
    ("attached", "said"), [(True, "Prepared; a copy is attached to this certificate"), (False, "None was prepared")]
)
def test_the_debt_repayment_plan_is_named(attached, said):
    assert said in text_of(replace(COUNSELING, debt_plan_attached=attached))


@pytest.mark.parametrize("locale", ["en", "es"])
def test_a_simulated_certificate_says_so_in_english_and_others_do_not(locale):
    simulated = text_of(replace(COUNSELING, simulated=True, locale=locale))

    assert "SIMULATED — NOT ISSUED THROUGH CGS" in simulated
    assert ("SIMULADO — NO EMITIDO A TRAVÉS DE CGS" in simulated) is (locale == "es")
    assert "SIMULA" not in text_of(replace(COUNSELING, locale=locale))


@pytest.mark.parametrize(
    ("watermark", "locale", "word"),
    [
        ("replaced", "en", "REPLACED"),
        ("revoked", "en", "REVOKED"),
        ("replaced", "es", "SUSTITUIDO"),
        ("revoked", "es", "REVOCADO"),
    ],
)
def test_a_certificate_that_no_longer_counts_is_stamped(watermark, locale, word):
    assert word in text_of(replace(COUNSELING, watermark=watermark, locale=locale))
    assert word not in text_of(replace(COUNSELING, locale=locale))


@pytest.mark.parametrize("locale", ["en", "es"])
@pytest.mark.parametrize("facts", [COUNSELING, EDUCATION, ENDLESS])
def test_a_certificate_is_one_letter_page_with_title_language_and_embedded_fonts(facts, locale):
    document = read(replace(facts, locale=locale))

    [page] = document.pages
    assert (page.mediabox.width, page.mediabox.height) == (612, 792)
    assert document.metadata.title == f"{WORDINGS[locale].title[facts.kind]} {facts.number}"
    assert document.metadata.author == facts.agency_name
    assert document.metadata.creation_date == facts.issued_at
    assert document.trailer["/Root"]["/Lang"] == locale
    assert document.trailer["/Root"]["/ViewerPreferences"]["/DisplayDocTitle"].value is True
    fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]
    used = [font for font in fonts if font["/BaseFont"] != "/Helvetica"]
    assert all("/FontFile2" in font["/FontDescriptor"] for font in used)
    assert {font["/BaseFont"].split("+")[1] for font in used} >= {"BitstreamVeraSans-Roman", "BitstreamVeraSans-Bold"}


@pytest.mark.parametrize("locale", ["en", "es"])
@pytest.mark.parametrize("facts", [COUNSELING, EDUCATION, ENDLESS])
def test_the_middle_of_the_page_always_ends_above_the_signature(facts, locale):
    blocks = pdf._body(replace(facts, locale=locale), WORDINGS[locale])

    assert pdf._height(blocks) <= pdf.BODY_TOP - pdf.BODY_BOTTOM


def test_endless_names_are_printed_whole():
    text = text_of(ENDLESS).replace(" ", "")

    for name in (ENDLESS.client_name, ENDLESS.agency_name, ENDLESS.representative, ENDLESS.counselor_name):
        assert name.replace(" ", "") in text


def test_the_same_facts_give_the_same_bytes_here_and_in_another_process():
    program = (
        "import hashlib; from tests.certificates.test_pdf import ENDLESS; "
        "from certificates.pdf import render_certificate; "
        "print(hashlib.sha256(render_certificate(ENDLESS)).hexdigest())"
    )
    other = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"},
        capture_output=True,
        text=True,
        check=True,
    )

    render_certificate(COUNSELING)
    here = render_certificate(ENDLESS)

    assert here == render_certificate(ENDLESS)
    assert hashlib.sha256(here).hexdigest() == other.stdout.strip()


def test_one_changed_letter_changes_the_bytes():
    assert render_certificate(COUNSELING) != render_certificate(replace(COUNSELING, client_name="María José Gutiérrez"))


def printed_code(facts: CertificateFacts) -> list[list[int]]:
    """The code's modules as the page's own drawing operators place them."""
    content = read(facts).pages[0].get_contents().get_data().decode("latin-1")
    runs = [tuple(map(int, run)) for run in re.findall(r"^(\d+) (\d+) (\d+) 1 re$", content, re.MULTILINE)]
    size = max(row for _column, row, _length in runs) + 1
    matrix = [[0] * size for _row in range(size)]
    for column, row, length in runs:
        matrix[size - 1 - row][column : column + length] = [1] * length
    return matrix


@pytest.mark.parametrize(
    "url",
    ["https://a.example/v/7K3M", URL, ENDLESS.verify_url, "http://127.0.0.1:8000/verify/7K3M"],
)
def test_the_code_on_the_page_reads_as_the_address(url):
    assert qr.decode(printed_code(replace(COUNSELING, verify_url=url))) == url


def test_the_code_is_also_a_link():
    [annotation] = read(COUNSELING).pages[0]["/Annots"]

    assert annotation.get_object()["/A"]["/URI"] == URL


@pytest.mark.parametrize("name", ["José Ñúñez", "François Müller", "Łukasz Żółć", "Țepeș Őrsi", "Nguyễn Thị Ạnh"])
def test_names_in_latin_letters_can_be_printed(name):
    assert missing_characters(name) == ""


def test_letters_the_typeface_lacks_are_named_before_printing():
    assert unprintable_characters(COUNSELING) == ""
    assert unprintable_characters(replace(COUNSELING, client_name="Ли 李 Ли")) == "Ли李"
    assert len(read(replace(COUNSELING, client_name="Ли 李")).pages) == 1


def test_a_composed_letter_is_read_aloud_as_it_is_spelled():
    content = read(replace(COUNSELING, client_name="Őrsi")).pages[0].get_contents().get_data()

    assert b"/Span <</ActualText <FEFF0150007200730069>>> BDC" in content


def test_an_accent_does_not_widen_a_name():
    assert width_of("Ősz", "CertificateVera", 10) == width_of("Osz", "CertificateVera", 10)


def test_lines_break_between_words_and_inside_a_word_only_where_they_must():
    assert wrapped("one two three", "CertificateVera", 10, 50) == ["one two", "three"]
    assert wrapped("11\xa0U.S.C. law", "CertificateVera", 10, 50) == ["11\xa0U.S.C.", "law"]
    assert "".join(wrapped("x" * 40, "CertificateVera", 10, 50)) == "x" * 40
    assert wrapped("", "CertificateVera", 10, 50) == []


@pytest.mark.parametrize(
    ("zone", "written"),
    [
        ("America/New_York", "12:05 a.m. EST (UTC−05:00)"),
        ("America/Phoenix", "12:05 a.m. MST (UTC−07:00)"),
        ("Pacific/Guam", "12:05 a.m. ChST (UTC+10:00)"),
        ("Asia/Kolkata", "12:05 a.m. IST (UTC+05:30)"),
        ("Etc/UTC", "12:05 a.m. UTC+00:00"),
    ],
)
def test_a_time_carries_its_zone(zone, written):
    assert time_with_zone(datetime(2026, 3, 6, 0, 5, tzinfo=ZoneInfo(zone)), "en") == written


def test_dates_are_written_out():
    moment = datetime(2026, 12, 1, tzinfo=PACIFIC)

    assert (long_date(moment, "en"), long_date(moment, "es")) == ("December 1, 2026", "1 de diciembre de 2026")


@pytest.mark.parametrize("field", ["completed_at", "issued_at"])
def test_a_moment_without_zone_is_refused(field):
    with pytest.raises(ValueError, match="time zone"):
        render_certificate(replace(COUNSELING, **{field: datetime(2026, 3, 6)}))  # noqa: DTZ001 -- the point
