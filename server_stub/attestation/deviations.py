"""Deviations of an attestation from its standards whose meaning is clear: accepted, and named.

Each lowers the trust tier to at least `warning`. The codes are stored with each verdict and do not change.
"""

from enum import StrEnum
from typing import Final


class Deviation(StrEnum):
    """What an attestation does differently from RFC 5280, from DER or from the published schema."""

    CERTIFICATE_EXPIRED = "certificate-expired"
    CERTIFICATE_NOT_YET_VALID = "certificate-not-yet-valid"
    ISSUER_NOT_CA = "issuer-not-ca"
    SET_UNSORTED = "set-unsorted"
    VERSION_LATER = "version-later"


DEVIATION_MEANING: Final[dict[Deviation, str]] = {
    Deviation.CERTIFICATE_EXPIRED: "A certificate that the factory wrote into the device has expired.",
    Deviation.CERTIFICATE_NOT_YET_VALID: "A certificate above the leaf is not valid yet.",
    Deviation.ISSUER_NOT_CA: "The certificate below the root issued the leaf, but is not marked as a CA.",
    Deviation.SET_UNSORTED: "The members of a set in the key description are not in the order of DER.",
    Deviation.VERSION_LATER: "The key description has a later version than this release knows.",
}
"""One sentence for each deviation."""
