"""The authorization lists of a key description: what a key may do, on which device, under which system.

Source: `AuthorizationList` in the schema that the Android Open Source Project publishes ("Key and ID attestation",
versions 1 to 500), and the tags of KeyMint's `Tag.aidl` that keystores also write. A list is a SEQUENCE of EXPLICIT
context tags. Makers write tags of later versions into earlier ones, so every tag is read in every version.

A value that cannot be read costs this one fact: the field is absent and its name is in `unreadable`. One value is
refused, a BOOLEAN that is neither 00 nor ff: readers disagree on whether it means true.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any, Final, NamedTuple

from server_stub.attestation import der
from server_stub.attestation.der import DerElement, DerError, DerProblem, Deviations
from server_stub.attestation.deviations import Deviation
from wire import limits
from wire.codes import VerifiedBootState

BOOT_STATES: Final = (
    VerifiedBootState.GREEN,
    VerifiedBootState.YELLOW,
    VerifiedBootState.ORANGE,
    VerifiedBootState.RED,
)
"""By number: Verified, SelfSigned, Unverified, Failed."""


class KeyDescriptionError(ValueError):
    """The extension cannot be read. `field` is the path of the field; the message does not repeat its value.

    >>> print(KeyDescriptionError("hardware.list", DerProblem.TRUNCATED, "the value is truncated"))
    key description, hardware.list: truncated (the value is truncated)
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
    """Boot facts from the bootloader. `verified_boot_hash` is None if the list omits it, as versions 1 and 2 do."""

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
    """How the content of a context tag is read. `absent` is the value of a field without a tag.

    `deviation` names a value that `decode` raises DerError for.
    """

    decode: Callable[[bytes, Deviations], Any]
    absent: Any = None
    deviation: Deviation = Deviation.VALUE_UNREADABLE


def _integer(data: bytes, deviations: Deviations) -> int:
    return der.integer(der.only(data, der.INTEGER, deviations), deviations)


def _octets(data: bytes, deviations: Deviations) -> bytes:
    return der.only(data, der.OCTET_STRING, deviations)


def _integers(data: bytes, deviations: Deviations) -> frozenset[int]:
    content = der.only(data, der.SET, deviations)
    if not content:
        deviations.add(Deviation.SET_EMPTY)
    return frozenset(der.set_of(content, der.INTEGER, der.integer, deviations))


def _flag(data: bytes, deviations: Deviations) -> bool:
    """A NULL. Its presence sets the flag, whatever the tag contains, except a BOOLEAN that is false."""
    if data == b"\x05\x00":
        return True
    deviations.add(Deviation.FLAG_NOT_NULL)
    return data[:1] != bytes((der.BOOLEAN,)) or der.boolean(der.only(data, der.BOOLEAN, deviations))


def _text(data: bytes, deviations: Deviations) -> str:
    return _printable(_octets(data, deviations))


def _printable(value: bytes) -> str:
    """UTF-8 text that can be shown in a table, a page or a terminal. The error does not contain it."""
    text = value.decode("utf-8", "surrogateescape")  # surrogates are not printable
    if len(text) > limits.TEXT_MAX or not text.isprintable():
        raise DerError(DerProblem.VALUE_UNKNOWN, "text that is not UTF-8, not printable or too long")
    return text


def _imei(data: bytes, deviations: Deviations) -> str:
    """14 digits, with a check digit or two digits of software version, or neither (TS 23.003 section 6.2)."""
    value = _octets(data, deviations)
    if not 14 <= len(value) <= 16 or not value.isdigit():
        raise DerError(DerProblem.VALUE_UNKNOWN, "an IMEI that is not 14 to 16 digits")
    return value.decode("ascii")


def _patch_level(data: bytes, deviations: Deviations) -> int:
    """YYYYMM or YYYYMMDD, each in any field, as keystores write them. The day may be 00: not known (`Tag.aidl`)."""
    value = _integer(data, deviations)
    text = str(value)
    if len(text) not in (6, 8) or not 1 <= int(text[4:6]) <= 12 or int(text[6:] or 0) > 31:
        raise DerError(DerProblem.VALUE_UNKNOWN, "a patch level without a year and a month")
    return value


