"""The words of a printed certificate, in English and Spanish.

A certificate names the statute, the act, the district, the delivery and the debt repayment plan (28 CFR 58.22, 58.35).
The English title always stands, because a court reads it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Locale = Literal["en", "es"]

_CITATION = re.compile("11 U[.]S[.]C[.] §+ ")

SIMULATED_BAND = {
    "en": "SIMULATED — NOT ISSUED THROUGH CGS — NOT VALID FOR ANY COURT",
    "es": "SIMULADO — NO EMITIDO A TRAVÉS DE CGS — SIN VALIDEZ ANTE NINGÚN TRIBUNAL",
}


@dataclass(frozen=True, slots=True)
class Wording:
    """All sentences of one language. `{agency}` and `{district}` are filled in; keys of the dicts are fact values."""

    title: dict[str, str]
    statute: dict[str, str]
    lead: str
    statement: dict[str, str]
    represented_by: str
    labels: dict[str, str]
    delivery: dict[str, str]
    plan: dict[bool, str]
    signature_of: dict[str, str]
    issued: str
    verify: str
    watermark: dict[str, str]
    page_note: str


ENGLISH = Wording(
    title={"CC": "Certificate of Counseling", "DE": "Certificate of Debtor Education"},
    statute={
        "CC": "Credit counseling before bankruptcy · 11 U.S.C. §§ 109(h), 111",
        "DE": "Personal financial management · 11 U.S.C. § 111",
    },
    lead="This certifies that",
    statement={
        "CC": "received a credit counseling briefing that complies with 11 U.S.C. §§ 109(h) and 111 from {agency}, "
        "an agency approved under 11 U.S.C. § 111 to provide credit counseling in the {district}.",
        "DE": "completed an instructional course concerning personal financial management given by {agency}, "
        "a provider approved under 11 U.S.C. § 111 to give that course in the {district}.",
    },
    represented_by="Represented by {name}",
    labels={
        "number": "Certificate number",
        "completed": "Completed",
        "delivery": "Delivered",
        "district": "Judicial district",
        "agency_CC": "Agency",
        "agency_DE": "Provider",
        "plan": "Debt repayment plan",
        "case": "Bankruptcy case number",
    },
    delivery={"in_person": "In person", "telephone": "By telephone", "internet": "By Internet"},
    plan={True: "Prepared; a copy is attached to this certificate", False: "None was prepared"},
    signature_of={"CC": "Signed for the agency", "DE": "Signed for the provider"},
    issued="Issued {date}",
    verify="Verify this certificate",
    watermark={"replaced": "REPLACED", "revoked": "REVOKED"},
    page_note="Each person who files receives a separate certificate.",
)

SPANISH = Wording(
    title={"CC": "Certificado de asesoría crediticia", "DE": "Certificado de educación para deudores"},
    statute={
        "CC": "Certificate of Counseling · 11 U.S.C. §§ 109(h), 111",
        "DE": "Certificate of Debtor Education · 11 U.S.C. § 111",
    },
    lead="Se certifica que",
    statement={
        "CC": "recibió una sesión de asesoría crediticia que cumple con 11 U.S.C. §§ 109(h) y 111, impartida por "
        "{agency}, agencia autorizada conforme a 11 U.S.C. § 111 para prestar asesoría crediticia en el distrito "
        "judicial {district}.",
        "DE": "completó un curso de instrucción sobre administración de las finanzas personales impartido por "
        "{agency}, proveedor autorizado conforme a 11 U.S.C. § 111 para impartirlo en el distrito judicial "
        "{district}.",
    },
    represented_by="Representado por {name}",
    labels={
        "number": "Número de certificado",
        "completed": "Completado",
        "delivery": "Modalidad",
        "district": "Distrito judicial",
        "agency_CC": "Agencia",
        "agency_DE": "Proveedor",
        "plan": "Plan de pago de deudas",
        "case": "Número del caso de bancarrota",
    },
    delivery={"in_person": "En persona", "telephone": "Por teléfono", "internet": "Por Internet"},
    plan={True: "Preparado; se adjunta una copia a este certificado", False: "No se preparó ninguno"},
    signature_of={"CC": "Firmado por la agencia", "DE": "Firmado por el proveedor"},
    issued="Emitido el {date}",
    verify="Verifique este certificado",
    watermark={"replaced": "SUSTITUIDO", "revoked": "REVOCADO"},
    page_note="Cada persona que presenta la petición recibe su propio certificado.",
)

WORDINGS: dict[Locale, Wording] = {"en": ENGLISH, "es": SPANISH}

_MONTHS: dict[Locale, list[str]] = {
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    "es": [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
}


def unbroken_citations(text: str) -> str:
    """`text` with the parts of each `11 U.S.C. § 111` held together at the end of a line."""
    return _CITATION.sub(lambda found: found[0].replace(" ", "\N{NO-BREAK SPACE}"), text)


def long_date(moment: datetime, locale: Locale) -> str:
    """`March 6, 2026` or `6 de marzo de 2026`, on the moment's own clock."""
    month = _MONTHS[locale][moment.month - 1]
    return f"{month} {moment.day}, {moment.year}" if locale == "en" else f"{moment.day} de {month} de {moment.year}"


def time_with_zone(moment: datetime, locale: Locale) -> str:
    """`2:05 p.m. PST (UTC−08:00)`. The moment must be aware."""
    half = ("a.m.", "p.m.") if locale == "en" else ("a. m.", "p. m.")
    clock = f"{moment.hour % 12 or 12}:{moment.minute:02d} {half[moment.hour >= 12]}"
    offset = moment.strftime("%z").replace("-", "−")
    utc = f"UTC{offset[:3]}:{offset[3:5]}"
    name = moment.tzname() or ""
    return f"{clock} {utc}" if name.startswith(("UTC", "+", "-")) else f"{clock} {name} ({utc})"
