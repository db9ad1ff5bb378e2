"""A policy for attacks on time: phones may be used for a day at a time."""

from typing import Final

from server_stub.policy.policy import Policy

DAILY_CHECK_IN_POLICY: Final = Policy.parse(
    """
id = "short-leash"
version = 1
title = "Everybody may use their phone for a day at a time"

[territories]
prohibited = []
no_presence = []

[[rules]]
id = "everybody"
decision = "allow"
reason = "territory-eligible"
message = { key = "activated" }
check_in = 3600
offline_limit = 86400
""",
    "short-leash.toml",
)
