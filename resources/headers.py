"""Which column a header means: our names, what people call them in English and Spanish, what they said last time."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

from resources.base import ConsoleResource

_SYNONYMS: Mapping[str, str] = {
    "first_name": "first, given name, forename, firstname, nombre, nombres, primer nombre",
    "last_name": "last, surname, family name, lastname, apellido, apellidos",
    "email": "e-mail, email address, mail, correo, correo electronico, e-mail address",
    "phone": "telephone, phone number, tel, mobile, cell, telefono, celular, movil",
    "language": "lang, preferred language, idioma, lengua",
    "birth_date": "date of birth, dob, birthday, birthdate, fecha de nacimiento, nacimiento",
    "ssn_last4": "ssn, ssn4, last 4, last four, last 4 ssn, last four of ssn, ssn last 4, ssn last four, "
                 "ultimos 4, ultimos cuatro, seguro social",
    "kind": "course, course type, curso, tipo, tipo de curso, service",
    "court_id": "court, district, district court, tribunal, distrito, corte",
    "chapter": "ch, bankruptcy chapter, capitulo",
    "case_number": "case, case no, case nr, case #, docket, numero de caso, caso, bankruptcy case number",
    "first_set_341_date": "341 date, 341 meeting, first 341 date, meeting of creditors, meeting date, fecha 341, "
                          "reunion de acreedores",
    "de_filing_deadline": "deadline, filing deadline, de deadline, fecha limite, plazo",
    "provider_slug": "provider code, codigo del proveedor",
    "firm_slug": "firm code, codigo del bufete",
    "payment_id": "id, payment, payment id, pago, id de pago",
    "enrollment_id": "enrollment, enrollment id, inscripcion, id de inscripcion",
    "reference": "ref, check, check number, note, referencia, cheque",
    "amount_cents": "cents, amount in cents, centavos, monto en centavos",
    "number": "certificate number, cgs number, no, numero, numero de certificado",
    "batch": "lot, lote",
}  # fmt: skip


def folded(header: str) -> str:
    """A header without case, accents, signs and double spaces, cut to what a remembered one may have."""
    plain = unicodedata.normalize("NFKD", header).casefold()
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return " ".join(re.sub(r"[^a-z0-9#]+", " ", plain).split())[:200]


def guess_columns(
    resource: ConsoleResource, headers: Iterable[str], remembered: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Our column for each header, "" for one to be left out because the person said so. A header that means nothing
    is not in the answer; each column is taken once, by the first header that means it."""
    meanings = {folded(name): name for name in resource.writable}
    for name in resource.writable:
        for word in _SYNONYMS.get(name, "").split(","):
            meanings.setdefault(folded(word), name)
    meanings.pop("", None)
    found: dict[str, str] = {}
    for header in headers:
        key = folded(header)
        column = (remembered or {}).get(key, meanings.get(key))
        if column == "" or (column in resource.writable and column not in found.values()):
            found[header] = column or ""
    return found
