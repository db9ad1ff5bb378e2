"""The closed vocabularies of the contract. Both sides reject a value that is not listed here."""

from enum import StrEnum


class Decision(StrEnum):
    """What a verdict instructs the device to do."""

    ALLOW = "allow"
    NOTICE = "notice"
    DENY = "deny"
    DEFER = "defer"
    RELEASE = "release"


class Reason(StrEnum):
    """The reason for a decision, as logs, policies and support refer to it."""

    TERRITORY_ELIGIBLE = "territory-eligible"
    TERRITORY_PROHIBITED = "territory-prohibited"
    TERRITORY_UNKNOWN = "territory-unknown"
    TERRITORY_CONTRADICTORY = "territory-contradictory"
    ACTIVATED_IN_PROHIBITED_TERRITORY = "activated-in-prohibited-territory"
    CAMPAIGN_LIFTED = "campaign-lifted"
    EVIDENCE_UNATTESTED = "evidence-unattested"
    TERMS_OUTDATED = "terms-outdated"
    OPERATOR_DECISION = "operator-decision"
    GIVEN_UP = "given-up"


class TrustTier(StrEnum):
    """Appraisal result (EAR trust tiers, draft-ietf-rats-ear section 3.2)."""

    NONE = "none"
    AFFIRMING = "affirming"
    WARNING = "warning"
    CONTRAINDICATED = "contraindicated"


class Intent(StrEnum):
    """Why the device requests a verdict."""

    ACTIVATE = "activate"
    CHECK_IN = "check-in"


class LockState(StrEnum):
    """The state of the lock machine, as the device reports it."""

    UNPROVISIONED = "unprovisioned"
    ACTIVATED = "activated"
    NOTICE = "notice"
    LOCKED = "locked"
    RELEASED = "released"


class VerifiedBootState(StrEnum):
    """Android Verified Boot: what the bootloader reports about the image that it started."""

    GREEN = "green"
    YELLOW = "yellow"
    ORANGE = "orange"
    RED = "red"


class DebugStatus(StrEnum):
    """`dbgstat` of RFC 9711 section 4.2.9, JSON form."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    DISABLED_SINCE_BOOT = "disabled-since-boot"
    DISABLED_PERMANENTLY = "disabled-permanently"
    DISABLED_FULLY_AND_PERMANENTLY = "disabled-fully-and-permanently"


class SimStatus(StrEnum):
    """The status of one SIM slot."""

    READY = "ready"
    ABSENT = "absent"
    PIN_REQUIRED = "pin-required"
    PUK_REQUIRED = "puk-required"
    UNREADABLE = "unreadable"


class Registration(StrEnum):
    """Network registration, +CREG and +CEREG `<stat>` of 3GPP TS 27.007 clause 7.2."""

    NOT_REGISTERED = "not-registered"
    HOME = "home"
    SEARCHING = "searching"
    DENIED = "denied"
    UNKNOWN = "unknown"
    ROAMING = "roaming"
    EMERGENCY_ONLY = "emergency-only"


class AccessTechnology(StrEnum):
    """Radio access technology of the serving cell, `<AcT>` of 3GPP TS 27.007 clause 7.3."""

    GSM = "gsm"
    UMTS = "umts"
    LTE = "lte"
    NR = "nr"


class MessageKey(StrEnum):
    """Catalogue key of the sentence that a verdict asks the device to show."""

    ACTIVATED = "activated"
    NOT_SOLD_HERE = "not-sold-here"
    NOTICE_OF_LOCK = "notice-of-lock"
    UNDER_INVESTIGATION = "under-investigation"
    TRY_LATER = "try-later"
    ACCEPT_NEW_TERMS = "accept-new-terms"
    RELEASED = "released"


class ProblemCode(StrEnum):
    """Stable code of an HTTP error of the server (`code` of the problem document)."""

    REQUEST_MALFORMED = "request-malformed"
    REQUEST_INVALID = "request-invalid"
    REQUEST_TIMED_OUT = "request-timed-out"
    HEADERS_TOO_LARGE = "headers-too-large"
    BODY_TOO_LARGE = "body-too-large"
    MEDIA_TYPE_UNSUPPORTED = "media-type-unsupported"
    NOT_ACCEPTABLE = "not-acceptable"
    NOT_FOUND = "not-found"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    EVIDENCE_MALFORMED = "evidence-malformed"
    EVIDENCE_CLAIMS_INVALID = "evidence-claims-invalid"
    EVIDENCE_SIGNATURE_INVALID = "evidence-signature-invalid"
    CHAIN_INVALID = "chain-invalid"
    CHALLENGE_INVALID = "challenge-invalid"
    CHALLENGE_EXPIRED = "challenge-expired"
    CHALLENGE_SPENT = "challenge-spent"
    TOO_MANY_REQUESTS = "too-many-requests"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"
