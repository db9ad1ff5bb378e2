"""Policy documents of the lab, in addition to the shipped one of September 2021."""

from pathlib import Path
from typing import Final


def _read(name: str) -> str:
    return Path(__file__).with_name(f"{name}.toml").read_text(encoding="utf-8")


LANTERN: Final = _read("lantern-open")
"""Of Lantern, who rebuild the firmware: every device is activated."""

BEFORE: Final = _read("open-2021-08")
"""The manufacturer's policy until September 2021: every attested device is activated."""

DAILY_CHECK_IN: Final = _read("short-leash")
"""For attacks on time: a device may be used for one day without a check-in."""
