"""What the modem did not report is in the timeline, also in a long one, and readable at 80 columns."""

from io import StringIO

from rich.console import Console

from agent.core.events import Collected
from agent.core.screens import ModemTrouble
from agent.core.states import Exchange, Memory, Setup, State, TimeAnchor
from agent.core.step import step
from agent.core.timing import Context
from lab.handset.timeline import Timeline, Who
from lab.handset.timeline_summary import without_routine_entries
from lab.reports import tables
from wire.evidence import TelephonyFault

FAULTS = (
    TelephonyFault(code="modem-not-understood", source="AT+CGSN"),
    TelephonyFault(code="length", source="EF_SPN", slot=1),
)


def read(timeline: Timeline, state: State, trouble: ModemTrouble | None) -> State:
    """One check-in up to the reading of the modem."""
    collecting = State(state.memory, Setup.DONE, Exchange.COLLECTING, modem=state.modem)
    event = Collected("", trouble, FAULTS if trouble else ())
    after, effects = step(collecting, event, Context(0.0, 0.0))
    timeline.note(Who.PHONE, "alarm")
    timeline.stepped(event, collecting, after, effects)
    return after


def test_left_out_parts_and_the_change_are_in_the_entry() -> None:
    timeline = Timeline(lambda: 0.0)
    read(timeline, State(Memory(TimeAnchor(0))), ModemTrouble.NOT_UNDERSTOOD)
    detail = timeline.entries[-1].detail
    assert detail["left_out"] == ["AT+CGSN: modem-not-understood", "EF_SPN in slot 2: length"]
    assert detail["modem"] == "complete → not-understood"


def test_long_timeline_shows_when_the_modem_stops_and_begins_to_answer() -> None:
    timeline, state = Timeline(lambda: 0.0), State(Memory(TimeAnchor(0)))
    for trouble in (None, ModemTrouble.NO_ANSWER, ModemTrouble.NO_ANSWER, None, None):
        state = read(timeline, state, trouble)
    changes = [entry.detail["modem"] for entry in without_routine_entries(timeline.entries)
               if "modem" in entry.detail]  # fmt: skip
    assert changes == ["complete → no-answer", "no-answer → complete"]


def test_tables_fit_into_80_columns() -> None:
    timeline = Timeline(lambda: 0.0)
    read(timeline, State(Memory(TimeAnchor(0))), ModemTrouble.NOT_UNDERSTOOD)
    printed = StringIO()
    console = Console(file=printed, width=80)
    console.print(tables.timeline(timeline.entries, decoded=True))
    console.print(tables.modem_faults((*FAULTS, TelephonyFault(code="c" * 64, source="A" * 32))))
    lines = printed.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    words = " ".join(" ".join(lines).split())
    assert "left out AT+CGSN: modem-not-understood; EF_SPN in slot 2: length" in words
