"""Every screen in every language, with every trouble and message."""

import itertools
from dataclasses import replace

import pytest

from agent.core.screens import Action, LockCause, ModemTrouble, ScreenFacts, ScreenId, Trouble
from agent.screens import LANGUAGES, Direction, Screen, Symbol, build, languages
from agent.screens.catalogue import Label, load
from agent.screens.fill import FSI, PDI, Sentence, isolated
from agent.screens.names import LAST_MOMENT, moment, territory
from wire.codes import MessageKey

SEPTEMBER = 1_631_700_000
FULL = ScreenFacts(
    args=(("version", "2022-01"), ("contact", "Tienda 23")),
    case="C-2021-0042",
    territory="CU",
    lock_at=SEPTEMBER,
    retry_at=SEPTEMBER + 600,
    terms_version="2021-08",
    imeis=("001001210000017", "001001210000025"),
)
PROHIBITED = ("CU", "IR", "SY", "KP", "SD", "UA-43")


def words(screen: Screen) -> str:
    return "\n".join((screen.title, *screen.body, *(label for _, label in screen.actions)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_screen_is_complete_with_any_trouble_and_message(language: str) -> None:
    """A title, text, no placeholder and no empty paragraph."""
    troubles = (None, *Trouble)
    messages = (None, *MessageKey)
    for screen, trouble, message, full in itertools.product(ScreenId, troubles, messages, (True, False)):
        modem = ModemTrouble.NOT_UNDERSTOOD if full else None
        base = FULL if full else ScreenFacts()
        facts = ScreenFacts(
            message=message,
            trouble=trouble,
            modem=modem,
            args=base.args,
            case=base.case,
            territory=base.territory,
            lock_at=base.lock_at,
            retry_at=base.retry_at,
            terms_version=base.terms_version,
            imeis=base.imeis,
        )
        shown = build(screen, facts, language)
        assert shown.title
        assert shown.body
        assert all(shown.body)
        assert not set(words(shown)) & set("{}")
        assert len(set(shown.body)) == len(shown.body)


@pytest.mark.parametrize(("language", "screen"), list(itertools.product(LANGUAGES, ScreenId)))
def test_emergency_call_and_wifi_settings_are_on_every_screen(language: str, screen: ScreenId) -> None:
    """Invariant I5."""
    actions = dict(build(screen, ScreenFacts(), language).actions)
    assert {Action.EMERGENCY_CALL, Action.WIFI_SETTINGS} <= set(actions)
    assert actions[Action.EMERGENCY_CALL] == load(language).actions[Action.EMERGENCY_CALL]


@pytest.mark.parametrize("screen", ScreenId)
def test_no_action_is_repeated(screen: ScreenId) -> None:
    actions = [action for action, _ in build(screen, ScreenFacts(), "en").actions]
    assert len(actions) == len(set(actions))


def test_every_action_is_on_a_screen() -> None:
    found = {action for screen in ScreenId for action, _ in build(screen, ScreenFacts(), "en").actions}
    assert found == set(Action)


@pytest.mark.parametrize("language", LANGUAGES)
def test_only_arabic_and_persian_are_right_to_left(language: str) -> None:
    expected = Direction.RTL if language in {"ar", "fa"} else Direction.LTR
    assert build(ScreenId.LOCKED, ScreenFacts(), language).direction is expected


@pytest.mark.parametrize("language", LANGUAGES)
def test_lock_screen_is_black_with_a_padlock_and_the_policy_sentence(language: str) -> None:
    shown = build(ScreenId.LOCKED, ScreenFacts(case="C-42"), language)
    assert (shown.dark, shown.symbol) == (True, Symbol.PADLOCK)
    assert shown.body[0] == load(language).messages[MessageKey.NOT_SOLD_HERE].variants[-1]
    assert f"{FSI}C-42{PDI}" in words(shown)
    assert {action for action, _ in shown.actions} == {
        Action.EMERGENCY_CALL,
        Action.WIFI_SETTINGS,
        Action.LANGUAGE,
        Action.RETRY,
        Action.ENTER_CODE,
        Action.SHOW_IMEI,
    }


def test_only_the_lock_screen_is_black() -> None:
    assert {screen for screen in ScreenId if build(screen, FULL, "en").dark} == {ScreenId.LOCKED}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("message", MessageKey)
def test_lock_screen_has_the_policy_sentence_once_with_every_message(
    language: str, message: MessageKey
) -> None:
    shown = build(ScreenId.LOCKED, ScreenFacts(message=message), language)
    policy = load(language).messages[MessageKey.NOT_SOLD_HERE].fill({})
    assert shown.body.count(policy) == 1


@pytest.mark.parametrize("screen", ScreenId)
@pytest.mark.parametrize("message", MessageKey)
def test_message_is_shown_only_on_permitted_screens(screen: ScreenId, message: MessageKey) -> None:
    """The last verdict can be older than the state."""
    sentence = load("en").messages[message].fill({})
    valid, open_ = (
        (MessageKey.ACTIVATED, MessageKey.RELEASED),
        (MessageKey.TRY_LATER, MessageKey.ACCEPT_NEW_TERMS),
    )
    expected = {
        ScreenId.HOME: message in (*valid, *open_),
        ScreenId.WAITING: message not in valid,
        ScreenId.NOTICE: message not in valid,
        ScreenId.LOCKED: message not in valid,
    }.get(screen, False)
    assert (sentence in build(screen, ScreenFacts(message=message), "en").body) == expected


@pytest.mark.parametrize("screen", ScreenId)
@pytest.mark.parametrize("message", [None, *MessageKey])
def test_accept_button_is_shown_with_the_request_for_new_terms(
    screen: ScreenId, message: MessageKey | None
) -> None:
    """And otherwise only in the wizard."""
    shown = build(screen, ScreenFacts(message=message), "en")
    asked = load("en").messages[MessageKey.ACCEPT_NEW_TERMS].fill({}) in shown.body
    offered = [action for action, _ in shown.actions].count(Action.ACCEPT_TERMS)
    assert offered == (asked or screen is ScreenId.TERMS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_lock_screen_states_the_cause_of_the_lock(language: str) -> None:
    """A device that was locked because it reached no server shows no sentence about a territory."""
    offline = load(language).bodies[ScreenId.OFFLINE_WARNING][0].fill({})
    policy = load(language).messages[MessageKey.NOT_SOLD_HERE].fill({})
    for cause, trouble in itertools.product(LockCause, [None, *Trouble]):
        facts = ScreenFacts(message=MessageKey.ACTIVATED, cause=cause, trouble=trouble)
        first = build(ScreenId.LOCKED, facts, language).body[0]
        assert first == (offline if cause is LockCause.OFFLINE else policy), (cause, trouble)


@pytest.mark.parametrize("screen", ScreenId)
@pytest.mark.parametrize("language", LANGUAGES)
def test_challenge_is_shown_only_on_the_lock_screen(language: str, screen: ScreenId) -> None:
    shown = words(build(screen, ScreenFacts(challenge="AAAAA-BBBBB"), language))
    assert ("AAAAA-BBBBB" in shown) == (screen is ScreenId.LOCKED)
    label = load(language).labels[Label.CHALLENGE].fill({"challenge": "X"}).rstrip("X")
    assert label not in words(build(screen, ScreenFacts(), language))


@pytest.mark.parametrize("screen", ScreenId)
def test_imeis_are_shown_only_on_the_lock_screen_on_request(screen: ScreenId) -> None:
    shown = words(build(screen, FULL, "en"))
    assert all((imei in shown) == (screen is ScreenId.LOCKED) for imei in FULL.imeis)
    assert "IMEI:" not in words(build(screen, ScreenFacts(), "en"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_language_screen_lists_all_languages_by_their_native_names(language: str) -> None:
    listed = build(ScreenId.LANGUAGE, ScreenFacts(), language).body[-1].split("\n")
    assert listed == [f"{FSI}{name}{PDI}" for _, name in languages()]
    assert len(set(listed)) == len(LANGUAGES) == 9


@pytest.mark.parametrize("language", LANGUAGES)
def test_waiting_screen_shows_the_trouble_and_the_next_retry(language: str) -> None:
    sentences = set()
    for trouble in Trouble:
        body = build(ScreenId.WAITING, ScreenFacts(trouble=trouble, retry_at=SEPTEMBER), language).body
        sentences.add(load(language).troubles[trouble].fill({}))
        assert load(language).troubles[trouble].fill({}) in body
        assert moment(SEPTEMBER, language) in body[-1]
    assert len(sentences) == len(Trouble)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "screen",
    [ScreenId.CONNECT, ScreenId.WAITING, ScreenId.HOME, ScreenId.OFFLINE_WARNING, ScreenId.LOCKED],
)
def test_screen_distinguishes_a_silent_modem_from_one_that_is_not_understood(
    language: str, screen: ScreenId
) -> None:
    complete = build(screen, FULL, language).body
    silent, senseless = (
        set(build(screen, replace(FULL, modem=trouble), language).body) - set(complete)
        for trouble in (ModemTrouble.NO_ANSWER, ModemTrouble.NOT_UNDERSTOOD)
    )
    assert (len(silent), len(senseless)) == (1, 1)
    assert silent != senseless


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("screen", [ScreenId.NOTICE, ScreenId.OFFLINE_WARNING])
def test_notice_shows_the_time_of_the_announced_lock(language: str, screen: ScreenId) -> None:
    assert moment(SEPTEMBER, language) in words(build(screen, ScreenFacts(lock_at=SEPTEMBER), language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_terms_have_a_version_and_an_export_clause(language: str) -> None:
    body = build(ScreenId.TERMS, FULL, language).body
    assert f"{FSI}2021-08{PDI}" in body[0]
    assert len(body) == 4


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "September 15, 2021, 10:00 UTC"),
        ("fr", "15 septembre 2021, 10:00 UTC"),
        ("es", "15 de septiembre de 2021, 10:00 UTC"),
        ("ar", "15 سبتمبر 2021، 10:00 UTC"),
        ("fa", "۱۵ سپتامبر ۲۰۲۱، ساعت ۱۰:۰۰ UTC"),
        ("ko", "2021년 9월 15일 10:00 UTC"),
        ("ru", "15 сентября 2021 г., 10:00 UTC"),
        ("uk", "15 вересня 2021 р., 10:00 UTC"),
        ("zh", "2021年9月15日 10:00 UTC"),
    ],
)
def test_time_is_in_the_format_of_the_language(language: str, expected: str) -> None:
    """In UTC, because the device may not know its time zone."""
    assert moment(SEPTEMBER, language) == isolated(expected)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("seconds", [-(2**53), -1, 0, LAST_MOMENT, LAST_MOMENT + 1, 2**53 - 1, 10**30])
def test_any_integer_can_be_shown_as_a_time(language: str, seconds: int) -> None:
    assert "UTC" in moment(seconds, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_territories_of_the_policy_have_names(language: str) -> None:
    """CLDR's list of countries does not have Crimea and Sevastopol."""
    own = load(language).territories
    names = [territory(code, language, own) for code in (*PROHIBITED, "UA-40", "UA", "SS")]
    assert len(set(names)) == len(names)
    assert not any(code in name for code, name in zip((*PROHIBITED, "UA-40"), names, strict=False))


def test_unknown_territory_is_shown_by_its_code() -> None:
    assert territory("QX", "en", {}) == isolated("QX")
    assert territory("FR-75", "en", {}) == isolated("France (FR-75)")
    assert territory("", "en", {}) == ""


def test_fact_of_the_device_overrides_an_argument_of_the_server() -> None:
    """Otherwise a message could change the date of the lock on the screen."""
    facts = ScreenFacts(args=(("lock_at", "never"), ("case", "other")), case="C-1", lock_at=SEPTEMBER)
    shown = words(build(ScreenId.NOTICE, facts, "en"))
    assert "never" not in shown
    assert "other" not in shown


def test_first_variant_with_known_arguments_is_used() -> None:
    """An empty argument counts as unknown."""
    sentence = Sentence(("{a} and {b}", "{a}", "none"))
    assert sentence.fill({"a": "1", "b": "2"}) == "1 and 2"
    assert sentence.fill({"a": "1", "b": ""}) == "1"
    assert sentence.fill({}) == "none"
    assert Sentence(("{a}",)).fill({}) == ""
