"""QR pictures are read as PNG or JPEG, whatever their name, and within bounds."""

import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from lab.reports import qr


def rejected(file: Path) -> str:
    with pytest.raises(qr.QrError) as caught:
        qr.read(file)
    return str(caught.value)


def test_a_written_code_is_read(tmp_path: Path) -> None:
    (tmp_path / "code.png").write_bytes(qr.to_png("AB-CD"))
    assert qr.read(tmp_path / "code.png") == b"AB-CD"


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_the_content_and_not_the_name_decides_the_format(kind: str, tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.open(io.BytesIO(qr.to_png("AB-CD"))).convert("RGB").save(out, kind)
    (tmp_path / "code.bmp").write_bytes(out.getvalue())
    assert qr.read(tmp_path / "code.bmp") == b"AB-CD"


def test_postscript_is_not_interpreted(tmp_path: Path) -> None:
    """Pillow would start Ghostscript."""
    marker = tmp_path / "ran"
    (tmp_path / "code.png").write_text(
        "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n"
        f"({marker}) (w) file closefile showpage\n%%EOF\n"
    )
    assert "use PNG or JPEG" in rejected(tmp_path / "code.png")
    assert not marker.exists()


@pytest.mark.parametrize("kind", ["BMP", "GIF", "TIFF", "WEBP", "PPM", "TGA", "PDF"])
def test_another_format_is_rejected(kind: str, tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.open(io.BytesIO(qr.to_png("AB-CD"))).convert("RGB").save(out, kind)
    (tmp_path / "code.png").write_bytes(out.getvalue())
    assert "use PNG or JPEG" in rejected(tmp_path / "code.png")


def test_a_large_file_is_not_read_whole(tmp_path: Path) -> None:
    with (tmp_path / "code.png").open("wb") as stream:
        stream.truncate(10**12)  # sparse
    assert f"longer than {qr.PICTURE_MAX} bytes" in rejected(tmp_path / "code.png")


def chunk(kind: bytes, content: bytes) -> bytes:
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def test_a_small_file_with_a_very_large_picture_is_not_decoded(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 8_000, 8_000, 8, 0, 0, 0, 0)
    data = zlib.compress(b"\0" * 8_001 * 100)
    (tmp_path / "code.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )
    assert "too large" in rejected(tmp_path / "code.png")
