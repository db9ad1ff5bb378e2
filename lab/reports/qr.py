"""QR codes (ISO/IEC 18004): the challenge of a lock screen, and unlock codes written to pictures and read back."""

import io
from pathlib import Path
from typing import Final

import segno
import zxingcpp
from PIL import Image

OCTETS_MAX: Final = 2953
"""What the largest QR code holds of octets, at the lowest level of error correction (version 40-L)."""

_PIXELS_MAX: Final = 50_000_000
"""Larger pictures are not decoded: a small file can unfold to a very large one."""


class QrError(ValueError):
    """A picture cannot be made or read. The message says what to do."""


def to_png(content: str) -> bytes:
    """The content as a PNG. Raises QrError where no QR code is large enough."""
    if len(content.encode()) > OCTETS_MAX:
        raise QrError(
            f"{len(content.encode())} octets do not fit into one QR code, which holds {OCTETS_MAX}; "
            "use --out, or a server that signs with Ed25519 or ES256"
        )
    out = io.BytesIO()
    segno.make_qr(content, error="l", boost_error=True).save(out, kind="png", scale=4, border=4)
    return out.getvalue()


def to_terminal(content: str) -> str:
    """The content for a terminal, two modules to a character, dark on light with a quiet zone of its own."""
    out = io.StringIO()
    segno.make_qr(content, error="m").terminal(out, border=2, compact=True)
    return out.getvalue()


def svg(content: str) -> str:
    """The content as SVG to stand within a page."""
    return str(segno.make_qr(content, error="m").svg_inline(scale=3, border=2, light="#fff"))


def read(path: Path) -> bytes:
    """What the one QR code in a picture says. Raises QrError for anything else in the file, OSError for no file."""
    content = path.read_bytes()
    try:
        with Image.open(io.BytesIO(content)) as image:
            fits = image.width * image.height <= _PIXELS_MAX
            grey = image.convert("L") if fits else None
    except (OSError, Image.DecompressionBombError, SyntaxError, ValueError) as error:
        raise QrError(f"{path} is no picture that can be read; use PNG or JPEG") from error
    if grey is None:
        raise QrError(f"{path} is too large a picture; crop it to the QR code")
    found = zxingcpp.read_barcodes(grey, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    if len(found) != 1:
        raise QrError(f"{path} shows {len(found)} QR codes that can be read; one is needed")
    return bytes(found[0].bytes)
