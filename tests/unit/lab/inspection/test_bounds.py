"""Files for inspections that are hostile: long, or made of parts that match in many ways."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fuzz.cost import GROWTH_MAX, min_growth
from lab.inspection.attestation_inputs import read_chain, read_roots
from lab.inspection.inputs import InputError, read_device_key
from tests.support.server_phone import MANUFACTURER

BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
UNITS = {
    "begins": BEGIN,
    "begins with lines": f"{BEGIN}\n",
    "ends": END,
    "certificates": f"{BEGIN}{END}",
    "broken marks": "-----BEGIN CERTIFICATE----",
    "hyphens": "-",
}


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("read", [lambda file: read_chain(str(file)), read_roots], ids=["chain", "roots"])
def test_the_search_for_certificates_costs_in_proportion_to_the_file(
    unit: str, read: object, tmp_path: Path
) -> None:
    def search(content: bytes) -> None:
        (tmp_path / "a.pem").write_bytes(content)
        with pytest.raises(InputError):
            read(tmp_path / "a.pem")  # type: ignore[operator]

    sizes = [UNITS[unit].encode() * (length // len(UNITS[unit])) for length in (1 << 14, 1 << 15, 1 << 16)]
    assert min_growth(search, sizes) < GROWTH_MAX


def test_a_chain_and_a_set_of_roots_have_a_bounded_number_of_certificates(tmp_path: Path) -> None:
    pem = MANUFACTURER.attestation_root.public_bytes(Encoding.PEM).decode()
    file = tmp_path / "a.pem"
    for content, most in ((pem, 16), (pem, 64), (json.dumps([pem] * 65), 64)):
        read = read_roots if most == 64 else lambda path: read_chain(str(path))
        file.write_text(content * most if content is pem else json.dumps([pem] * most))
        assert len(read(file)) == most
        file.write_text(content * (most + 1) if content is pem else content)
        with pytest.raises(InputError, match=rf"contains {most + 1} .* at most {most}"):
            read(file)


def test_a_device_key_file_has_a_bounded_length(tmp_path: Path) -> None:
    """Whatever precedes a key in PEM is skipped, and each form of a key is tried."""
    public = ec.derive_private_key(7, ec.SECP256R1()).public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    file = tmp_path / "key.pem"
    for length in (16 * 1024, 16 * 1024 + 1):
        file.write_bytes(b"#" * (length - len(pem) - 1) + b"\n" + pem)
        if length > 16 * 1024:
            with pytest.raises(InputError, match="contains no valid device key"):
                read_device_key(str(file))
        else:
            assert len(read_device_key(str(file))) == 43