def _root_of_trust(data: bytes, deviations: Deviations) -> RootOfTrust:
    parts = der.elements(der.only(data, der.SEQUENCE, deviations), 3, 4, deviations)
    locked = der.boolean(der.content(parts[1], der.BOOLEAN, deviations))
    key = der.content(parts[0], der.OCTET_STRING, deviations)
    number = der.integer(der.content(parts[2], der.ENUMERATED, deviations), deviations)
    if number >= len(BOOT_STATES):
        raise DerError(DerProblem.VALUE_UNKNOWN, f"verified boot state {number}")
    state = BOOT_STATES[number]
    if state in _VERIFIED and not key:
        deviations.add(Deviation.BOOT_KEY_EMPTY)
    boot_hash = parts[3] if len(parts) == 4 else None
    if boot_hash and boot_hash.tag != der.OCTET_STRING:
        deviations.add(Deviation.VALUE_UNREADABLE)
        boot_hash = None
    return RootOfTrust(key, locked, state, boot_hash.content if boot_hash else None)


_VERIFIED: Final = frozenset({VerifiedBootState.GREEN, VerifiedBootState.YELLOW})


def _application_id(data: bytes, deviations: Deviations) -> ApplicationId:
    """`AttestationApplicationId`, whose DER is the content of the `OCTET STRING`."""
    sequence = der.only(_octets(data, deviations), der.SEQUENCE, deviations)
    packages, signatures = der.elements(sequence, 2, 2, deviations)
    read_packages = der.content(packages, der.SET, deviations)
    read_signatures = der.content(signatures, der.SET, deviations)
    return ApplicationId(
        packages=der.set_of(read_packages, der.SEQUENCE, _package, deviations),
        signatures=der.set_of(read_signatures, der.OCTET_STRING, lambda digest, _: digest, deviations),
    )


def _package(data: bytes, deviations: Deviations) -> Package:
    name, version = der.elements(data, 2, 2, deviations)
    return Package(
        name=_printable(der.content(name, der.OCTET_STRING, deviations)),
        version=der.integer(der.content(version, der.INTEGER, deviations), deviations),
    )


_INTEGER: Final = ValueType(_integer)
_INTEGERS: Final = ValueType(_integers, frozenset())
_OCTETS: Final = ValueType(_octets)
_TEXT: Final = ValueType(_text, deviation=Deviation.TEXT_UNUSABLE)
_IMEI: Final = ValueType(_imei, deviation=Deviation.IMEI_MALFORMED)
_PATCH_LEVEL: Final = ValueType(_patch_level, deviation=Deviation.PATCH_LEVEL_MALFORMED)
_FLAG: Final = ValueType(_flag, absent=False)
_ROOT: Final = ValueType(_root_of_trust)
_APPLICATION: Final = ValueType(_application_id, deviation=Deviation.APPLICATION_ID_MALFORMED)


def _tag(number: int, value_type: ValueType) -> Any:
    """A dataclass field for the context tag `number`."""
    return field(default=value_type.absent, metadata={"number": number, "type": value_type})


