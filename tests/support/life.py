"""Shared by tests of a device's life: policies, and when its timeline has requests and failures."""

from lab.handset.handset import Handset
from server_stub.policy.policy import Policy

HOUR, DAY = 3600, 86_400

NOTICE = """
id = "announced"
version = 2
title = "A lock that is announced three days before"

[territories]
prohibited = ["CU"]

[[rules]]
id = "announced"
when = { territory = ["prohibited"] }
decision = "notice"
reason = "activated-in-prohibited-territory"
message = { key = "notice-of-lock" }
case = true
check_in = 86400
offline_limit = 2592000
not_before_lock = 2021-09-12T12:00:00Z

[[rules]]
id = "all-others"
decision = "allow"
reason = "territory-eligible"
message = { key = "activated" }
check_in = 86400
offline_limit = 432000
"""

UNDECIDED = """
id = "undecided"
version = 1
title = "The server cannot decide about any device"

[territories]
prohibited = []

[[rules]]
id = "undecided"
decision = "defer"
reason = "territory-contradictory"
message = { key = "try-later" }
retry_after = 86400
"""


def policy(text: str) -> Policy:
    return Policy.parse(text, "test.toml")


def asked_at(phone: Handset, since: float = 0.0) -> list[float]:
    """When the device asked for a verdict, in seconds after it was first switched on."""
    entries = phone.timeline.entries
    return [e.at for e in entries if e.what == "POST /v1/verdicts" and e.at > since]


def failures(phone: Handset) -> list[tuple[float, str, str]]:
    """When exchanges failed, and how."""
    entries = phone.timeline.entries
    return [
        (e.at, e.detail["trouble"], e.detail["code"])
        for e in entries
        if "trouble" in e.detail and e.what == "failed"
    ]
