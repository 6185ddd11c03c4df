"""What every generator keeps to, and codes people can read aloud."""

from __future__ import annotations

import pytest

from certificates.codes import ALPHABET, as_typed, grouped, new_code
from certificates.facts import printed_facts, verify_url
from certificates.generators import PDF, TEXT, CertificateGenerator
from certificates.services.issuing import issue_certificate
from files.services import read
from tests.certificates.acts import completed, issued
from tests.database import as_system
from tests.factories.names import World

pytestmark = pytest.mark.django_db


# --- Generators -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("generator", [PDF, TEXT], ids=["pdf", "text"])
def test_a_generator_makes_the_same_storable_document_of_the_same_facts(
    world: World, generator: CertificateGenerator
) -> None:
    """CERT-101: the contract every generator keeps."""
    enrollment = completed(world)

    with as_system():
        certificate = issue_certificate(enrollment, generator=generator)
        stored = read(certificate.pdf)

    again_made = generator.generate(printed_facts(certificate))
    assert again_made == stored
    assert certificate.pdf.content_type == generator.content_type
    assert certificate.pdf.name == f"certificate-{certificate.number}{generator.suffix}"
    assert generator.generate(printed_facts(certificate, language="es")) != stored
    assert generator.generate(printed_facts(certificate, mark="revoked")) != stored


def test_the_plain_text_says_what_the_page_says(world: World) -> None:
    certificate = issued(world, "DE")

    text = TEXT.generate(printed_facts(certificate)).decode()

    for words in ("Certificate of Debtor Education", "Client User", certificate.number, "26-12345",
                  verify_url(certificate), "SIMULATED"):  # fmt: skip
        assert words in text


# --- Codes ------------------------------------------------------------------------------------------------------------
def test_codes_carry_a_hundred_random_bits_and_never_repeat() -> None:
    made = {new_code() for _ in range(1000)}

    assert len(made) == 1000
    assert {len(code) for code in made} == {20}
    assert len(ALPHABET) ** 20 == 2**100
    assert set("".join(made)) == set(ALPHABET)


@pytest.mark.parametrize(
    "typed",
    ["7k3m-qx9t-rb2w-4zp8-hn0c", "7K3MQX9TRB2W4ZP8HN0C", " 7K3M QX9T RB2W 4ZP8 HNOC ", "7K3M–QX9T–RB2W–4ZP8–HN0C\x00"],
)
def test_a_code_is_read_however_it_is_typed(typed: str) -> None:
    assert as_typed(typed) == "7K3MQX9TRB2W4ZP8HN0C"
    assert grouped(as_typed(typed)) == "7K3M-QX9T-RB2W-4ZP8-HN0C"
