"""The policy of Lantern, who rebuild the vendor's firmware: everybody may use their phone."""

from typing import Final

LANTERN: Final = """
id = "lantern-open"
version = 1
title = "Everybody may use their phone"

[territories]
prohibited = []
no_presence = []

[[rules]]
id = "everybody"
decision = "allow"
reason = "territory-eligible"
message = { key = "activated" }
check_in = 604800
offline_limit = 7776000
"""
