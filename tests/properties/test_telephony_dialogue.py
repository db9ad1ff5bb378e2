"""The dialogue returns the same results for the same bytes, independent of the pieces in which they arrive."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agent.telephony import commands
from agent.telephony.commands import Command
from agent.telephony.dialogue import (
    Broken,
    Dialogue,
    DialogueBounds,
    DialogueEvent,
    Ended,
    Information,
    Unsolicited,
)
from agent.telephony.errors import ElementaryFile, FaultCode
from agent.telephony.results import FinalResult
from tests.support.modems import UNSOLICITED

READS = [read for _, read in commands.REGISTRATIONS]
ASKED = [
    commands.PLAIN_ANSWERS,
    commands.IMEIS[1],
    commands.PIN_STATE,
    commands.OPERATOR,
    commands.restricted_access(commands.READ_BINARY, ElementaryFile.ICCID, 10),
    *READS,
]
LINES = [
    b"OK",
    b"ERROR",
    b"+CME ERROR: 14",
    b"+CMS ERROR: 500",
    b"NO CARRIER",
    b"+CPIN: READY",
    b'+CRSM: 144,0,"98683081462002318379"',
    b'+CREG: 2,1,"0065","00012C01",7',
    b'+CREG: 1,"0065","00012C01",7',
    b'+COPS: 0,2,"36801",7',
    b"490154203237518",
    b"AT+CPIN?",
    *(line.encode() for line in UNSOLICITED),
]
ENDS = st.sampled_from([b"\r\n", b"\r", b"\n", b"\r\r\n", b"\r\n\r\n"])
FRAMES = st.tuples(ENDS, st.sampled_from(LINES) | st.binary(max_size=40), ENDS).map(b"".join)
STREAMS = st.lists(FRAMES, max_size=12).map(b"".join) | st.binary(max_size=300)
BOUNDS = st.builds(
    DialogueBounds, line=st.integers(1, 60), answer=st.integers(1, 200), lines=st.integers(1, 8)
)


def results(
    command: Command, pieces: list[bytes], bounds: DialogueBounds, *, probing: bool = False
) -> list[DialogueEvent]:
    dialogue = Dialogue(bounds)
    dialogue.send(command, probing=probing)
    return [event for piece in pieces for event in dialogue.receive(piece)]


def cut(stream: bytes, places: set[int]) -> list[bytes]:
    marks = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[start:end] for start, end in pairwise(marks)]


@given(
    command=st.sampled_from(ASKED),
    stream=STREAMS,
    places=st.sets(st.integers(0, 400), max_size=8),
    bounds=BOUNDS | st.just(DialogueBounds()),
    probing=st.booleans(),
)
def test_pieces_do_not_change_the_results(
    command: Command, stream: bytes, places: set[int], bounds: DialogueBounds, *, probing: bool
) -> None:
    """Limits included."""
    whole = results(command, [stream], bounds, probing=probing)
    assert results(command, cut(stream, places), bounds, probing=probing) == whole
    assert results(command, [bytes([byte]) for byte in stream], bounds, probing=probing) == whole


@given(st.sampled_from(ASKED), st.binary(max_size=400), BOUNDS)
def test_exceeded_limit_ends_the_command(command: Command, stream: bytes, bounds: DialogueBounds) -> None:
    """At most once, and nothing that follows belongs to it."""
    dialogue = Dialogue(bounds)
    dialogue.send(command)
    events = dialogue.receive(stream)
    broken = [place for place, event in enumerate(events) if isinstance(event, Broken)]
    assert len(broken) <= 1
    if broken:
        assert dialogue.pending is None
        assert not any(isinstance(event, Information | Ended) for event in events[broken[0] :])


@given(STREAMS, st.integers(3, 20))
def test_dialogue_is_usable_after_an_excess(stream: bytes, size: int) -> None:
    dialogue = Dialogue(DialogueBounds(line=size, answer=size, lines=2))
    dialogue.send(commands.PIN_STATE)
    dialogue.receive(stream + b"x" * 500 + b"\r\n")
    dialogue.abandon()
    dialogue.send(commands.PLAIN_ANSWERS)
    assert Ended(FinalResult(ok=True)) in dialogue.receive(b"OK\r")


@given(
    st.sampled_from(READS),
    st.integers(0, 11),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFFFFF),
    st.integers(0, 13),
)
def test_unsolicited_registration_is_not_the_response(
    read: Command, state: int, area: int, cell: int, access: int
) -> None:
    """Both have the same prefix; only the form that begins with <n> answers the read command."""
    prefix = f"{read.text.removeprefix('AT').rstrip('?')}:"
    place = f'"{area:04X}","{cell:08X}",{access}'
    for content in (f"{state}", f"{state},{place}"):
        events = results(read, [f"\r\n{prefix} {content}\r\n".encode()], DialogueBounds())
        assert events == [Unsolicited(f"{prefix} {content}")]
    for content in (f"2,{state}", f"2,{state},{place}"):
        events = results(read, [f"\r\n{prefix} {content}\r\n".encode()], DialogueBounds())
        assert events == [Information(content)]


@given(st.lists(st.sampled_from(UNSOLICITED), max_size=3), st.lists(st.sampled_from(UNSOLICITED), max_size=3))
def test_unsolicited_codes_do_not_change_the_response(before: list[str], between: list[str]) -> None:
    """They may come at any time, also between a command's information and its result."""
    lines = [*before, '+CREG: 2,1,"0065","00012C01",7', *between, "OK"]
    events = results(READS[-1], ["".join(f"\r\n{line}\r\n" for line in lines).encode()], DialogueBounds())
    assert [e.content for e in events if isinstance(e, Information)] == ['2,1,"0065","00012C01",7']
    assert isinstance(events[-1], Ended)
    assert len(events) == len(lines)


@given(st.integers(1, 300))
def test_each_exceeded_limit_is_named(size: int) -> None:
    """At the first byte beyond it."""
    bounds = DialogueBounds(line=size, answer=10_000, lines=64)
    assert results(commands.IMEIS[1], [b"x" * size], bounds) == []
    assert results(commands.IMEIS[1], [b"x" * (size + 1)], bounds) == [Broken(FaultCode.LINE_TOO_LONG)]
    short = DialogueBounds(line=10_000, answer=size, lines=64)
    assert results(commands.IMEIS[1], [b"x" * (size + 1)], short) == [Broken(FaultCode.ANSWER_TOO_LONG)]
    few = DialogueBounds(line=10, answer=10_000, lines=size)
    assert results(commands.IMEIS[1], [b"x\r" * (size + 1)], few)[-1] == Broken(FaultCode.TOO_MANY_LINES)
