"""The stories of the demo, and how a long life is told in few lines."""

from itertools import pairwise

import pytest

from agent.core.screens import ScreenId
from lab.handset.outcome import Outcome
from lab.handset.timeline import Entry, Who
from lab.handset.timeline_summary import TimestampFormat, summary, without_routine_entries
from lab.simulation.demo_stories import CARRIED, LATE, Story, run_september_stories, run_stories
from lab.simulation.simulation import Simulation
from wire.unlock import UnlockChallenge


@pytest.fixture(scope="module")
def september() -> tuple[Story, Story]:
    late, carried = run_september_stories("stories")
    return late, carried


def verdicts(story: Story) -> list[str]:
    """What the verdicts said, one after the other, repetitions left out."""
    said = [summary(entry) or str(entry.detail.get("verdict", "")) for entry in story.entries]
    told = [text for text in said if text]
    return told[:1] + [after for before, after in pairwise(told) if after != before]


def test_the_third_story_is_the_whole_of_september(september: tuple[Story, Story]) -> None:
    """Activated in Havana, five days of use, the lock, the lifting, Wi-Fi, unlocked."""
    story, _ = september
    assert story.plot is LATE
    assert verdicts(story) == [
        "allow, territory-eligible, CU",
        "allow, operator-decision, CU",
        "deny, activated-in-prohibited-territory, CU",
        "allow, campaign-lifted, CU",  # without a SIM the position still tells
    ]
    assert [shot.screen.id for shot in story.shots] == [ScreenId.LOCKED, ScreenId.HOME]
    assert story.result.outcome is Outcome.ACTIVATED
    locked = next(entry for entry in story.entries if entry.what == "denied")
    assert 5 <= locked.at / 86_400 < 6
    unlocked = next(entry.what for entry in reversed(story.entries) if entry.who is Who.USER)
    assert unlocked == "Wi-Fi joined"


def test_the_fourth_story_spares_the_phone_that_was_carried_in(september: tuple[Story, Story]) -> None:
    """The same weeks in the same city, and never a denial."""
    _, story = september
    assert story.plot is CARRIED
    assert verdicts(story) == ["allow, territory-eligible, FR", "allow, territory-eligible, CU"]
    assert story.result.outcome is Outcome.ACTIVATED


def test_a_lock_screen_of_a_story_shows_a_challenge_that_can_be_read(september: tuple[Story, Story]) -> None:
    """The page draws it as a QR code, too."""
    locked, home = september[0].shots
    assert UnlockChallenge.parse(locked.challenge).imei14
    assert home.challenge == ""


def test_a_long_story_is_told_in_less_than_a_hundred_lines(september: tuple[Story, Story]) -> None:
    """Two hundred tries without a network are one line."""
    for story in september:
        assert len(story.entries) < 100
        assert not story.brief
        assert {"heartbeat"}.isdisjoint(entry.what for entry in story.entries)
    tries = [entry.detail["times"] for entry in september[0].entries if entry.what == "asked in vain"]
    assert sum(tries) > 150


def test_short_stories_keep_every_message() -> None:
    """Evidence and verdict stand in full below their request."""
    with Simulation.open("short") as simulation:
        havana, custom = run_stories(simulation)
    assert havana.brief
    sent = [entry for entry in havana.entries if "sent" in entry.detail]
    assert len(sent) == 1
    assert summary(sent[0]) == "deny, territory-prohibited, CU"
    assert custom.result.outcome is Outcome.HOME


def test_a_digest_leaves_out_nothing_that_moved_or_was_shown() -> None:
    """A quiet alarm is a heartbeat; one that shows another screen is news."""
    quiet = [Entry(1, Who.PHONE, "alarm"), Entry(1, Who.AGENT, "heartbeat")]
    news = [
        Entry(2, Who.PHONE, "alarm"),
        Entry(2, Who.AGENT, "warning-due"),
        Entry(2, Who.SCREEN, "offline-warning"),
    ]
    moved = [Entry(3, Who.PHONE, "alarm"), Entry(3, Who.AGENT, "lock-due", {"lock": "notice → locked"})]
    assert without_routine_entries([*quiet, *news, *quiet, *moved]) == (*news, *moved)


@pytest.mark.parametrize(("at", "said"), [(0, "0 d 00:00"), (86_399, "0 d 23:59"), (1_296_060, "15 d 00:01")])
def test_moments_of_a_long_life_are_written_by_day_and_hour(at: int, said: str) -> None:
    """Nobody reads a million seconds."""
    assert (
        TimestampFormat.of([Entry(0, Who.PHONE, "booted"), Entry(86_400, Who.PHONE, "alarm")]).write(at)
        == said
    )
