"""The authorization lists of a key description: what a key may do, on which phone, under which system.

Source: `AuthorizationList` in the schema that the Android Open Source Project publishes with KeyMint
(`KeyCreationResult.aidl`, version 400), and the two tags of Keymaster 4 that it has dropped since, 600 and 703. A list
is a SEQUENCE of EXPLICIT context tags, each at most once, in ascending order. A tag that `_FIELDS` lacks is noted in
`unread` and passed over.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

from server_stub.attestation import authorization_values as values
from server_stub.attestation import der
from server_stub.attestation.authorization_values import ApplicationId, RootOfTrust
from server_stub.attestation.der import DerError, DerProblem


class KeyDescriptionError(ValueError):
    """The extension is malformed. `field` names where, `problem` what; nothing of the input is repeated.

    >>> print(KeyDescriptionError("hardware.imei", DerProblem.TEXT_NOT_UTF8, "text is not UTF-8"))
    key description, hardware.imei: text-not-utf-8 (text is not UTF-8)
    """

    def __init__(self, field: str, problem: DerProblem, detail: str) -> None:
        super().__init__(f"key description, {field}: {problem} ({detail})")
        self.field = field
        self.problem = problem
        self.detail = detail

    def inside(self, where: str) -> "KeyDescriptionError":
        """The same error, seen from one level further out."""
        return KeyDescriptionError(f"{where}.{self.field}", self.problem, self.detail)


@dataclass(frozen=True, slots=True)
class AuthorizationList:
    """Authorizations, software-enforced or hardware-enforced. What is absent is None, empty or False.

    Patch levels are YYYYMM or YYYYMMDD as integers, `os_version` is MMmmss. `created_at` and the three dates are in
    milliseconds since the epoch, `auth_timeout` is in seconds. Enumerations stay numbers, as KeyMint's AIDL has them.
    `unread` holds the numbers of tags that this decoder does not know.
    """

    purposes: frozenset[int] = frozenset()
    algorithm: int | None = None
    key_size: int | None = None
    block_modes: frozenset[int] = frozenset()
    digests: frozenset[int] = frozenset()
    paddings: frozenset[int] = frozenset()
    caller_nonce: bool = False
    min_mac_length: int | None = None
    ec_curve: int | None = None
    rsa_public_exponent: int | None = None
    mgf_digests: frozenset[int] = frozenset()
    rollback_resistance: bool = False
    early_boot_only: bool = False
    active_at: int | None = None
    origination_expires_at: int | None = None
    usage_expires_at: int | None = None
    usage_count_limit: int | None = None
    user_secure_id: int | None = None
    no_auth_required: bool = False
    user_auth_type: int | None = None
    auth_timeout: int | None = None
    allow_while_on_body: bool = False
    trusted_user_presence_required: bool = False
    trusted_confirmation_required: bool = False
    unlocked_device_required: bool = False
    all_applications: bool = False
    created_at: int | None = None
    origin: int | None = None
    rollback_resistant: bool = False
    root_of_trust: RootOfTrust | None = None
    os_version: int | None = None
    os_patch_level: int | None = None
    application_id: ApplicationId | None = None
    brand: str | None = None
    device: str | None = None
    product: str | None = None
    serial: str | None = None
    imei: str | None = None
    meid: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    vendor_patch_level: int | None = None
    boot_patch_level: int | None = None
    device_unique_attestation: bool = False
    second_imei: str | None = None
    module_hash: bytes | None = None
    unread: frozenset[int] = frozenset()


@lru_cache(maxsize=256)
def decode(octets: bytes) -> AuthorizationList:
    """Read the content of a list. Raises KeyDescriptionError, whose `field` is the name in the list.

    All keys of one phone have the same hardware-enforced list, so lists are kept.
    """
    found: dict[str, Any] = {}
    unread: list[int] = []
    last = 0
    position, size = 0, len(octets)
    while position < size:
        begin = position
        try:
            tag, number, start, position = der.element_at(octets, begin)
        except DerError as error:
            raise _named("list", error) from error
        field = _FIELDS.get(number)
        try:
            if tag != der.CONTEXT or number <= last:
                _refuse(tag, number, last)
            last = number
            if field is None:
                _pass_over(octets[start:position])
                unread.append(number)
            else:
                found[field.name] = _value(number, octets[start:position])
        except DerError as error:
            raise _named(field.name if field else f"tag {number}", error) from error
    return AuthorizationList(**found, unread=frozenset(unread))


class _Field(NamedTuple):
    name: str
    kind: values.ValueType


def _named(field: str, error: DerError) -> KeyDescriptionError:
    return KeyDescriptionError(field, error.problem, error.detail)


def _refuse(tag: int, number: int, last: int) -> None:
    if tag != der.CONTEXT:
        raise DerError(DerProblem.WRONG_CLASS, f"tag 0x{tag:02x} is not an EXPLICIT context tag")
    if number == last:
        raise DerError(DerProblem.REPEATED, "a tag is given twice")
    raise DerError(DerProblem.UNSORTED, "a tag stands behind a higher one")


def _pass_over(octets: bytes) -> None:
    """The content of an EXPLICIT tag is one element, whatever it means."""
    if not octets:
        raise DerError(DerProblem.MISSING, "nothing inside the tag")
    if der.element_at(octets, 0)[3] != len(octets):
        raise DerError(DerProblem.TRAILING, "more than one element inside the tag")


@lru_cache(maxsize=512)
def _value(number: int, octets: bytes) -> Any:
    """The value inside the context tag `number`. Phones of one model have most of them in common, so they are kept."""
    kind = _FIELDS[number].kind
    return kind.decode(der.only(octets, kind.tag))


_FIELDS: Final[dict[int, _Field]] = {
    1: _Field("purposes", values.INTEGERS),
    2: _Field("algorithm", values.INTEGER),
    3: _Field("key_size", values.INTEGER),
    4: _Field("block_modes", values.INTEGERS),
    5: _Field("digests", values.INTEGERS),
    6: _Field("paddings", values.INTEGERS),
    7: _Field("caller_nonce", values.PRESENT),
    8: _Field("min_mac_length", values.INTEGER),
    10: _Field("ec_curve", values.INTEGER),
    200: _Field("rsa_public_exponent", values.INTEGER),
    203: _Field("mgf_digests", values.INTEGERS),
    303: _Field("rollback_resistance", values.PRESENT),
    305: _Field("early_boot_only", values.PRESENT),
    400: _Field("active_at", values.INTEGER),
    401: _Field("origination_expires_at", values.INTEGER),
    402: _Field("usage_expires_at", values.INTEGER),
    405: _Field("usage_count_limit", values.INTEGER),
    502: _Field("user_secure_id", values.INTEGER),
    503: _Field("no_auth_required", values.PRESENT),
    504: _Field("user_auth_type", values.INTEGER),
    505: _Field("auth_timeout", values.INTEGER),
    506: _Field("allow_while_on_body", values.PRESENT),
    507: _Field("trusted_user_presence_required", values.PRESENT),
    508: _Field("trusted_confirmation_required", values.PRESENT),
    509: _Field("unlocked_device_required", values.PRESENT),
    600: _Field("all_applications", values.PRESENT),
    701: _Field("created_at", values.INTEGER),
    702: _Field("origin", values.INTEGER),
    703: _Field("rollback_resistant", values.PRESENT),
    704: _Field("root_of_trust", values.ROOT),
    705: _Field("os_version", values.INTEGER),
    706: _Field("os_patch_level", values.INTEGER),
    709: _Field("application_id", values.APPLICATION),
    710: _Field("brand", values.TEXT),
    711: _Field("device", values.TEXT),
    712: _Field("product", values.TEXT),
    713: _Field("serial", values.TEXT),
    714: _Field("imei", values.TEXT),
    715: _Field("meid", values.TEXT),
    716: _Field("manufacturer", values.TEXT),
    717: _Field("model", values.TEXT),
    718: _Field("vendor_patch_level", values.INTEGER),
    719: _Field("boot_patch_level", values.INTEGER),
    720: _Field("device_unique_attestation", values.PRESENT),
    723: _Field("second_imei", values.TEXT),
    724: _Field("module_hash", values.OCTETS),
}
"""By context tag number, ascending: the field it fills and how it is coded."""
