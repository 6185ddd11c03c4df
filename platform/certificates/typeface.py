"""A typeface whose embedded part is made once for a set of letters, not once for a document.

A document embeds of a typeface only the letters it uses. The first letters are the same in every certificate, so all
certificates without a rare letter share one part, cut out, compressed and written down once in a process. A document
with rare letters gets a part of its own, which holds them and is kept for a while.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from reportlab.pdfbase import pdfdoc
from reportlab.pdfbase.ttfonts import FF_NONSYMBOLIC, FF_SYMBOLIC, SUBSETN, TTFont, makeToUnicodeCMap

PARTS = 64
COMMON = "áéíóúüñÁÉÍÓÚÑ§·–—−’"  # beside ASCII: what our own sentences and Spanish names use


@dataclass(frozen=True, slots=True)
class _Part:
    """The letters of one subset as the document holds them; `length` is that of the font before compression."""

    name: str
    font: bytes
    length: int
    characters: bytes
    widths: bytes


class SharedFont(TTFont):
    """A TrueType font of ReportLab that keeps its PARTS parts used last."""

    def __init__(self, name: str, filename: str) -> None:
        super().__init__(name, filename)
        self._part = lru_cache(maxsize=PARTS)(self._cut)

    def begin(self, document: Any) -> None:
        """Give the letters that all certificates share their codes before any other."""
        self.splitString(COMMON, document)

    def addObjects(self, doc: Any) -> None:  # noqa: N802 -- the name the package calls
        """Write the parts that the document uses into it, as the package's own method does."""
        state = self.state[doc]
        state.frozen = 1
        for number, subset in enumerate(state.subsets):
            name = self.getSubsetInternalName(number, doc)[1:]
            part = self._part(number, tuple(subset))
            font = pdfdoc.PDFTrueTypeFont()
            font.Name, font.BaseFont, font.FirstChar, font.LastChar = name, part.name, 0, len(subset) - 1
            font.Widths = part.widths
            font.ToUnicode = doc.Reference(_stream(part.characters), f"toUnicodeCMap:{part.name}")
            font.FontDescriptor = doc.Reference(self._describe(part, doc), f"fontDescriptor:{part.name}")
            doc.Reference(font, name)
            doc.idToObject["BasicFonts"].dict[name] = font
        del self.state[doc]

    def _cut(self, number: int, subset: tuple[int, ...]) -> _Part:
        name = (SUBSETN(number) + b"+" + self.face.name + self.face.subfontNameX).decode("pdfdoc")
        font = self.face.makeSubset(list(subset))
        widths = " ".join(pdfdoc.fp_str(self.face.getCharWidth(code)) for code in subset)
        characters = makeToUnicodeCMap(name, subset).encode()
        return _Part(name, zlib.compress(font), len(font), zlib.compress(characters), f"[ {widths} ]".encode())

    def _describe(self, part: _Part, doc: Any) -> Any:
        face, stream = self.face, _stream(part.font, Length1=part.length)
        return pdfdoc.PDFDictionary(
            {
                "Type": "/FontDescriptor",
                "Ascent": face.ascent,
                "CapHeight": face.capHeight,
                "Descent": face.descent,
                "Flags": face.flags & ~FF_NONSYMBOLIC | FF_SYMBOLIC,
                "FontBBox": pdfdoc.PDFArray(face.bbox),
                "FontName": pdfdoc.PDFName(part.name),
                "ItalicAngle": face.italicAngle,
                "StemV": face.stemV,
                "FontFile2": doc.Reference(stream, f"fontFile:{part.name}"),
                "MissingWidth": face.defaultWidth,
            }
        )


def _stream(compressed: bytes, **entries: Any) -> Any:
    return pdfdoc.PDFStream(pdfdoc.PDFDictionary({"Filter": "/FlateDecode", **entries}), compressed)
