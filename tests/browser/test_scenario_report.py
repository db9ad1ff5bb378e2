"""The report of scenarios in a browser, opened from a file, also with thousands of scenarios."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Locator, expect

from lab.scenario.engine.result import ScenarioResult, Status, Timing
from lab.scenario.output.page import render
from lab.scenario.output.report_file import ReportHeader, reported
from lab.scenario.output.reports import Reports
from lab.scenario.output.run_root import RunRoot
from lab.scenario.output.targets import PAGE, TIMINGS_SCRIPT, ReportTargets
from lab.scenario.output.timings import RunTimes
from tests.browser.conftest import Open, apart
from tests.support.scenarios import cases, played, run

MANY = 5000

MATRIX = """
name: Firmware and places
about: It is for a test.
parameters: {profile: [official-global, custom-aosp], place: [havana, paris]}
handsets: {phone: {profile: "${profile}", place: "${place}"}}
steps: [power-on, set-up, {expect: phone, usable: true}]
"""

IN_ARABIC = """
    - power-on
    - set-up
    - expect: phone
      outcome: activated
"""


@pytest.fixture(scope="module")
def matrix() -> list[ScenarioResult]:
    """Four scenarios, of which one fails: a device in Havana is locked."""
    return apart(lambda: [run(case, "tests") for case in cases(MATRIX)])


@pytest.fixture(scope="module")
def arabic() -> ScenarioResult:
    """A device that is locked in Arabic although the scenario expects otherwise."""
    phone = "phone: {profile: official-global, place: havana, locale: ar}"
    return apart(lambda: played(IN_ARABIC, handsets=phone))


def listed(page: Locator) -> Locator:
    return page.locator("#list > details")


def test_opening_a_scenario_shows_its_steps_timeline_messages_and_screens(
    open_page: Open, matrix: list[ScenarioResult]
) -> None:
    """The details are packed in the page."""
    opened = open_page(render(matrix))
    rows = listed(opened.page.locator("body"))
    expect(rows).to_have_count(4)
    rows.filter(has_text="official-global").filter(has_text="paris").locator("summary").first.click()
    opened.page.get_by_text("phone: official-global, paris, activated").click()
    body = opened.page.locator("#list")
    expect(body.locator(".handset h4").last).to_have_text("Home")
    expect(body.get_by_text("activation run folder/test.scenario.yaml --only")).to_be_visible()
    body.locator("summary", has_text="verdict").first.click()
    expect(body.locator("pre", has_text='"decision": "allow"')).to_be_visible()
    assert opened.complaints == []


def test_the_page_sends_no_requests(open_page: Open, matrix: list[ScenarioResult]) -> None:
    """A report is read where there is no network."""
    opened = open_page(render(matrix))
    listed(opened.page.locator("body")).first.locator("summary").first.click()
    expect(opened.page.locator("#list li").first).to_be_visible()
    assert (opened.asked, opened.complaints) == ([], [])


def test_a_failure_shows_expectation_timeline_messages_screen_and_command(
    open_page: Open, arabic: ScenarioResult
) -> None:
    opened = open_page(render([arabic]))
    expect(opened.page.get_by_role("heading", name="Failed scenarios")).to_be_visible()
    opened.page.locator(".wrong a").first.click()
    failed = opened.page.locator("li.failed")
    expect(failed.locator("pre").first).to_have_text("phone: outcome\nexpected  activated\nactual    locked")
    expect(failed.locator("ol.timeline li")).to_have_count(8)
    expect(failed.locator("summary")).to_have_text(["evidence", "verdict"])
    expect(failed.locator(".handset.dark svg")).to_have_count(2)
    expect(opened.page.locator("pre", has_text=f"activation run {arabic.file}")).to_be_visible()


def test_a_screen_is_shown_in_its_direction_and_colours(open_page: Open, arabic: ScenarioResult) -> None:
    """Arabic is right to left; the lock screen is white on black."""
    opened = open_page(render([arabic]), f"#id={arabic.id}")
    phone = opened.page.locator("li.failed .handset")
    expect(phone).to_have_css("direction", "rtl")
    expect(phone).to_have_css("background-color", "rgb(0, 0, 0)")
    expect(phone).to_have_attribute("lang", "ar")


def test_a_cell_of_the_matrix_links_to_its_scenarios(open_page: Open, matrix: list[ScenarioResult]) -> None:
    opened = open_page(render(matrix))
    opened.page.get_by_title("official-global in havana: 1 failed").first.click()
    rows = listed(opened.page.locator("body"))
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("test[place=havana,profile=official-global]")
    expect(opened.page.locator("#found")).to_have_text("1 of 4")


def test_the_search_is_in_the_url(open_page: Open, matrix: list[ScenarioResult]) -> None:
    """A link to a search result can be shared."""
    opened = open_page(render(matrix))
    opened.page.get_by_label("text").fill("Havana")
    opened.page.get_by_label("status").select_option("passed")
    expect(opened.page.locator("#found")).to_have_text("1 of 4")
    again = open_page(render(matrix), "#" + opened.page.url.partition("#")[2])
    expect(again.page.locator("#found")).to_have_text("1 of 4")
    again.page.get_by_role("button", name="clear").click()
    expect(again.page.locator("#found")).to_have_text("4 of 4")


def test_failures_are_listed_first(open_page: Open, matrix: list[ScenarioResult]) -> None:
    rows = listed(open_page(render(matrix)).page.locator("body"))
    expect(rows.first).to_contain_text("failed")


def test_markup_in_names_and_messages_is_escaped(open_page: Open, arabic: ScenarioResult) -> None:
    evil = '<img src=x onerror="document.title=1"></script><script>document.title=1</script>'
    phone = arabic.handsets[0]
    shots = tuple(replace(shot, title=evil, body=(evil,)) for shot in phone.screens)
    entries = tuple({**entry, "what": evil, "detail": {evil: evil}} for entry in phone.timeline)
    steps = tuple(replace(step, text=evil, note=evil) for step in arabic.steps)
    planted = replace(
        arabic,
        name=evil,
        about=evil,
        steps=steps,
        handsets=(replace(phone, name=evil, screens=shots, timeline=entries),),
    )
    opened = open_page(render([planted]), f"#id={planted.id}")
    opened.page.locator("#list details details > summary", has_text="official-global").click()
    expect(opened.page.locator(".handset h4").last).to_have_text(evil)
    assert opened.page.title().startswith("Scenarios")
    assert opened.page.locator("img").count() == 0
    assert opened.complaints == []


def test_the_page_permits_no_script_but_its_own(open_page: Open, matrix: list[ScenarioResult]) -> None:
    """Content Security Policy Level 3: a second line of defence, should an escape be missing one day."""
    planted = '<script>document.title="planted"</script><img src="x" onerror="document.title=1"></body>'
    opened = open_page(render(matrix).replace("</body>", planted))
    expect(opened.page.locator("#found")).to_have_text("4 of 4")
    assert opened.page.title().startswith("Scenarios")
    assert opened.complaints
    assert all("Content Security Policy" in text for text in opened.complaints)


def test_without_scripts_the_page_shows_summary_failures_and_matrix(
    open_page: Open, matrix: list[ScenarioResult]
) -> None:
    """Viewers of CI servers may disable scripts."""
    opened = open_page(render(matrix), script=False)
    expect(opened.page.locator(".counts")).to_have_text("3 passed1 failed")
    expect(opened.page.locator(".wrong")).to_contain_text("expected true, actual false")
    expect(opened.page.locator(".matrix").first.locator("td a")).to_have_text(["1", "1", "1", "1"])
    expect(opened.page.locator("noscript")).to_be_visible()


def test_a_long_timeline_is_shown_in_parts(open_page: Open, arabic: ScenarioResult) -> None:
    """A device that retries for months has thousands of entries."""
    phone = arabic.handsets[0]
    long = replace(arabic, handsets=(replace(phone, timeline=phone.timeline * 40),))
    opened = open_page(render([long]), f"#id={long.id}")
    opened.page.locator("#list details details > summary", has_text="official-global").click()
    entries = opened.page.locator("#list details details ol.timeline > li")
    expect(entries).to_have_count(200)
    opened.page.get_by_role("button", name=re.compile(r"^\d+ more$")).click()
    expect(entries).to_have_count(400)


@pytest.mark.slow
def test_a_page_with_five_thousand_scenarios_is_usable(open_page: Open, matrix: list[ScenarioResult]) -> None:
    """The page lists them in hundreds, unpacks only what is opened, and finds one of them."""
    results = (replace(matrix[number % 4], id=f"{matrix[number % 4].id} {number}") for number in range(MANY))
    opened = open_page(render(results))
    expect(opened.page.locator("#found")).to_have_text(f"{MANY} of {MANY}, 200 listed")
    assert opened.page.locator("*").count() < 2500
    opened.page.get_by_label("text").fill(f" {MANY - 1}")
    expect(opened.page.locator("#found")).to_have_text(f"1 of {MANY}")
    listed(opened.page.locator("body")).locator("summary").click()
    expect(opened.page.locator("#list li").first).to_be_visible()
    assert opened.complaints == []


def test_slider_goes_forwards_and_backwards_by_keyboard(open_page: Open, arabic: ScenarioResult) -> None:
    """At each point: the state of the agent, the unsealed record, the newest messages and the screen."""
    opened = open_page(render([arabic]), f"#id={arabic.id}")
    player = opened.page.get_by_role("region", name="point by point")
    slider, count = (
        opened.page.get_by_role("slider", name="point of the scenario"),
        len(arabic.handsets[0].timeline),
    )
    expect(player.locator("output")).to_have_text(f"1 of {count}, 00:00:00")
    expect(player).to_contain_text("None yet.")
    slider.press("End")
    expect(player.locator("output")).to_contain_text(f"{count} of {count}")
    state = player.locator("table tr", has_text="lock")
    expect(state).to_have_text("locklocked")
    record = player.locator("pre", has_text='"counter"')
    expect(record).to_contain_text('"lock": "locked"')
    expect(player.locator("summary")).to_have_text(["evidence", "verdict"])
    expect(player.locator(".handset")).to_have_attribute("lang", "ar")
    expect(slider).to_have_attribute(
        "aria-valuetext", re.compile(rf"{count} of {count}, .*phone: screen locked")
    )
    before = next(at for at, each in enumerate(arabic.handsets[0].timeline) if each["what"] == "denied") - 1
    while int(slider.input_value()) > before:
        slider.press("ArrowLeft")
    expect(state).to_have_text("lockunprovisioned")
    expect(record).to_contain_text('"lock": "unprovisioned"')
    opened.page.get_by_role("button", name="next point").click()
    expect(state).to_have_text("locklocked")
    opened.page.get_by_role("button", name=f"show the end of line {arabic.steps[0].line}").click()
    expect(player.locator("output")).to_contain_text(f"{arabic.steps[0].entries[0]} of {count}")
    assert opened.complaints == []


def test_state_and_record_of_each_point_are_those_of_the_agent(arabic: ScenarioResult) -> None:
    """The record is written before the screen that shows its state, and its counter counts up."""
    records = arabic.handsets[0].records
    assert [each.content["counter"] for each in records if each.content] == list(range(1, len(records) + 1))
    what = [arabic.handsets[0].timeline[each.entries - 1]["what"] for each in records]
    assert (
        dict(zip(what, (each.content["lock"] for each in records if each.content), strict=True))["denied"]
        == "locked"
    )


def test_tag_filter_lists_the_scenarios_with_the_tag(open_page: Open, matrix: list[ScenarioResult]) -> None:
    tagged = [replace(each, tags=("odd", "all") if at % 2 else ("all",)) for at, each in enumerate(matrix)]
    opened = open_page(render(tagged))
    opened.page.get_by_role("link", name="odd 2").click()
    expect(opened.page.locator("#found")).to_have_text("2 of 4")
    opened.page.get_by_label("tag", exact=True).select_option("all")
    opened.page.get_by_label("status").select_option("failed")
    expect(opened.page.locator("#found")).to_have_text("1 of 4")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_fits_a_phone_and_is_readable_in_both_colour_schemes(
    open_page: Open, arabic: ScenarioResult, scheme: Literal["light", "dark"]
) -> None:
    """Each text has a contrast of at least 4.5 to its background (WCAG 2.2, 1.4.3)."""
    opened = open_page(render([replace(arabic, tags=("lock",))]), f"#id={arabic.id}", width=390)
    opened.page.emulate_media(color_scheme=scheme)
    opened.page.get_by_role("slider").press("End")
    expect(opened.page.locator(".player .handset")).to_be_visible()
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert opened.page.evaluate(CONTRASTS) == []


CONTRASTS = """() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (parts) => parts.slice(0, 3).map((each) => each / 255)
    .map((each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
    .reduce((sum, each, at) => sum + each * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = rgb(getComputedStyle(node).backgroundColor);
      if (colour.length < 4 || colour[3] > 0.5) return colour;
    }
    return [255, 255, 255];
  };
  const wrong = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((each) => each.nodeType === 3 && each.textContent.trim());
    if (!own || !node.checkVisibility() || node.disabled || node.closest("select")) continue;
    const [one, other] = [light(rgb(getComputedStyle(node).color)), light(behind(node))].sort((a, b) => b - a);
    if ((one + 0.05) / (other + 0.05) < 4.5) wrong.push(node.outerHTML.slice(0, 80));
  }
  return wrong;
}"""


@pytest.mark.slow
def test_page_shows_the_times_next_to_it_and_has_the_same_bytes_without(
    open_page: Open, matrix: list[ScenarioResult], tmp_path: Path
) -> None:
    pages = []
    for seconds in (1.25, 2.5):
        folder = tmp_path / str(seconds)
        folder.mkdir()
        with Reports(ReportTargets(folder), ReportHeader("c0ffee", "7")) as reports:
            for each in matrix:
                reports.add(replace(each, timing=Timing(1e9, seconds, 0.5)))
            reports.close([RunTimes.until_now(datetime.now(UTC), 3, "SIGINT")], complete=False)
        pages.append((folder / PAGE).read_bytes())
        opened = open_page(folder / PAGE)
        expect(opened.page.locator("#times")).to_contain_text("Interrupted run on")
        expect(opened.page.locator("#list summary").first).to_contain_text(f"{seconds} s")
        expect(opened.page.get_by_text("Incomplete")).to_be_visible()
        assert (opened.asked, opened.complaints) == ([], [])
        (folder / TIMINGS_SCRIPT).unlink()
        expect(open_page(folder / PAGE).page.locator("#times")).to_be_hidden()
    assert pages[0] == pages[1]


@pytest.mark.slow
def test_a_page_with_a_hundred_thousand_scenarios_has_five_megabytes_and_opens_in_two_seconds(
    open_page: Open, matrix: list[ScenarioResult], tmp_path: Path
) -> None:
    """The seconds are processor time of the page, so that a busy machine does not matter."""
    file, header = tmp_path / "many.html", ReportHeader("c0ffee", "7")
    with Reports(ReportTargets(html=file), header) as reports:
        for number in range(100_000):
            each = reported(matrix[3 - number % 3], RunRoot(tmp_path))
            name = f"{each.id} {number * 7919 % 100_000}"
            reports.add(replace(each, id=name, elapsed=number * 31 % 5_000_000, status=Status.PASSED))
        reports.close([])
    assert file.stat().st_size < 5_000_000
    opened = open_page(file)
    expect(opened.page.locator("#found")).to_have_text("100000 of 100000, 200 listed", timeout=60_000)
    client = opened.page.context.new_cdp_session(opened.page)
    client.send("Performance.enable")
    opened.page.reload()
    expect(opened.page.locator("#found")).to_have_text("100000 of 100000, 200 listed", timeout=60_000)
    taken = {each["name"]: each["value"] for each in client.send("Performance.getMetrics")["metrics"]}
    assert taken["TaskDuration"] < 2
