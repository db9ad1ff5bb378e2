"""QR codes (ISO/IEC 18004) for challenges of lock screens and for unlock codes."""

import io
from pathlib import Path
from typing import Final

import segno
import zxingcpp
from PIL import Image

from text_input.files import UserInputError

BYTES_MAX: Final = 2953
"""Capacity of the largest QR code at the lowest level of error correction (version 40-L)."""

PICTURE_MAX: Final = 10_000_000
"""Bytes of a picture."""
_PIXELS_MAX: Final = 50_000_000
"""Larger pictures are not decoded: a small compressed file can be a very large picture."""


class QrError(UserInputError, ValueError):
    """A QR code cannot be written or read. The message says what to do."""


def to_png(content: str) -> bytes:
    """The QR code of `content` as PNG. Raises QrError if it does not fit."""
    if len(content.encode()) > BYTES_MAX:
        raise QrError(
            f"{len(content.encode())} bytes do not fit into one QR code, which holds {BYTES_MAX}; "
            "use --out, or a server that signs with Ed25519 or ES256"
        )
    out = io.BytesIO()
    segno.make_qr(content, error="l", boost_error=True).save(out, kind="png", scale=4, border=4)
    return out.getvalue()


def to_terminal(content: str) -> str:
    """The QR code of `content` for a terminal, two modules per character, dark on light with a quiet zone."""
    out = io.StringIO()
    segno.make_qr(content, error="m").terminal(out, border=2, compact=True)
    return out.getvalue()


def svg(content: str) -> str:
    """The QR code of `content` as SVG to embed in a page."""
    return str(segno.make_qr(content, error="m").svg_inline(scale=3, border=2, light="#fff"))


def read(path: Path) -> bytes:
    """The content of the only QR code in a picture. Raises QrError for other pictures, OSError for a missing file."""
    with path.open("rb") as file:
        content = file.read(PICTURE_MAX + 1)
    if len(content) > PICTURE_MAX:
        raise QrError(f"the picture {path} is longer than {PICTURE_MAX} bytes; crop it to the QR code")
    try:
        # Pillow would choose the reader by the content, whatever the name is: EPS, for one, starts another program.
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
            fits = image.width * image.height <= _PIXELS_MAX
            grey = image.convert("L") if fits else None
    except (OSError, Image.DecompressionBombError, SyntaxError, ValueError) as error:
        raise QrError(f"{path} is not a valid picture; use PNG or JPEG") from error
    if grey is None:
        raise QrError(f"the picture {path} is too large; crop it to the QR code")
    found = zxingcpp.read_barcodes(grey, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    if len(found) != 1:
        raise QrError(f"{path} contains {len(found)} readable QR codes instead of one")
    return bytes(found[0].bytes)
