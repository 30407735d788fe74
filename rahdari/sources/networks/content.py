"""Bytes, text and XML of a file that anybody may have written: bounded in size, no entities, faults with lines."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn
from xml.parsers import expat  # a document type is refused, so no entity can be declared

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.sources.imports.common import Findings

#: Text takes some twenty times its size in memory while it is read: this is about 1.5 GB.
MAX_BYTES = 64 * 1024 * 1024
MIB = 1024 * 1024
MAX_DEPTH = 64  # elements within elements; the formats need eight
OTHER_ENCODINGS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
AS_UTF8 = "save the file as UTF-8"
WHOLE = "save it whole; it may be cut short"


@dataclass(slots=True)
class Element:
    """One XML element: its name without namespace, where it begins, and what it holds."""

    tag: str
    attributes: dict[str, str]
    line: int
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all(self, tag: str) -> list[Element]:
        """Return the direct children of one name."""
        return [child for child in self.children if child.tag == tag]

    def first(self, tag: str) -> Element | None:
        """Return the first direct child of one name, or ``None``."""
        return next((child for child in self.children if child.tag == tag), None)

    def text_of(self, tag: str) -> str:
        """Return the text of the first direct child of one name, stripped; empty where there is none."""
        child = self.first(tag)
        return child.text.strip() if child is not None else ""


class _RefusedError(Exception):
    """A document that is not read any further: what, and the cure."""


def read_bytes(path: Path, findings: Findings, max_bytes: int = MAX_BYTES) -> bytes | None:
    """Return a file's bytes without a byte order mark of UTF-8; faults: unreadable, empty, too large, not UTF-8."""
    try:
        size = path.stat().st_size
        if size > max_bytes:
            what = f"the file has {size / MIB:,.0f} MiB; more than {max_bytes / MIB:,.0f} MiB are not read"
            findings.add(what, "split it, or supply a GeoPackage, which is smaller")
            return None
        content = path.read_bytes()
    except OSError as fault:
        findings.add(f"the file cannot be read: {fault.strerror or fault}", "correct the path or its permissions")
        return None
    if content.startswith(OTHER_ENCODINGS):
        findings.add("the file is in UTF-16 or UTF-32", AS_UTF8)
        return None
    content = content.removeprefix(codecs.BOM_UTF8)
    if not content.strip():
        findings.add("the file is empty", "supply a whole file")
        return None
    return content


def text_of(content: bytes, findings: Findings) -> str | None:
    """Return UTF-8 bytes as text; a wrong byte is a fault with its line."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as fault:
        line = content.count(b"\n", 0, fault.start) + 1
        findings.add(f"byte {content[fault.start]:#04x} is no UTF-8", AS_UTF8, line)
        return None


def parse_xml(content: bytes, findings: Findings) -> Element | None:
    """Return the root of an XML document; a document type, deep nesting and broken XML are faults with their line."""
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    roots: list[Element] = []
    open_elements: list[Element] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if len(open_elements) >= MAX_DEPTH:
            raise _RefusedError(f"elements lie more than {MAX_DEPTH} deep", "supply a plain file")
        element = Element(_local(tag), {_local(k): v for k, v in attributes.items()}, parser.CurrentLineNumber)
        (open_elements[-1].children if open_elements else roots).append(element)
        open_elements.append(element)

    def end(_tag: str) -> None:
        open_elements.pop()

    def characters(data: str) -> None:
        if open_elements:
            open_elements[-1].text += data

    def doctype(*_: object) -> NoReturn:
        raise _RefusedError("the file declares a document type, which can hold entities", "remove the DOCTYPE")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(content, True)
    except _RefusedError as fault:
        findings.add(str(fault.args[0]), str(fault.args[1]), parser.CurrentLineNumber)
        return None
    except expat.ExpatError as fault:
        findings.add(f"the file is no XML: {expat.ErrorString(fault.code)}", WHOLE, fault.lineno)
        return None
    except (ValueError, LookupError) as fault:
        findings.add(f"the encoding that the file declares cannot be read: {fault}", AS_UTF8, 1)
        return None
    return roots[0]


def _local(tag: str) -> str:
    """Return a name without its namespace."""
    return tag.rsplit("}", maxsplit=1)[-1]
