"""Steps that people do with a phone in their hands."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from lab.scenario.model.field_types import (
    Line,
    Locale,
    Moment,
    Name,
    PlaceName,
    Plmn,
    ProfileName,
    Subject,
    Word,
)
from lab.scenario.model.step import HandsetStep
from lab.world.sim import PinState
from wire.model import CountryCode

Slot = Annotated[int, Field(ge=1, le=2)]


class Switch(StrEnum):
    """A switch."""

    ON = "on"
    OFF = "off"


class Spoiling(StrEnum):
    """What becomes of the sealed state on flash."""

    EMPTY = "empty"
    TRUNCATED = "truncated"
    TORN = "torn"
    EXTENDED = "extended"
    FOREIGN = "foreign"
    FLIPPED_BIT = "flipped-bit"
    MISSING = "missing"


class StorageFault(StrEnum):
    """What fails on a phone that goes on running."""

    FULL_DISK = "full-disk"
    SILENT_COUNTER = "silent-counter"


class PowerOn(HandsetStep):
    """Switch the phone on, or off and on again."""

    power_on: Subject


class PowerOff(HandsetStep):
    """Switch the phone off."""

    power_off: Subject


class SetUp(HandsetStep):
    """Do what a user does who wants to use the phone: language, terms, and the network if there is one."""

    set_up: Subject
    language: Locale | None = Field(
        None, description="One that the image offers; the handset's own by default."
    )


class ChooseLanguage(HandsetStep):
    """Choose a language on the screen that offers it."""

    choose_language: Subject
    language: Locale


class AcceptTerms(HandsetStep):
    """Accept the terms, export clause included."""

    accept_terms: Subject


class DeclineTerms(HandsetStep):
    """Decline the terms."""

    decline_terms: Subject


class Continue(HandsetStep):
    """Put away what stands before the home screen."""

    continue_: Subject


class Retry(HandsetStep):
    """Ask the phone to try again now."""

    retry: Subject


class ShowImeiStep(HandsetStep):
    """Ask the lock screen for the IMEI."""

    show_imei: Subject


class EnterCode(HandsetStep):
    """Give the lock screen an unlock code."""

    enter_code: Subject
    code: Name | None = Field(
        None, description="The code that was issued under this name; the newest by default."
    )
    text: Line | None = Field(None, description="Type this instead.")


class InsertSim(HandsetStep):
    """Put a new card of an operator into a slot, in place of what was there."""

    insert_sim: Subject
    operator: Plmn
    slot: Slot = 1
    pin: Word[PinState] = PinState.READY


class RemoveSim(HandsetStep):
    """Take a card out."""

    remove_sim: Subject
    slot: Slot = 1


class SwapSims(HandsetStep):
    """Exchange the cards in the two slots, or those in the first slots of two phones."""

    swap_sims: Subject
    with_: Name | None = Field(None, description="The other phone.")


class Move(HandsetStep):
    """Carry the phone elsewhere, its cards with it."""

    move: Subject
    to: PlaceName


class JoinWifi(HandsetStep):
    """Join a Wi-Fi network."""

    join_wifi: Subject
    country: CountryCode | None = Field(None, description="What the access point announces (IEEE 802.11d).")


class LeaveWifi(HandsetStep):
    """Leave every Wi-Fi network."""

    leave_wifi: Subject


class AirplaneMode(HandsetStep):
    """Turn airplane mode on or off. It takes Wi-Fi with it, which may be joined again."""

    airplane_mode: Subject
    turn: Word[Switch]


class JoinVpn(HandsetStep):
    """Send all traffic through a tunnel."""

    join_vpn: Subject
    exit: CountryCode | None = Field(
        None, description="The country in which it comes out; one that the server cannot tell by default."
    )


class LeaveVpn(HandsetStep):
    """End the tunnel."""

    leave_vpn: Subject


class LocationStep(HandsetStep):
    """Turn location on or off: what is off tells no position."""

    location: Subject
    turn: Word[Switch]


class FalsePosition(HandsetStep):
    """Let false satellites near the phone tell it that it is elsewhere; whatever image it runs believes them."""

    false_position: Subject
    at: PlaceName


class TruePosition(HandsetStep):
    """End that."""

    true_position: Subject


class NetworkDown(HandsetStep):
    """Let nothing of this phone get through any more, whatever it hears."""

    network_down: Subject


class NetworkUp(HandsetStep):
    """End that outage."""

    network_up: Subject


class SetClock(HandsetStep):
    """Set the phone's wall clock."""

    set_clock: Subject
    to: Moment


class FactoryReset(HandsetStep):
    """Erase what the phone remembers, and start it."""

    factory_reset: Subject


class Flash(HandsetStep):
    """Put another image on the phone, which is off then."""

    flash: Subject
    profile: ProfileName


class CopyState(HandsetStep):
    """Keep a copy of the sealed state file."""

    copy_state: Subject
    as_: Name = "copy"


class RestoreState(HandsetStep):
    """Write a copy over the sealed state file; it may be another phone's. The phone notices when it starts."""

    restore_state: Subject
    from_: Name = "copy"


class SpoilState(HandsetStep):
    """Spoil the sealed state file. The phone notices when it starts."""

    spoil_state: Subject
    how: Word[Spoiling]


class BreakStorage(HandsetStep):
    """Let the phone's storage fail from now on."""

    break_storage: Subject
    how: Word[StorageFault]


class MendStorage(HandsetStep):
    """Let the phone's storage work again."""

    mend_storage: Subject


class ReplaceCounter(HandsetStep):
    """Put in a new monotonic counter, which begins at zero."""

    replace_counter: Subject


class LoseKeys(HandsetStep):
    """Delete what the phone keeps of the key repository."""

    lose_keys: Subject
