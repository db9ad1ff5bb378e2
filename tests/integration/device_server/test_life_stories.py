"""The stories of the demo, and the summary of a long timeline."""

from itertools import pairwise

import pytest

from agent.core.screens import ScreenId
from lab.backend.hosts import InProcessHost
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
    """The sequence of decisions, without repetitions."""
    said = [summary(entry) or str(entry.detail.get("verdict", "")) for entry in story.entries]
    texts = [text for text in said if text]
    return texts[:1] + [after for before, after in pairwise(texts) if after != before]


def test_the_third_story_is_the_measure_of_september(september: tuple[Story, Story]) -> None:
    """Activated in Havana, five days of use, the lock, the lifting, Wi-Fi, unlocked."""
    story, _ = september
    assert story.plot is LATE
    assert verdicts(story) == [
        "allow, territory-eligible, CU",
        "allow, operator-decision, CU",
        "deny, activated-in-prohibited-territory, CU",
        "allow, campaign-lifted, CU",  # without a SIM the position is used
    ]
    assert [shot.screen.id for shot in story.shots] == [ScreenId.LOCKED, ScreenId.HOME]
    assert story.result.outcome is Outcome.ACTIVATED
    locked = next(entry for entry in story.entries if entry.what == "denied")
    assert 5 <= locked.at / 86_400 < 6
    unlocked = next(entry.what for entry in reversed(story.entries) if entry.who is Who.USER)
    assert unlocked == "Wi-Fi joined"


def test_the_fourth_story_does_not_lock_a_device_activated_elsewhere(september: tuple[Story, Story]) -> None:
    _, story = september
    assert story.plot is CARRIED
    assert verdicts(story) == ["allow, territory-eligible, FR", "allow, territory-eligible, CU"]
    assert story.result.outcome is Outcome.ACTIVATED


def test_a_lock_screen_of_a_story_shows_a_valid_challenge(september: tuple[Story, Story]) -> None:
    """The page also contains its QR code."""
    locked, home = september[0].shots
    assert UnlockChallenge.parse(locked.challenge).imei14
    assert home.challenge == ""


def test_the_summary_of_a_long_story_has_less_than_a_hundred_lines(september: tuple[Story, Story]) -> None:
    """Two hundred retries without a network are one line."""
    for story in september:
        assert len(story.entries) < 100
        assert not story.brief
        assert {"heartbeat"}.isdisjoint(entry.what for entry in story.entries)
    tries = [entry.detail["times"] for entry in september[0].entries if entry.what == "request failed"]
    assert sum(tries) > 150


def test_short_stories_contain_every_message() -> None:
    with Simulation("short", host=InProcessHost) as simulation:
        havana, custom = run_stories(simulation)
    assert havana.brief
    sent = [entry for entry in havana.entries if "sent" in entry.detail]
    assert len(sent) == 1
    assert summary(sent[0]) == "deny, territory-prohibited, CU"
    assert custom.result.outcome is Outcome.HOME


def test_a_summary_contains_every_change_of_state_and_screen() -> None:
    """An alarm without a visible effect is a heartbeat."""
    quiet = [Entry(1, Who.PHONE, "alarm"), Entry(1, Who.AGENT, "heartbeat")]
    news = [
        Entry(2, Who.PHONE, "alarm"),
        Entry(2, Who.AGENT, "warning-due"),
        Entry(2, Who.SCREEN, "offline-warning"),
    ]
    moved = [Entry(3, Who.PHONE, "alarm"), Entry(3, Who.AGENT, "lock-due", {"lock": "notice → locked"})]
    assert without_routine_entries([*quiet, *news, *quiet, *moved]) == (*news, *moved)


@pytest.mark.parametrize(("at", "said"), [(0, "0 d 00:00"), (86_399, "0 d 23:59"), (1_296_060, "15 d 00:01")])
def test_times_of_a_long_timeline_are_days_and_hours(at: int, said: str) -> None:
    assert (
        TimestampFormat.of([Entry(0, Who.PHONE, "booted"), Entry(86_400, Who.PHONE, "alarm")]).write(at)
        == said
    )
