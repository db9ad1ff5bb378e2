"""The repository that distributes the verdict keys: paths, names and maximum file sizes in bytes.

It is a TUF repository (The Update Framework, specification 1.0) with consistent snapshots. Its one target is the
JWK Set (RFC 7517) of the verdict keys, listed by a separate delegated role.
"""

from typing import Final

METADATA_PATH: Final = "/tuf/metadata/"
TARGETS_PATH: Final = "/tuf/targets/"

TARGET: Final = "verdict-keys.json"
"""The JWK Set. In addition to RFC 7517, a key has `status` (`active` or `revoked`) and may have `nbf` and `exp`."""

ROLE: Final = "verdict-keys"
"""The delegated role that lists the target."""

CLOCK: Final = "clock"
"""Member of the signed part of the timestamp, in addition to TUF: how often an operator accepted the server's clock
again, a non-negative integer. Absent means 0. A device that sees a greater number than before lowers its floor of the
time to what this timestamp shows."""

ROOT_MAX: Final = 32 * 1024
TIMESTAMP_MAX: Final = 4 * 1024
SNAPSHOT_MAX: Final = 8 * 1024
TARGETS_MAX: Final = 16 * 1024
"""The longest files that a device reads, each within `limits.BODY_MAX`."""

ROOT_ROTATIONS_MAX: Final = 64
"""How many new roots a device follows in one update; if there are more, the next update continues."""
