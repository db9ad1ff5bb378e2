"""Policy documents beside the shipped one of September 2021."""

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
"""Of Lantern, who rebuild the firmware."""

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
"""The manufacturer's policy until September 2021: every attested device is activated."""

DAILY_CHECK_IN: Final = """
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
"""
"""For attacks on time: a device may be used for one day without a check-in."""
