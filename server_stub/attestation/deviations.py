"""Deviations of an attestation from its standards whose meaning is clear: accepted, and named.

Each lowers the trust tier to at least `warning`. The codes are stored with each verdict and do not change.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class DeviationTreatment(StrEnum):
    """What happens to an attestation that deviates from its standards with a clear meaning."""

    WARN = "warn"
    """It is appraised, with a warning."""

    REFUSE = "refuse"
    """It is refused as invalid, with the name of the deviation."""


class Deviation(StrEnum):
    """What an attestation does differently from RFC 5280, from DER or from the published schema."""

    CERTIFICATE_EXPIRED = "certificate-expired"
    CERTIFICATE_NOT_YET_VALID = "certificate-not-yet-valid"
    CERTIFICATE_REPEATED = "certificate-repeated"
    CERTIFICATE_ABOVE_ROOT = "certificate-above-root"
    CERTIFICATE_VERSION = "certificate-version"
    ISSUER_NOT_CA = "issuer-not-ca"
    ISSUER_NAME_EMPTY = "issuer-name-empty"
    SERIAL_NUMBER_UNUSUAL = "serial-number-unusual"
    TIME_UNUSUAL = "time-unusual"
    DEFAULT_ENCODED = "default-encoded"
    EXTENSION_CRITICAL = "extension-critical"
    KEY_USAGE_MALFORMED = "key-usage-malformed"
    PROVISIONING_INFORMATION_MALFORMED = "provisioning-information-malformed"
    SET_UNSORTED = "set-unsorted"
    VERSION_LATER = "version-later"
    TAG_NOT_MINIMAL = "tag-not-minimal"
    LENGTH_NOT_MINIMAL = "length-not-minimal"
    INTEGER_NOT_MINIMAL = "integer-not-minimal"
    NUMBER_TYPE = "number-type"
    FLAG_NOT_NULL = "flag-not-null"
    TRAILING_DATA = "trailing-data"
    ELEMENT_UNKNOWN = "element-unknown"
    SET_EMPTY = "set-empty"
    SET_REPEATED = "set-repeated"
    TAGS_UNSORTED = "tags-unsorted"
    TAG_REPEATED = "tag-repeated"
    VALUE_UNREADABLE = "value-unreadable"
    TEXT_UNUSABLE = "text-unusable"
    IMEI_MALFORMED = "imei-malformed"
    APPLICATION_ID_MALFORMED = "application-id-malformed"
    PATCH_LEVEL_MALFORMED = "patch-level-malformed"
    BOOT_KEY_EMPTY = "boot-key-empty"
    BOOT_HASH_ABSENT = "boot-hash-absent"
    VERSION_UNPUBLISHED = "version-unpublished"
    SECURITY_LEVEL_UNKNOWN = "security-level-unknown"


@dataclass(frozen=True, slots=True)
class PlacedDeviation:
    """A deviation, the certificate that has it, counted from the leaf, 0, and the subject of that certificate."""

    deviation: Deviation
    place: int
    subject: str


DEVIATION_MEANING: Final[dict[Deviation, str]] = {
    Deviation.CERTIFICATE_EXPIRED: "A certificate that the factory wrote into the device has expired.",
    Deviation.CERTIFICATE_NOT_YET_VALID: "A certificate above the leaf is not valid yet.",
    Deviation.CERTIFICATE_REPEATED: "The chain contains the same certificate twice in succession.",
    Deviation.CERTIFICATE_ABOVE_ROOT: "The chain continues above a trusted root.",
    Deviation.CERTIFICATE_VERSION: "A certificate has extensions, but its version is not 3.",
    Deviation.ISSUER_NOT_CA: "The certificate below the root issued the leaf, but is not marked as a CA.",
    Deviation.ISSUER_NAME_EMPTY: "A certificate does not name its issuer; its signature identifies it.",
    Deviation.SERIAL_NUMBER_UNUSUAL: "A serial number is not positive, or is longer than 20 bytes.",
    Deviation.TIME_UNUSUAL: "A time is not in the form that RFC 5280 requires for its year.",
    Deviation.DEFAULT_ENCODED: "A default value is encoded, which DER forbids.",
    Deviation.EXTENSION_CRITICAL: "An extension that only identifies or locates something is critical.",
    Deviation.KEY_USAGE_MALFORMED: "The key usage of the leaf cannot be read, so it counts as absent.",
    Deviation.PROVISIONING_INFORMATION_MALFORMED: "The provisioning information cannot be read.",
    Deviation.SET_UNSORTED: "The members of a set in the key description are not in the order of DER.",
    Deviation.VERSION_LATER: "The key description has a later version than this release knows.",
    Deviation.TAG_NOT_MINIMAL: "A tag number has a shorter form.",
    Deviation.LENGTH_NOT_MINIMAL: "A length has a shorter form.",
    Deviation.INTEGER_NOT_MINIMAL: "A number in the key description has leading zeros.",
    Deviation.NUMBER_TYPE: "An INTEGER in the key description is written as ENUMERATED, or the reverse.",
    Deviation.FLAG_NOT_NULL: "A flag in the key description has a value; its presence sets it.",
    Deviation.TRAILING_DATA: "Data follows the end of the key description or of one of its structures.",
    Deviation.ELEMENT_UNKNOWN: "An authorization list contains an element that is not an authorization.",
    Deviation.SET_EMPTY: "A set in the key description is empty, but present.",
    Deviation.SET_REPEATED: "A set in the key description contains a member more than once.",
    Deviation.TAGS_UNSORTED: "The authorizations in a list are not in ascending order.",
    Deviation.TAG_REPEATED: "A list contains an authorization more than once; it is absent if the values differ.",
    Deviation.VALUE_UNREADABLE: "The value of an authorization cannot be read, so it is absent.",
    Deviation.TEXT_UNUSABLE: "An attested text is not UTF-8, not printable or too long, so it is absent.",
    Deviation.IMEI_MALFORMED: "An attested IMEI is not 14 to 16 digits, so it is absent.",
    Deviation.APPLICATION_ID_MALFORMED: "The attested application is malformed, so it is absent.",
    Deviation.PATCH_LEVEL_MALFORMED: "A patch level has no year and month, so it is absent.",
    Deviation.BOOT_KEY_EMPTY: "A verified boot is stated, but its key is empty.",
    Deviation.BOOT_HASH_ABSENT: "The verified boot hash, which versions from 3 on require, is absent.",
    Deviation.VERSION_UNPUBLISHED: "The key description has a version that was never published.",
    Deviation.SECURITY_LEVEL_UNKNOWN: "A security level is unknown, and counts as software.",
}
"""One sentence for each deviation."""
