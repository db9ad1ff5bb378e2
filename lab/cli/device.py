"""`activation device`."""

import sys
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from lab.cli import output
from lab.cli.lazy import deferred
from lab.cli.options import (
    AttestedKey,
    Json,
    ModemDialect,
    Place,
    Profile,
    keystore_options,
)
from wire.limits import VERDICT_MAX

with deferred():
    import firmware_profiles
    from agent import ports, screens
    from agent.adapters import serial_modem, tuf_errors
    from agent.telephony import reader
    from lab.backend import http_host
    from lab.handset import builder, storage
    from lab.reports import qr, tables
    from lab.simulation import simulation
    from lab.world import clock, icc_profile, places

if TYPE_CHECKING:
    from lab.handset.handset import Handset
    from lab.world.sim import SimCard

CODE_BYTES_MAX: Final = 2 * VERDICT_MAX
"""Bytes of an unlock code that are read: the longest token, and as much white space."""
_SIM_MEMBERS: Final = ("slot", "status", "mcc", "mnc", "mnc_length", "iccid", "spn", "gid1")


def device(
    profile: Profile,
    place: Place,
    sim: Annotated[
        Path | None, typer.Option(help="ICC profile (XML) of a SIM, instead of the place's SIM.")
    ] = None,
    modem: Annotated[str | None, typer.Option(help="TTY of a modem, instead of the emulated one.")] = None,
    modem_dialect: ModemDialect = None,
    attested_key: AttestedKey = "ES256",
    server: Annotated[
        str | None, typer.Option(help="URL of a verdict server, instead of starting one.")
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="Save the device's flash in this folder, and use it again.")
    ] = None,
    code: Annotated[
        str | None,
        typer.Option(help="Enter the unlock code in this file, or - for standard input, on the lock screen."),
    ] = None,
    code_qr: Annotated[
        Path | None, typer.Option(help="Enter the unlock code of this QR picture on the lock screen.")
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="The device has no network.")] = False,
    locale: Annotated[str, typer.Option(help="Language that the user selects.")] = "en",
    seed: Annotated[
        str, typer.Option(help="The same seed gives the same device; must be the server's seed.")
    ] = "2021",
    json: Json = False,
) -> None:
    """Start one device, complete its setup, and show what happened and its last screen.

    \b
    Example:
      activation device --profile official-global --place havana --locale es
    """
    firmware, where = firmware_profiles.find(profile), places.resolve_place(place)
    if sim and modem:
        output.exit_with_error("a modem has its own SIM: omit --sim or --modem")
    if modem and modem_dialect:
        output.exit_with_error("a modem has its own dialect: omit --modem-dialect or --modem")
    if code is not None and code_qr is not None:
        output.exit_with_error("give one unlock code: either --code or --code-qr")
    if server is not None:
        output.check_origin(server)
    unlock_code, card = _read_files(code, code_qr, sim)
    world = clock.World(int(time.time())) if server else clock.World()
    try:
        with (
            _modem_line(modem, quiet=json) as tty,
            simulation.Simulation(
                seed, url=server, world=world, host=http_host.HttpHost, modem_dialect=modem_dialect
            ) as opened,
        ):
            name = f"phone {firmware.name} {where.name} kept"
            saved = storage.DevicePersistence.open(state, name) if state else None
            options = builder.DeviceOptions(keystore=keystore_options(attested_key))
            handset = opened.phone(firmware, where, card=card, modem=tty, persistence=saved, options=options)
            if offline:
                handset.network_down()
            handset.power_on()
            handset.walk_setup(locale)
            if saved is not None:
                _save_identity(handset, saved, emulated=tty is None)
            if unlock_code is not None:
                handset.enter_code(unlock_code)
            _report(handset, where.name, json=json)
    except ValueError as error:
        output.exit_with_error(str(error))
    except ports.PortError as error:
        output.exit_with_error(f"the modem on {modem} cannot be used: {error}", output.ENVIRONMENT)


def _modem_line(
    path: str | None, *, quiet: bool
) -> "AbstractContextManager[serial_modem.SerialModem | None]":
    """The modem on a TTY, or none. Raises ModemError."""
    if path is None:
        return nullcontext()
    if not quiet:
        output.say(f"Reading the modem on {path}; one that does not answer takes minutes.", err=True)
    return serial_modem.SerialModem(path)


def _read_files(
    code: str | None, picture: Path | None, sim: Path | None
) -> "tuple[bytes | None, SimCard | None]":
    """The unlock code and the SIM. Exits with an error if a file cannot be read."""
    try:
        card = None if sim is None else icc_profile.load_icc_profile(sim)
        if picture is not None:
            return qr.read(picture), card
        if code == "-":
            return sys.stdin.buffer.read(CODE_BYTES_MAX), card
        if code is None:
            return None, card
        with Path(code).open("rb") as file:
            return file.read(CODE_BYTES_MAX), card
    except icc_profile.IccProfileError as error:
        output.exit_with_error(f"{sim} is not a usable ICC profile: {error}")
    except OSError as error:
        output.exit_with_error(f"{error.filename} cannot be read: {error.strerror}")


def _save_identity(handset: "Handset", saved: "storage.DevicePersistence", *, emulated: bool) -> None:
    """Save the IMEIs, but not those of the profile in place of what a modem on a TTY did not report."""
    reading = handset.agent.reading if handset.agent else None
    if emulated or (reading is not None and reading.imeis == handset.imeis):
        saved.save_identity(handset.imeis)


def _report(handset: "Handset", place: str, *, json: bool) -> None:
    """Print the outcome, the timeline and the last screen; as JSON also what the agent read from the modem."""
    telephony = None
    if handset.agent is not None:
        telephony = (handset.agent.reading or reader.read_telephony(handset.modem)).telephony
    now, screen, result = handset.display.current, handset.screen(), handset.result(place).as_json()
    challenge, entries = now.facts.challenge if now else "", handset.timeline.entries
    if json:
        result["telephony"] = telephony and {
            "sims": telephony.sims
            and [{name: getattr(sim, name) for name in _SIM_MEMBERS} for sim in telephony.sims],
            "serving": telephony.serving and telephony.serving.model_dump(mode="json"),
            "faults": [fault.model_dump(mode="json", exclude_none=True) for fault in telephony.faults or ()],
        }
        result["timeline"] = [entry.as_json() for entry in entries]
        result["screen"] = screen and screens.screen_json(screen) | (
            {"challenge": challenge} if challenge else {}
        )
        output.as_json(result)
        return
    output.show(tables.timeline(entries, decoded=True))
    output.show(f"\n{result['profile']} in {place}: {result['outcome']}\n")
    if telephony and telephony.faults:
        output.show(tables.modem_faults(telephony.faults))
    if screen:
        output.show_screens(screens.render_text(screen))
    if challenge:
        output.show(qr.to_terminal(challenge))
    if any(entry.detail.get("code") == tuf_errors.TufFault.UNSIGNED for entry in entries):
        output.show(
            "The server's keys are not signed by this device's manufacturer: start both with the same --seed, "
            "or publish again the root that this device knows."
        )
