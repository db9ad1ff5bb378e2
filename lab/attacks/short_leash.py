"""A policy for attacks on time: phones may be used for a day at a time."""

from typing import Final

from server_stub.domain.policy import Policy

SHORT_LEASH: Final = Policy.parse(
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
