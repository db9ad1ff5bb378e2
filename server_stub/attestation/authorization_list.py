"""The authorization lists of a key description: what a key may do, on which device, under which system.

Source: `AuthorizationList` in the schema that the Android Open Source Project publishes with KeyMint
(`KeyCreationResult.aidl`, version 400), and tags 600 and 703 of Keymaster 4. A list is a SEQUENCE of EXPLICIT context
tags, each at most once, in ascending order. Unknown tags are recorded in `unread` and skipped.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any, Final, NamedTuple

from server_stub.attestation import der
from server_stub.attestation.der import DerError, DerProblem
from wire.codes import VerifiedBootState

BOOT_STATES: Final = (
    VerifiedBootState.GREEN,
    VerifiedBootState.YELLOW,
    VerifiedBootState.ORANGE,
    VerifiedBootState.RED,
)
"""By number: Verified, SelfSigned, Unverified, Failed."""


class KeyDescriptionError(ValueError):
    """The extension is malformed. `field` is the path of the field; the message does not repeat its value.

    >>> print(KeyDescriptionError("hardware.imei", DerProblem.TEXT_NOT_UTF8, "text is not UTF-8"))
    key description, hardware.imei: text-not-utf-8 (text is not UTF-8)
    """

    def __init__(self, field: str, problem: DerProblem, detail: str) -> None:
        super().__init__(f"key description, {field}: {problem} ({detail})")
        self.field = field
        self.problem = problem
        self.detail = detail

    def inside(self, outer: str) -> "KeyDescriptionError":
        """The same error with the path of the field inside `outer`."""
        return KeyDescriptionError(f"{outer}.{self.field}", self.problem, self.detail)


@dataclass(frozen=True, slots=True)
class RootOfTrust:
    """Boot facts from the bootloader. `verified_boot_hash` is None if the list omits it."""

    verified_boot_key: bytes
    device_locked: bool
    verified_boot_state: VerifiedBootState
    verified_boot_hash: bytes | None


@dataclass(frozen=True, slots=True)
class Package:
    """One package of the application that requested the key."""

    name: str
    version: int


@dataclass(frozen=True, slots=True)
class ApplicationId:
    """The application that requested the key: packages that share a user id, SHA-256 of their signing certificates."""

    packages: tuple[Package, ...]
    signatures: tuple[bytes, ...]


class ValueType(NamedTuple):
    """How the element inside a context tag is read. `absent` is the value of a field without a tag."""

    tag: int
    decode: Callable[[bytes], Any]
    absent: Any = None


def _integers(data: bytes) -> frozenset[int]:
    values = der.set_of(data, der.INTEGER, der.integer)
    if not values:
        raise DerError(DerProblem.MISSING, "an empty set; an absent set has no tag")
    return frozenset(values)


def _root_of_trust(data: bytes) -> RootOfTrust:
    parts = der.elements(data, 3, 4)
    state = der.integer(der.content(parts[2], der.ENUMERATED))
    if state >= len(BOOT_STATES):
        raise DerError(DerProblem.VALUE_UNKNOWN, f"verified boot state {state}")
    return RootOfTrust(
        verified_boot_key=der.content(parts[0], der.OCTET_STRING),
        device_locked=der.boolean(der.content(parts[1], der.BOOLEAN)),
        verified_boot_state=BOOT_STATES[state],
        verified_boot_hash=der.content(parts[3], der.OCTET_STRING) if len(parts) == 4 else None,
    )


def _application_id(data: bytes) -> ApplicationId:
    """`AttestationApplicationId`, whose DER is the content of the `OCTET STRING`."""
    packages, signatures = der.elements(der.only(data, der.SEQUENCE), 2, 2)
    return ApplicationId(
        packages=der.set_of(der.content(packages, der.SET), der.SEQUENCE, _package),
        signatures=der.set_of(der.content(signatures, der.SET), der.OCTET_STRING, bytes),
    )


def _package(data: bytes) -> Package:
    name, version = der.elements(data, 2, 2)
    return Package(
        name=der.text(der.content(name, der.OCTET_STRING)),
        version=der.integer(der.content(version, der.INTEGER)),
    )


_INTEGER: Final = ValueType(der.INTEGER, der.integer)
_INTEGERS: Final = ValueType(der.SET, _integers, frozenset())
_BYTES: Final = ValueType(der.OCTET_STRING, bytes)
_TEXT: Final = ValueType(der.OCTET_STRING, der.text)
_FLAG: Final = ValueType(der.NULL, der.null, absent=False)
_ROOT: Final = ValueType(der.SEQUENCE, _root_of_trust)
_APPLICATION: Final = ValueType(der.OCTET_STRING, _application_id)


def _tag(number: int, value_type: ValueType) -> Any:
    """A dataclass field for the context tag `number`."""
    return field(default=value_type.absent, metadata={"number": number, "type": value_type})


@dataclass(frozen=True, slots=True)
class AuthorizationList:
    """Authorizations enforced by software or by hardware. An absent field is None, empty or False.

    Patch levels are YYYYMM or YYYYMMDD as integers, `os_version` is MMmmss. `created_at` and the three dates are in
    milliseconds since the epoch, `auth_timeout` is in seconds. Enumerations are numbers, as in KeyMint's AIDL.
    `unread` has the numbers of unknown tags.
    """

    purposes: frozenset[int] = _tag(1, _INTEGERS)
    algorithm: int | None = _tag(2, _INTEGER)
    key_size: int | None = _tag(3, _INTEGER)
    block_modes: frozenset[int] = _tag(4, _INTEGERS)
    digests: frozenset[int] = _tag(5, _INTEGERS)
    paddings: frozenset[int] = _tag(6, _INTEGERS)
    caller_nonce: bool = _tag(7, _FLAG)
    min_mac_length: int | None = _tag(8, _INTEGER)
    ec_curve: int | None = _tag(10, _INTEGER)
    rsa_public_exponent: int | None = _tag(200, _INTEGER)
    mgf_digests: frozenset[int] = _tag(203, _INTEGERS)
    rollback_resistance: bool = _tag(303, _FLAG)
    early_boot_only: bool = _tag(305, _FLAG)
    active_at: int | None = _tag(400, _INTEGER)
    origination_expires_at: int | None = _tag(401, _INTEGER)
    usage_expires_at: int | None = _tag(402, _INTEGER)
    usage_count_limit: int | None = _tag(405, _INTEGER)
    user_secure_id: int | None = _tag(502, _INTEGER)
    no_auth_required: bool = _tag(503, _FLAG)
    user_auth_type: int | None = _tag(504, _INTEGER)
    auth_timeout: int | None = _tag(505, _INTEGER)
    allow_while_on_body: bool = _tag(506, _FLAG)
    trusted_user_presence_required: bool = _tag(507, _FLAG)
    trusted_confirmation_required: bool = _tag(508, _FLAG)
    unlocked_device_required: bool = _tag(509, _FLAG)
    all_applications: bool = _tag(600, _FLAG)
    created_at: int | None = _tag(701, _INTEGER)
    origin: int | None = _tag(702, _INTEGER)
    rollback_resistant: bool = _tag(703, _FLAG)
    root_of_trust: RootOfTrust | None = _tag(704, _ROOT)  # noqa: RUF009 - a frozen class
    os_version: int | None = _tag(705, _INTEGER)
    os_patch_level: int | None = _tag(706, _INTEGER)
    application_id: ApplicationId | None = _tag(709, _APPLICATION)  # noqa: RUF009 - a frozen class
    brand: str | None = _tag(710, _TEXT)
    device: str | None = _tag(711, _TEXT)
    product: str | None = _tag(712, _TEXT)
    serial: str | None = _tag(713, _TEXT)
    imei: str | None = _tag(714, _TEXT)
    meid: str | None = _tag(715, _TEXT)
    manufacturer: str | None = _tag(716, _TEXT)
    model: str | None = _tag(717, _TEXT)
    vendor_patch_level: int | None = _tag(718, _INTEGER)
    boot_patch_level: int | None = _tag(719, _INTEGER)
    device_unique_attestation: bool = _tag(720, _FLAG)
    second_imei: str | None = _tag(723, _TEXT)
    module_hash: bytes | None = _tag(724, _BYTES)
    unread: frozenset[int] = frozenset()


_FIELDS: Final[dict[int, tuple[str, ValueType]]] = {
    each.metadata["number"]: (each.name, each.metadata["type"])
    for each in fields(AuthorizationList)
    if each.metadata
}
"""By context tag number: the name of the field and the type of its value."""


@lru_cache(maxsize=256)
def decode(data: bytes) -> AuthorizationList:
    """Read the content of a list. Raises KeyDescriptionError, whose `field` is a name in the list.

    Cached, because all keys of one device have the same hardware-enforced list.
    """
    found: dict[str, Any] = {}
    unread: list[int] = []
    last = 0
    position, size = 0, len(data)
    while position < size:
        name = "list"
        try:
            tag, number, start, position = der.element_at(data, position)
            known = _FIELDS.get(number)
            name = known[0] if known else f"tag {number}"
            _check_tag(tag, number, last)
            last = number
            if known:
                found[name] = _value(number, data[start:position])
            else:
                der.single(data[start:position])
                unread.append(number)
        except DerError as error:
            raise KeyDescriptionError(name, error.problem, error.detail) from error
    return AuthorizationList(**found, unread=frozenset(unread))


def _check_tag(tag: int, number: int, last: int) -> None:
    """Raises DerError unless the tag is an EXPLICIT context tag with a higher number than the `last` one."""
    if tag != der.CONTEXT:
        raise DerError(DerProblem.WRONG_CLASS, f"tag 0x{tag:02x} is not an EXPLICIT context tag")
    if number == last:
        raise DerError(DerProblem.REPEATED, "a repeated tag")
    if number < last:
        raise DerError(DerProblem.UNSORTED, "a tag after a higher one")


@lru_cache(maxsize=512)
def _value(number: int, data: bytes) -> Any:
    """The value inside the context tag `number`. Cached, because devices of one model share most values."""
    value_type = _FIELDS[number][1]
    return value_type.decode(der.only(data, value_type.tag))