@dataclass(frozen=True, slots=True)
class AuthorizationList:
    """Authorizations enforced by software or by hardware. An absent field is None, empty or False.

    Patch levels are YYYYMM or YYYYMMDD as integers, `os_version` is MMmmss. `created_at` and the three dates are in
    milliseconds since the epoch, `auth_timeout` is in seconds. Enumerations are numbers, as in KeyMint's AIDL. Texts
    are printable and have at most `limits.TEXT_MAX` characters.
    `unread` has the numbers of unknown tags, at most `UNREAD_MAX`; `unreadable` the names of fields that are absent
    because their values cannot be read.
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
    ml_dsa_variant: int | None = _tag(11, _INTEGER)
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
    key_application_id: bytes | None = _tag(601, _OCTETS)
    created_at: int | None = _tag(701, _INTEGER)
    origin: int | None = _tag(702, _INTEGER)
    rollback_resistant: bool = _tag(703, _FLAG)
    root_of_trust: RootOfTrust | None = _tag(704, _ROOT)  # noqa: RUF009 - a frozen class
    os_version: int | None = _tag(705, _INTEGER)
    os_patch_level: int | None = _tag(706, _PATCH_LEVEL)
    application_id: ApplicationId | None = _tag(709, _APPLICATION)  # noqa: RUF009 - a frozen class
    brand: str | None = _tag(710, _TEXT)
    device: str | None = _tag(711, _TEXT)
    product: str | None = _tag(712, _TEXT)
    serial: str | None = _tag(713, _TEXT)
    imei: str | None = _tag(714, _IMEI)
    meid: str | None = _tag(715, _TEXT)
    manufacturer: str | None = _tag(716, _TEXT)
    model: str | None = _tag(717, _TEXT)
    vendor_patch_level: int | None = _tag(718, _PATCH_LEVEL)
    boot_patch_level: int | None = _tag(719, _PATCH_LEVEL)
    device_unique_attestation: bool = _tag(720, _FLAG)
    second_imei: str | None = _tag(723, _IMEI)
    module_hash: bytes | None = _tag(724, _OCTETS)
    unread: frozenset[int] = frozenset()
    unreadable: frozenset[str] = frozenset()
    deviations: frozenset[Deviation] = frozenset()


UNREAD_MAX: Final = 64
"""Most unknown tags that a list records."""


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
    builder = _ListBuilder()
    for element in _elements(data, builder.deviations):
        builder.add(element)
    return builder.built()


def legible(data: bytes) -> AuthorizationList:
    """What can be read of a list that `decode` refuses. For a report: it proves nothing."""
    builder = _ListBuilder()
    with suppress(KeyDescriptionError):
        for element in _elements(data, builder.deviations):
            with suppress(KeyDescriptionError):
                builder.add(element)
    return builder.built()


def _elements(data: bytes, deviations: Deviations) -> Iterator[DerElement]:
    position, size = 0, len(data)
    while position < size:
        try:
            tag, number, start, position = der.element_at(data, position, deviations)
        except DerError as error:
            raise KeyDescriptionError("list", error.problem, error.detail) from error
        yield DerElement(tag, number, data[start:position])


class _ListBuilder:
    """The authorizations of a list so far. What costs one fact and not the list is a deviation."""

    def __init__(self) -> None:
        self.deviations: Deviations = set()
        self._values: dict[str, Any] = {}
        self._unreadable: set[str] = set()
        self._unread: set[int] = set()
        self._last = 0

    def add(self, element: DerElement) -> None:
        tag, number, content = element
        if not number or tag not in _CONTEXT:
            self.deviations.add(Deviation.ELEMENT_UNKNOWN)
            return
        if number < self._last:
            self.deviations.add(Deviation.TAGS_UNSORTED)
        self._last = number
        if tag == der.CONTEXT and number in _FIELDS:
            self._add_known(number, content)
            return
        if tag != der.CONTEXT:
            self.deviations.add(Deviation.ELEMENT_UNKNOWN)
        if number in self._unread:
            self.deviations.add(Deviation.TAG_REPEATED)
        elif len(self._unread) < UNREAD_MAX:
            self._unread.add(number)

    def _add_known(self, number: int, content: bytes) -> None:
        name = _FIELDS[number][0]
        try:
            value, deviations = _value(number, content)
        except DerError as error:
            self._unreadable.add(name)
            raise KeyDescriptionError(name, error.problem, error.detail) from error
        if deviations:
            self.deviations |= deviations
        if name in self._values:
            self.deviations.add(Deviation.TAG_REPEATED)
            if self._values[name] != value:
                value = _UNREADABLE
        if value is _UNREADABLE:
            self._unreadable.add(name)
        self._values[name] = value

    def built(self) -> AuthorizationList:
        readable = self._values
        if self._unreadable:
            readable = {name: value for name, value in readable.items() if name not in self._unreadable}
        return AuthorizationList(
            **readable,
            unread=frozenset(self._unread),
            unreadable=frozenset(self._unreadable),
            deviations=frozenset(self.deviations),
        )


_CONTEXT: Final = frozenset({der.CONTEXT, 0x80})
"""First byte of a context tag, constructed (EXPLICIT) or primitive."""

_UNREADABLE: Final = object()


@lru_cache(maxsize=512)
def _value(number: int, content: bytes) -> tuple[Any, frozenset[Deviation]]:
    """The value in the context tag `number`, or `_UNREADABLE`, and its deviations.

    Raises DerError for a BOOLEAN that is neither 00 nor ff. Cached, because devices of one model share most values.
    """
    value_type = _FIELDS[number][1]
    deviations: Deviations = set()
    try:
        return value_type.decode(content, deviations), frozenset(deviations)
    except DerError as error:
        if error.problem is DerProblem.BOOLEAN_NOT_CANONICAL:
            raise
        return _UNREADABLE, frozenset({*deviations, value_type.deviation})
