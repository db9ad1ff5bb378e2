"""`activation territory`."""

import re
from typing import Annotated

import typer

from lab.cli import output
from lab.cli.lazy import deferred
from lab.cli.options import Json
from wire.codes import Registration

with deferred():
    import pycountry
    from rich import table as tables
    from rich import text as texts

    from server_stub.reference_data import time_zones
    from server_stub.territory import judgement as judgements
    from server_stub.territory import signals
    from wire import evidence


def territory(
    sim: Annotated[
        list[str] | None, typer.Option(help="Home network of a SIM as MCC-MNC or MCCMNC; up to two.")
    ] = None,
    serving: Annotated[str | None, typer.Option(help="Serving network as MCC-MNC or MCCMNC.")] = None,
    roaming: Annotated[
        bool | None, typer.Option("--roaming/--home", help="Registration state that the modem reports.")
    ] = None,
    cell_age: Annotated[
        int | None, typer.Option(min=0, help="Seconds since the serving cell was received.")
    ] = None,
    position: Annotated[str | None, typer.Option(help="LAT,LON in degrees, such as 44.95,34.10.")] = None,
    accuracy: Annotated[
        float | None, typer.Option(min=0, max=100_000, help="Accuracy of --position in metres.")
    ] = None,
    wifi: Annotated[
        str | None, typer.Option(help="Country that Wi-Fi announces, ISO 3166-1 alpha-2.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="Country of the source address.")] = None,
    json: Json = False,
) -> None:
    """Determine where a device is from the signals it receives, and show how each signal was used.

    Without any signal the result is unknown. Exit code 0: any result, 2: an option is wrong.

    \b
    Example:
      activation territory --sim 208-01 --serving 368-01 --source DE
    """
    if accuracy is not None and position is None:
        output.exit_with_error("--accuracy belongs to a position; give --position LAT,LON too")
    if cell_age is not None and serving is None:
        output.exit_with_error("--cell-age is the age of the serving cell; give --serving PLMN too")
    found: list[signals.Signal] = [signals.sim_home(_plmn(text, "--sim")) for text in sim or []]
    if serving is not None:
        found.append(signals.serving_network(_plmn(serving, "--serving"), age=cell_age))
    if roaming is not None:
        found.append(signals.registration(Registration.ROAMING if roaming else Registration.HOME))
    if wifi is not None:
        found.append(signals.wifi_country(_country(wifi, "--wifi")))
    if source is not None:
        found.append(signals.source_address(_country(source, "--source")))
    if position is not None:
        found.append(signals.position(_location(position, accuracy), time_zones.zone_at, found))
    _report(judgements.judge(found), json=json)


def _plmn(text: str, option: str) -> "evidence.Plmn":
    match = re.fullmatch(r"([0-9]{3})-?([0-9]{2,3})", text, re.ASCII)
    if not match:
        output.exit_with_error(
            f"{option} {text!r} is not a network; write three digits of MCC and two or three of MNC: 368-01"
        )
    return evidence.Plmn(mcc=match[1], mnc=match[2])


def _country(text: str, option: str) -> str:
    code = text.upper()
    if code != "XK" and (not re.fullmatch(r"[A-Z]{2}", code) or not pycountry.countries.get(alpha_2=code)):
        output.exit_with_error(
            f"{option} {text!r} is not a country; write two letters of ISO 3166-1, such as CU"
        )
    return code


def _location(text: str, accuracy: float | None) -> "evidence.Location":
    number = r"([+-]?[0-9]{1,3}(?:\.[0-9]+)?)"
    match = re.fullmatch(rf"\s*{number}\s*,\s*{number}\s*", text, re.ASCII)
    if not match:
        output.exit_with_error(
            f"--position {text!r} is not a position; write LAT,LON in degrees, such as 44.95,34.10"
        )
    latitude, longitude = float(match[1]), float(match[2])
    if abs(latitude) > 90 or abs(longitude) > 180:
        output.exit_with_error(
            f"--position {text!r} is out of range; latitude is -90 to 90, longitude -180 to 180"
        )
    return evidence.Location(latitude=latitude, longitude=longitude, accuracy=accuracy)


def _report(judgement: "judgements.Judgement", *, json: bool) -> None:
    signals_json = [
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
    ]
    as_json = {
        "status": judgement.status.value,
        "territory": judgement.territory,
        "confidence": judgement.confidence,
        "confidence_word": judgements.confidence_level(judgement.confidence).value,
        "explanation": judgement.explanation,
        "signals": signals_json,
    }
    columns = ("signal", "value", "territory", "result", "reason")
    table = tables.Table(*columns, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for each in judgement.findings:
        places = each.signal.territory or "/".join(each.signal.also) or "-"
        row = (each.signal.source.value, each.signal.reading, places, each.outcome.value, each.reason.value)
        table.add_row(*map(texts.Text, row))
    found = (table, "") if judgement.findings else ()
    output.result(as_json, *found, texts.Text(judgement.explanation), json=json)
