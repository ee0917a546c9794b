"""The documents themselves: about six per persona (Metriport docs), small and valid."""

import struct
import zlib
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, kw_only=True)
class Document:
    """One clinical document."""

    name: str
    loinc: str
    title: str
    date: str
    mime_type: str

    def content(self, person: str) -> bytes:
        """Return the file's bytes."""
        match self.mime_type:
            case "application/xml":
                return ccda(self.title, person)
            case "image/png":
                return png()
            case _:
                return pdf(f"{self.title} - {person}")

    @property
    def extension(self) -> str:
        """The file name's ending."""
        return self.mime_type.rpartition("/")[2]


def documents() -> tuple[Document, ...]:
    """Return one C-CDA, three PDF files and two images (Metriport docs)."""
    rows = (
        ("ccd", "34133-9", "Summarization of episode note", "2025-09-16", "application/xml"),
        ("evaluation", "34788-0", "Psychiatry consult note", "2024-10-01", "application/pdf"),
        ("progress", "11506-3", "Progress note", "2025-01-14", "application/pdf"),
        ("labs", "11502-2", "Laboratory report", "2024-09-24", "application/pdf"),
        ("card-front", "64290-0", "Health insurance card, front", "2024-09-17", "image/png"),
        ("card-back", "64290-0", "Health insurance card, back", "2024-09-17", "image/png"),
    )
    return tuple(
        Document(name=name, loinc=loinc, title=title, date=date, mime_type=mime_type)
        for name, loinc, title, date, mime_type in rows
    )


def html(title: str, lines: list[str]) -> bytes:
    """Return a small HTML page."""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}'
        f"</title></head><body><h1>{escape(title)}</h1><ul>{items}</ul></body></html>"
    ).encode()


def pdf(text: str) -> bytes:
    """Return a PDF file of one page with one line."""
    safe = text.encode("latin-1", "replace").translate(None, b"()\\")
    stream = b"BT /F1 14 Tf 72 720 Td (" + safe + b") Tj ET"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        (
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources"
            b" << /Font << /F1 5 0 R >> >> >>"
        ),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    out = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    tail = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return bytes(out) + head + table + tail % (len(objects) + 1, len(out))


def png() -> bytes:
    """Return a white picture of one pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"\x00\xff")
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", pixels), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def ccda(title: str, person: str) -> bytes:
    """Return the frame of a C-CDA document."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<ClinicalDocument xmlns="urn:hl7-org:v3">'
        '<typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>'
        f"<title>{escape(title)}</title>"
        f"<recordTarget><patientRole><patient><name>{escape(person)}</name></patient>"
        "</patientRole></recordTarget></ClinicalDocument>"
    ).encode()
