"""A DER encoder without checks (X.690), for malformed and unusual encodings in tests."""

from server_stub.attestation.der import INTEGER


def encode(tag: int, content: bytes, number: int = 0) -> bytes:
    """One element. `number` completes a tag of the context class and may be above 30.

    >>> encode(0x02, b"\\x05").hex(), encode(0xA0, b"\\x05\\x00", 503).hex()
    ('020105', 'bf8377020500')
    """
    if number < 0x1F:
        identifier = bytes((tag | number,))
    else:
        septets = [number & 0x7F]
        while number := number >> 7:
            septets.append(number & 0x7F | 0x80)
        identifier = bytes((tag | 0x1F, *reversed(septets)))
    if len(content) < 0x80:
        return identifier + bytes((len(content),)) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return identifier + bytes((0x80 | len(length),)) + length + content


def encode_integer(value: int) -> bytes:
    """A non-negative INTEGER."""
    return encode(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))
