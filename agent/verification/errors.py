"""The errors of the verifier: a stable code, the step, and a fixed sentence.

An error contains no part of the token, also not in its `__context__`: the steps raise outside of `except` blocks, so
that no exception of a decoder, whose message can quote the token, is attached.
"""

from enum import StrEnum
from typing import Final


class Code(StrEnum):
    """Why a token was rejected. Codes are stable: logs, reports and tests refer to them."""

    TOO_LONG = "too-long"
    ALPHABET = "alphabet"
    SEGMENT_COUNT = "segment-count"
    SEGMENT_EMPTY = "segment-empty"
    SEGMENT_ENCODING = "segment-encoding"
    HEADER_TOO_LONG = "header-too-long"
    HEADER_NOT_JSON = "header-not-json"
    HEADER_MEMBER_DUPLICATE = "header-member-duplicate"
    HEADER_TOO_DEEP = "header-too-deep"
    HEADER_NUMBER = "header-number"
    HEADER_MEMBER_MISSING = "header-member-missing"
    HEADER_MEMBER_UNKNOWN = "header-member-unknown"
    HEADER_MEMBER_NOT_TEXT = "header-member-not-text"
    TYP_MISMATCH = "typ-mismatch"
    KEY_REVOKED = "key-revoked"
    KEY_UNFIT = "key-unfit"
    KEY_UNKNOWN = "key-unknown"
    KEY_TIME_UNKNOWN = "key-time-unknown"
    KEY_EXPIRED = "key-expired"
    KEY_NOT_YET_VALID = "key-not-yet-valid"
    ALG_MISMATCH = "alg-mismatch"
    SIGNATURE_LENGTH = "signature-length"
    SIGNATURE_RANGE = "signature-range"
    SIGNATURE_INVALID = "signature-invalid"
    PAYLOAD_NOT_JSON = "payload-not-json"
    PAYLOAD_MEMBER_DUPLICATE = "payload-member-duplicate"
    PAYLOAD_TOO_DEEP = "payload-too-deep"
    PAYLOAD_NUMBER = "payload-number"
    CLAIM_UNKNOWN = "claim-unknown"
    CLAIM_MISSING = "claim-missing"
    CLAIM_MALFORMED = "claim-malformed"
    ISSUER_MISMATCH = "issuer-mismatch"
    AUDIENCE_MISMATCH = "audience-mismatch"
    KEY_BINDING_MISMATCH = "key-binding-mismatch"
    NONCE_MISMATCH = "nonce-mismatch"
    TIMES_CONTRADICTORY = "times-contradictory"
    LIFETIME_TOO_LONG = "lifetime-too-long"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    ISSUED_IN_PAST = "issued-in-past"
    ISSUED_AFTER_TIMESTAMP = "issued-after-timestamp"
    ISSUED_OUTSIDE_KEY_VALIDITY = "issued-outside-key-validity"
    SERIAL_NOT_NEWER = "serial-not-newer"
    POLICY_ROLLED_BACK = "policy-rolled-back"
    DECISION_UNKNOWN = "decision-unknown"
    REASON_UNKNOWN = "reason-unknown"
    DECISION_INCOMPLETE = "decision-incomplete"
    DECISION_CONTRADICTORY = "decision-contradictory"
    LOCK_BEFORE_ISSUE = "lock-before-issue"


