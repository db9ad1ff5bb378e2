"""Policies that are not the vendor's own of September 2021: Lantern, who rebuild its firmware, and the time before."""

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

BEFORE: Final = """
id = "open-2021-08"
version = 0
title = "Before the measure of September 2021: every phone is activated, wherever it is"

[territories]
prohibited = []
no_presence = []

[[rules]]
id = "unattested"
when = { identity = ["unattested"] }
decision = "defer"
reason = "evidence-unattested"
message = { key = "try-later" }
retry_after = 3600

[[rules]]
id = "everybody"
decision = "allow"
reason = "territory-eligible"
message = { key = "activated" }
check_in = 86400
offline_limit = 2592000
"""
"""How the vendor decided before: the phones that the measure found had been activated like any other."""
