"""The base class and the field types of all messages: strict types, no unknown member, immutable."""

from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from wire import limits


class Message(BaseModel):
    """Base of every message. An unknown member, a coerced type or an assignment is an error."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_enum_values=False
    )

    def to_wire(self) -> bytes:
        """The message as canonical JSON: members in declared order, no white space, no absent members."""
        # Uses the serialiser directly: `model_dump_json` also makes a string, at twice the cost.
        return self.__pydantic_serializer__.to_json(self, exclude_none=True)


T = TypeVar("T")

Word = Annotated[T, Field(strict=False)]
"""A member of an enum, given by its value. `Word[Decision]` reads `"allow"` as `Decision.ALLOW`."""

Sequence = Annotated[tuple[T, ...], Field(strict=False)]
"""A JSON array as a tuple."""

Integer = Annotated[int, Field(ge=0, le=limits.INTEGER_MAX)]
"""A non-negative integer that every JSON implementation keeps exact."""

Timestamp = Integer
"""Seconds since 1970-01-01T00:00:00Z (NumericDate of RFC 7519, integers only)."""

Seconds = Annotated[int, Field(ge=0, le=limits.DURATION_MAX)]
"""A duration."""

CODE: Final = r"[A-Za-z0-9._:-]+"
BASE64URL: Final = r"[A-Za-z0-9_-]+"
TEXT: Final = r"[^\u0000-\u001f\u007f]+"
TERRITORY: Final = r"[A-Z]{2}(-[A-Z0-9]{1,3})?"
"""Regular expressions of a whole value. None of them but that of a text matches a space."""

Code = Annotated[str, StringConstraints(pattern=rf"^{CODE}$", max_length=limits.CODE_MAX)]
"""An identifier: letters, digits and `._:-`."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=limits.TEXT_MAX, pattern=rf"^{TEXT}$")]
"""Short human-readable text without control characters."""

Nonce = Annotated[
    str,
    StringConstraints(pattern=rf"^{BASE64URL}$", min_length=limits.NONCE_MIN, max_length=limits.NONCE_MAX),
]
"""`eat_nonce` (RFC 9711 section 4.1), base64url."""

Thumbprint = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
"""SHA-256 JWK thumbprint (RFC 7638), base64url."""

Territory = Annotated[str, StringConstraints(pattern=rf"^{TERRITORY}$")]
"""ISO 3166-1 alpha-2, or ISO 3166-2 for a part: `CU`, `UA-43`."""

CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1 alpha-2."""

Mcc = Annotated[str, StringConstraints(pattern=r"^[0-9]{3}$")]
"""Mobile country code (3GPP TS 23.003 clause 2.2)."""

Mnc = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,3}$")]
"""Mobile network code, two or three digits."""