RULES: Final[dict[Code, tuple[int, str]]] = {
    Code.TOO_LONG: (1, "The token is longer than permitted."),
    Code.ALPHABET: (1, "The token has characters other than base64url and the full stop."),
    Code.SEGMENT_COUNT: (2, "The token does not consist of exactly three segments."),
    Code.SEGMENT_EMPTY: (2, "A segment of the token is empty."),
    Code.SEGMENT_ENCODING: (2, "A segment of the token is not canonical unpadded base64url."),
    Code.HEADER_TOO_LONG: (3, "The header is longer than permitted."),
    Code.HEADER_NOT_JSON: (3, "The header is not a JSON object in UTF-8."),
    Code.HEADER_MEMBER_DUPLICATE: (3, "The header has a member twice."),
    Code.HEADER_TOO_DEEP: (3, "The header is nested deeper than permitted."),
    Code.HEADER_NUMBER: (3, "The header has a number that is not an exact integer."),
    Code.HEADER_MEMBER_MISSING: (3, "The header lacks `alg` or `kid`."),
    Code.HEADER_MEMBER_UNKNOWN: (3, "The header has a member other than `alg`, `kid` and `typ`."),
    Code.HEADER_MEMBER_NOT_TEXT: (3, "A member of the header is not a string."),
    Code.TYP_MISMATCH: (4, "The token does not have the requested type."),
    Code.KEY_REVOKED: (5, "The key that the token names has been revoked."),
    Code.KEY_UNFIT: (5, "The key that the token names cannot be used to verify verdicts."),
    Code.KEY_UNKNOWN: (5, "The key that the token names is not in the key set."),
    Code.KEY_TIME_UNKNOWN: (
        5,
        "The key that the token names is valid only at certain times, and the time is unknown.",
    ),
    Code.KEY_EXPIRED: (5, "The key that the token names is no longer valid."),
    Code.KEY_NOT_YET_VALID: (5, "The key that the token names is not valid yet."),
    Code.ALG_MISMATCH: (6, "The algorithm that the token names is not that of its key."),
    Code.SIGNATURE_LENGTH: (7, "The signature does not have the length that its algorithm requires."),
    Code.SIGNATURE_RANGE: (7, "The signature has a number outside the range of the group order."),
    Code.SIGNATURE_INVALID: (7, "The signature does not match the token and the key."),
    Code.PAYLOAD_NOT_JSON: (8, "The payload is not a JSON object in UTF-8."),
    Code.PAYLOAD_MEMBER_DUPLICATE: (8, "The payload has a member twice."),
    Code.PAYLOAD_TOO_DEEP: (8, "The payload is nested deeper than permitted."),
    Code.PAYLOAD_NUMBER: (8, "The payload has a number that is not an exact integer."),
    Code.CLAIM_UNKNOWN: (8, "The payload has an unknown claim."),
    Code.CLAIM_MISSING: (8, "The payload lacks a claim that every verdict must have."),
    Code.CLAIM_MALFORMED: (8, "A claim does not have the form that the contract requires."),
    Code.ISSUER_MISMATCH: (9, "The issuer of the verdict is not the one that this image pins."),
    Code.AUDIENCE_MISMATCH: (9, "The audience of the verdict is not the one that this image pins."),
    Code.KEY_BINDING_MISMATCH: (10, "The verdict is bound to a key of another device."),
    Code.NONCE_MISMATCH: (11, "The verdict does not answer the pending challenge."),
    Code.TIMES_CONTRADICTORY: (12, "The times of the verdict contradict each other."),
    Code.LIFETIME_TOO_LONG: (12, "The lifetime of the verdict is longer than permitted."),
    Code.EXPIRED: (12, "The verdict has expired."),
    Code.NOT_YET_VALID: (12, "The verdict is not valid yet."),
    Code.ISSUED_IN_PAST: (12, "The verdict was issued more than a day before the floor of trusted time."),
    Code.ISSUED_AFTER_TIMESTAMP: (12, "The verdict was issued after the timestamp of the keys had expired."),
    Code.ISSUED_OUTSIDE_KEY_VALIDITY: (
        12,
        "The verdict was issued at a time when its key was not valid.",
    ),
    Code.SERIAL_NOT_NEWER: (13, "The verdict is not newer than the one that this device has sealed."),
    Code.POLICY_ROLLED_BACK: (
        13,
        "The verdict is based on an older policy than the one that this device has sealed.",
    ),
    Code.DECISION_UNKNOWN: (14, "The decision of the verdict is unknown to this device."),
    Code.REASON_UNKNOWN: (14, "The reason of the verdict is unknown to this device."),
    Code.DECISION_INCOMPLETE: (14, "The verdict lacks a claim that its decision requires."),
    Code.DECISION_CONTRADICTORY: (14, "The verdict has a claim that its decision does not permit."),
    Code.LOCK_BEFORE_ISSUE: (14, "The verdict announces a lock for a time before it was issued."),
}
"""The step (1 to 14) and the sentence of every code."""


class VerificationError(Exception):
    """A token was rejected. Has `code`, `step` and a sentence from `RULES`, and no part of the token.

    >>> str(VerificationError(Code.NONCE_MISMATCH))
    'step 11, nonce-mismatch: The verdict does not answer the pending challenge.'
    """

    def __init__(self, code: Code) -> None:
        step, sentence = RULES[code]
        super().__init__(f"step {step}, {code}: {sentence}")
        self.code: Final = code
        self.step: Final = step
