"""The signature within a PDF: an update at the file's end that covers every byte before and after the signature.

ISO 32000-1, 12.8: the field `/ByteRange` says which bytes are signed (all but the signature itself), `/Contents` holds
the signature as CMS. Any PDF reader checks it. What is written here fits the files that `render` makes; reading takes
nothing for granted, since a file to be checked comes from anywhere.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

_ROOM: Final = 16_384
"""Bytes kept for the signature with its chain of certificates; readers take what is left as padding."""
_SIGNATURES_AT_MOST: Final = 20
"""How many signatures of a file are looked at; an honest file has one or two."""
_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d{1,12})\s+(\d{1,12})\s+(\d{1,12})\s+(\d{1,12})\s*\]")
_HEX: Final = frozenset(b"0123456789abcdefABCDEF")


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature found in a file."""

    cms: bytes
    signed_sha256: str
    """Of the bytes that the signature covers, as the file has them now."""
    end: int
    """Where the signed part ends; the file goes on after it where something was added later."""


def sign(document: bytes, make: Callable[[bytes], bytes], *, signer: str, reason: str, at: datetime) -> bytes:
    """The document with its signature.

    Args:
        document: as `render` made it.
        make: gives the CMS signature, in DER, over the bytes that it gets.
        signer: who signs, as readers show it.
        reason: why, as readers show it.
        at: when; aware.

    Raises:
        ValueError: the file is not one of ours, or the signature with its certificates is too large.
    """
    unsigned = _with_field(document, signer=signer, reason=reason, at=at)
    place = unsigned.rindex(b"/Contents <") + len(b"/Contents ")
    after = place + 2 * _ROOM + 2
    spans = f"[0 {place:010d} {after:010d} {len(unsigned) - after:010d}]".encode()
    unsigned = unsigned.replace(_spans(), spans)
    cms = make(unsigned[:place] + unsigned[after:]).hex().encode()
    if len(cms) > 2 * _ROOM:
        raise ValueError("The certificates of the signing key take more room than a signature has.")
    return unsigned[:place] + b"<" + cms.ljust(2 * _ROOM, b"0") + b">" + unsigned[after:]


def _spans() -> bytes:
    return b"[0 " + b" ".join([b"0" * 10] * 3) + b"]"


def _with_field(document: bytes, *, signer: str, reason: str, at: datetime) -> bytes:
    """The file with an invisible signature field on its first page, as an update at its end."""
    trailer = document[document.rindex(b"trailer") :]
    root, size = int(_of(rb"/Root (\d+) 0 R", trailer)), int(_of(rb"/Size (\d+)", trailer))
    page = int(_of(rb"\n(\d+) 0 obj\n<<\n(?:(?!endobj)[\s\S])*?/Type /Page\n", document))
    identity = _of(rb"(/ID \[.*?\])", trailer)
    moment = f"D:{at.astimezone(UTC):%Y%m%d%H%M%S}Z"
    objects = {
        root: _grown(document, root, f"/AcroForm <</Fields [{size + 1} 0 R] /SigFlags 3>>"),
        page: _grown(document, page, f"/Annots [{size + 1} 0 R]"),
        size: b"<<\n/Type /Sig\n/Filter /Adobe.PPKLite\n/SubFilter /adbe.pkcs7.detached\n/ByteRange "
        + _spans()
        + f"\n/M ({moment})\n/Name {_text(signer)}\n/Reason {_text(reason)}\n/Contents <".encode()
        + b"0" * (2 * _ROOM)
        + b">\n>>",
        size + 1: f"<<\n/Type /Annot\n/Subtype /Widget\n/FT /Sig\n/T (Signature)\n/V {size} 0 R\n/F 132\n"
        f"/Rect [0 0 0 0]\n/P {page} 0 R\n>>".encode(),
    }
    return _updated(document, objects, trailer=f"/Size {size + 2}\n/Root {root} 0 R\n".encode() + identity)


def _of(pattern: bytes, within: bytes) -> bytes:
    found = re.search(pattern, within)
    if found is None:
        raise ValueError("This is not a PDF that was made here.")
    return found[1]


def _grown(document: bytes, number: int, entry: str) -> bytes:
    """A dictionary of the file with one more entry."""
    held = _of(rb"\n%d 0 obj\n(<<[\s\S]*?>>)\nendobj" % number, document)
    return held[:-2] + entry.encode() + b"\n>>"


def _text(words: str) -> str:
    """A string of any script, as PDF writes it."""
    return f"<FEFF{words.encode('utf-16-be').hex().upper()}>"


def _updated(document: bytes, objects: dict[int, bytes], *, trailer: bytes) -> bytes:
    """The file with objects added or replaced, by a cross-reference table that points back to the one before."""
    before = int(_of(rb"startxref\n(\d+)\n%%EOF\s*$", document))
    content, table = bytearray(document), bytearray(b"xref\n")
    for number, held in objects.items():
        table += b"%d 1\n%010d 00000 n \n" % (number, len(content))
        content += b"%d 0 obj\n" % number + held + b"\nendobj\n"
    start = len(content)
    content += table + b"trailer\n<<\n" + trailer + b"\n/Prev %d\n>>\nstartxref\n%d\n%%%%EOF\n" % (before, start)
    return bytes(content)


def signatures(content: bytes) -> Iterator[Signature]:
    """The signatures that a file carries, the last first; none where there is none, or nothing that could be one.

    No PDF is read for it, only the places that `/ByteRange` names: a file that is broken or made to harm does nothing
    here but carry no signature.
    """
    found = list(_RANGE.finditer(content))[-_SIGNATURES_AT_MOST:]
    for match in reversed(found):
        start, place, after, rest = (int(number) for number in match.groups())
        end = after + rest
        if start != 0 or not place < after <= end <= len(content):
            continue
        cms = _cms(content[place:after])
        if cms is not None:
            digest = hashlib.sha256(content[:place])
            digest.update(content[after:end])
            yield Signature(cms, digest.hexdigest(), end)


def _cms(written: bytes) -> bytes | None:
    """The signature between its angle brackets, without the padding; its first bytes say how long it is."""
    inner = written[1:-1]
    if not (written.startswith(b"<") and written.endswith(b">")) or len(inner) > 8 * _ROOM or len(inner) % 2:
        return None
    if not _HEX.issuperset(inner):
        return None
    held = bytes.fromhex(inner.decode("ascii"))
    if len(held) < 4 or held[:2] != b"\x30\x82":
        return None
    length = 4 + int.from_bytes(held[2:4])
    return held[:length] if length <= len(held) else None
