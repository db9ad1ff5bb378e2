"""One phone for `activation device`: put together, switched on, walked through setup, and told about."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent.adapters.serial_modem import SerialModem
from agent.adapters.tuf_errors import TufFault
from agent.ports import Modem, PortError
from agent.screens import Screen, render_text
from agent.telephony.reader import TelephonyError, read_telephony
from firmware_profiles.loader import load_all
from lab.cli import output
from lab.handset.handset import Handset
from lab.handset.persistence import DevicePersistence
from lab.handset.timeline import Entry
from lab.reports import qr, tables
from lab.simulation.simulation import Simulation
from lab.world.clock import World
from lab.world.icc_profile import IccProfileError, load_icc_profile
from lab.world.places import load_places
from lab.world.sim import SimCard
from wire.evidence import Telephony
from wire.limits import TOKEN_MAX

CODE_READ: Final = 2 * TOKEN_MAX
"""Octets of an unlock code that are read: the longest token, and as much white space."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user of the command asked for."""

    profile: str
    place: str
    sim: Path | None
    modem: str | None
    server: str | None
    locale: str
    seed: str
    state: Path | None = None
    code: str | None = None
    code_qr: Path | None = None
    offline: bool = False


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """What there was to see. `telephony` is what the agent read, where there is an agent that boots."""

    result: dict[str, Any]
    entries: list[Entry]
    screen: Screen | None
    telephony: Telephony | None
    challenge: str = ""

    def as_json(self) -> dict[str, Any]:
        """Everything, for machines."""
        return self.result | {
            "telephony": _telephony(self.telephony),
            "timeline": [entry.as_json() for entry in self.entries],
            "screen": _screen(self.screen, self.challenge),
        }

    def as_tables(self) -> list[Any]:
        """Timeline, outcome and last screen, for people."""
        outcome = f"\n{self.result['profile']} in {self.result['place']}: {self.result['outcome']}\n"
        drawn = [render_text(self.screen)] if self.screen else []
        picture = [qr.to_terminal(self.challenge)] if self.challenge else []
        return [tables.timeline(self.entries, decoded=True), outcome, *drawn, *picture, *self._advice()]

    def _advice(self) -> list[str]:
        if any(entry.detail.get("code") == TufFault.UNSIGNED for entry in self.entries):
            return [
                "The keys that the server publishes are not this phone's vendor's: start both with the same --seed."
            ]
        return []


def run(wish: Wish) -> DeviceReport:
    """Do what was wished. Stops with an error and an exit code where that cannot be done."""
    output.known_name(wish.profile, list(load_all()), "profile")
    output.known_name(wish.place, list(load_places()), "place")
    if wish.sim and wish.modem:
        output.exit_with_error("a modem brings its own SIM: leave out --sim or --modem")
    world = World(int(time.time())) if wish.server else World()
    code = _code(wish)
    try:
        with (
            _modem(wish.modem) as modem,
            Simulation.open(wish.seed, url=wish.server, world=world) as simulation,
        ):
            keep = _keep(wish)
            phone = simulation.phone(
                wish.profile, wish.place, card=_card(wish.sim), modem=modem, persistence=keep
            )
            if keep is not None:
                keep.save_identity(phone.imeis)
            if wish.offline:
                phone.network_down()
            phone.power_on()
            phone.walk_setup(wish.locale)
            if code is not None:
                phone.enter_code(code)
            return _seen(phone, wish.place)
    except ValueError as error:
        output.exit_with_error(str(error))
    except (PortError, TelephonyError) as error:
        output.exit_with_error(f"the modem on {wish.modem} cannot be used: {error}", output.OUTSIDE)


def _keep(wish: Wish) -> DevicePersistence | None:
    if wish.state is None:
        return None
    return DevicePersistence.open(wish.state, f"phone {wish.profile} {wish.place} kept")


def _code(wish: Wish) -> bytes | None:
    """The unlock code from where the options say."""
    if wish.code is not None and wish.code_qr is not None:
        output.exit_with_error("give one unlock code: either --code or --code-qr")
    try:
        if wish.code_qr is not None:
            return qr.read(wish.code_qr)
        if wish.code == "-":
            return sys.stdin.buffer.read(CODE_READ)
        return None if wish.code is None else Path(wish.code).read_bytes()[:CODE_READ]
    except qr.QrError as error:
        output.exit_with_error(str(error))
    except OSError as error:
        output.exit_with_error(f"{wish.code_qr or wish.code} cannot be read: {error.strerror}")


def _card(path: Path | None) -> SimCard | None:
    if path is None:
        return None
    try:
        return load_icc_profile(path)
    except IccProfileError as error:
        output.exit_with_error(f"{path} is not an ICC profile that can be used: {error}")
    except OSError as error:
        output.exit_with_error(f"{path} cannot be read: {error.strerror}")


@contextmanager
def _modem(path: str | None) -> Iterator[Modem | None]:
    if path is None:
        yield None
        return
    with SerialModem(path) as modem:
        yield modem


def _seen(phone: Handset, place: str) -> DeviceReport:
    telephony = read_telephony(phone.modem).telephony if phone.agent is not None else None
    now = phone.panel.now
    challenge = now.facts.challenge if now else ""
    return DeviceReport(
        phone.result(place).as_json(), phone.timeline.entries, phone.screen(), telephony, challenge
    )


def _telephony(telephony: Telephony | None) -> dict[str, Any] | None:
    if telephony is None:
        return None
    wanted = ("slot", "status", "mcc", "mnc", "mnc_length", "iccid", "spn", "gid1")
    sims = [{name: getattr(sim, name) for name in wanted} for sim in telephony.sims]
    return {"sims": sims, "serving": telephony.serving.model_dump(mode="json")}


def _screen(screen: Screen | None, challenge: str) -> dict[str, Any] | None:
    if screen is None:
        return None
    return {
        "id": screen.id.value,
        "locale": screen.locale,
        "direction": screen.direction.value,
        "title": screen.title,
        "body": list(screen.body),
        "actions": [{"action": action.value, "label": label} for action, label in screen.actions],
    } | ({"challenge": challenge} if challenge else {})
