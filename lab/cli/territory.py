"""`activation territory`."""

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from server_stub.territory.judgement import Judgement, Signal
    from wire.evidence import Location, Plmn


def territory(
    sim: Annotated[
        list[str] | None, typer.Option(help="Home network of a SIM as MCC-MNC or MCCMNC; up to two.")
    ] = None,
    serving: Annotated[str | None, typer.Option(help="Serving network as MCC-MNC or MCCMNC.")] = None,
    roaming: Annotated[
        bool | None, typer.Option("--roaming/--home", help="Registration state, as the modem says.")
    ] = None,
    cell_age: Annotated[
        int | None, typer.Option(min=0, help="Seconds since the serving cell was heard; 0 is now.")
    ] = None,
    position: Annotated[str | None, typer.Option(help="LAT,LON in degrees, such as 44.95,34.10.")] = None,
    accuracy: Annotated[
        float | None, typer.Option(min=0, max=100_000, help="Metres; needs --position.")
    ] = None,
    wifi: Annotated[
        str | None, typer.Option(help="Country that Wi-Fi announces, ISO 3166-1 alpha-2.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="Country of the source address.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One object for machines.")] = False,
) -> None:
    """Judge where a phone is from what it hears, and say what became of each signal and why.

    Without any signal the answer is unknown. Exit code 0: judged, whatever the answer, 2: an option is wrong.

    \b
    Example:
      activation territory --sim 208-01 --serving 368-01 --source DE
    """
    from lab.cli import output
    from server_stub.territory.judgement import judge

    if accuracy is not None and position is None:
        output.exit_with_error("--accuracy says how good a position is; give --position LAT,LON too")
    if cell_age is not None and serving is None:
        output.exit_with_error("--cell-age is the age of the serving cell; give --serving PLMN too")
    judgement = judge(_signals(sim or [], serving, roaming, cell_age, position, accuracy, wifi, source))
    if json:
        output.as_json(_as_json(judgement))
    else:
        output.show(*_as_text(judgement))


def _signals(
    sims: list[str],
    serving: str | None,
    roaming: bool | None,
    cell_age: int | None,
    position: str | None,
    accuracy: float | None,
    wifi: str | None,
    source: str | None,
) -> list["Signal"]:
    from server_stub.reference_data.time_zones import zone_at
    from server_stub.territory import signals as make
    from wire.codes import Registration

    found = [make.sim_home(_plmn(text, "--sim")) for text in sims]
    if serving is not None:
        found.append(make.serving_network(_plmn(serving, "--serving"), age=cell_age))
    if roaming is not None:
        found.append(make.registration(Registration.ROAMING if roaming else Registration.HOME))
    if wifi is not None:
        found.append(make.wifi_country(_country(wifi, "--wifi")))
    if source is not None:
        found.append(make.source_address(_country(source, "--source")))
    if position is not None:
        found.append(make.position(_location(position, accuracy), zone_at, found))
    return found


def _plmn(text: str, option: str) -> "Plmn":
    from lab.cli import output
    from wire.evidence import Plmn

    match = re.fullmatch(r"([0-9]{3})-?([0-9]{2,3})", text, re.ASCII)
    if not match:
        output.exit_with_error(
            f"{option} {text!r} is no network; write the MCC's three digits and the MNC's two or three, such as 368-01"
        )
    return Plmn(mcc=match[1], mnc=match[2])


def _country(text: str, option: str) -> str:
    import pycountry

    from lab.cli import output

    code = text.upper()
    if code != "XK" and (not re.fullmatch(r"[A-Z]{2}", code) or not pycountry.countries.get(alpha_2=code)):
        output.exit_with_error(
            f"{option} {text!r} is no country; write two letters of ISO 3166-1, such as CU"
        )
    return code


def _location(text: str, accuracy: float | None) -> "Location":
    from lab.cli import output
    from wire.evidence import Location

    number = r"([+-]?[0-9]{1,3}(?:\.[0-9]+)?)"
    match = re.fullmatch(rf"\s*{number}\s*,\s*{number}\s*", text, re.ASCII)
    if not match:
        output.exit_with_error(
            f"--position {text!r} is no position; write LAT,LON in degrees, such as 44.95,34.10"
        )
    latitude, longitude = float(match[1]), float(match[2])
    if abs(latitude) > 90 or abs(longitude) > 180:
        output.exit_with_error(
            f"--position {text!r} is not on Earth; latitude is -90 to 90, longitude -180 to 180"
        )
    return Location(latitude=latitude, longitude=longitude, accuracy=accuracy)


def _as_json(judgement: "Judgement") -> dict[str, Any]:
    from server_stub.territory.judgement import confidence_level

    return {
        "status": judgement.status.value,
        "territory": judgement.territory,
        "confidence": judgement.confidence,
        "confidence_word": confidence_level(judgement.confidence).value,
        "explanation": judgement.explanation,
        "signals": [
            {
                "source": each.signal.source.value,
                "provenance": each.signal.provenance,
                "reading": each.signal.reading,
                "territory": each.signal.territory,
                "also": list(each.signal.also),
                "note": each.signal.note.value if each.signal.note else None,
                "fate": each.outcome.value,
                "why": each.reason.value,
            }
            for each in judgement.findings
        ],
    }


def _as_text(judgement: "Judgement") -> list[Any]:
    from rich.table import Table
    from rich.text import Text

    table = Table(
        "signal", "reading", "says", "became", "why", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    for each in judgement.findings:
        says = each.signal.territory or "/".join(each.signal.also) or "-"
        row = (each.signal.source.value, each.signal.reading, says, each.outcome.value, each.reason.value)
        table.add_row(*map(Text, row))
    parts: list[Any] = [table, Text()] if judgement.findings else []
    return [*parts, Text(judgement.explanation)]
