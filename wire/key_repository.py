"""The repository that carries the verdict keys: where it is served, what it is called, how large its files may be.

It is a TUF repository (The Update Framework, specification 1.0) with consistent snapshots. Its one target is the
JWK Set (RFC 7517) of the verdict keys, listed by a delegated role of its own. Sizes are octets.
"""

from typing import Final

from wire import limits

METADATA_PATH: Final = "/tuf/metadata/"
TARGETS_PATH: Final = "/tuf/targets/"

TARGET: Final = "verdict-keys.json"
"""The JWK Set. Beside RFC 7517's members a key has `status` (`active` or `revoked`) and may have `nbf` and `exp`."""

ROLE: Final = "verdict-keys"
"""The delegated role that lists the target."""

ROOT_MAX: Final = 32 * 1024
TIMESTAMP_MAX: Final = 4 * 1024
SNAPSHOT_MAX: Final = 8 * 1024
TARGETS_MAX: Final = 16 * 1024
TARGET_MAX: Final = limits.BODY_MAX
"""Longest files that a phone reads; none may be longer than any other body."""

ROOT_ROTATIONS_MAX: Final = 64
"""How many new roots a phone follows in one go; a phone that missed more comes again and goes on."""
