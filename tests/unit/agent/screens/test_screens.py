"""Every screen, in every language, with every trouble and message."""

import itertools

import pytest

from agent.core.screens import Action, LockCause, ScreenFacts, ScreenId, Trouble
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
def test_every_screen_is_whole_whatever_the_trouble_and_the_message(language: str) -> None:
    """A title, something to read, no placeholder left, and no empty paragraph, in all combinations."""
    troubles = (None, *Trouble)
    messages = (None, *MessageKey)
    for screen, trouble, message, full in itertools.product(ScreenId, troubles, messages, (True, False)):
        base = FULL if full else ScreenFacts()
        facts = ScreenFacts(
            message=message,
            trouble=trouble,
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
    """Invariant I5: no state of the agent may keep a person from an ambulance or from the way out."""
    actions = dict(build(screen, ScreenFacts(), language).actions)
    assert {Action.EMERGENCY_CALL, Action.WIFI_SETTINGS} <= set(actions)
    assert actions[Action.EMERGENCY_CALL] == load(language).actions[Action.EMERGENCY_CALL]


@pytest.mark.parametrize("screen", ScreenId)
def test_no_action_stands_twice(screen: ScreenId) -> None:
    """Two buttons of one name would leave the user to guess."""
    actions = [action for action, _ in build(screen, ScreenFacts(), "en").actions]
    assert len(actions) == len(set(actions))


def test_every_action_is_on_some_screen() -> None:
    """A translated label that no screen carries would be dead weight."""
    found = {action for screen in ScreenId for action, _ in build(screen, ScreenFacts(), "en").actions}
    assert found == set(Action)


@pytest.mark.parametrize("language", LANGUAGES)
def test_arabic_and_persian_run_from_right_to_left(language: str) -> None:
    """And no other language does."""
    expected = Direction.RTL if language in {"ar", "fa"} else Direction.LTR
    assert build(ScreenId.LOCKED, ScreenFacts(), language).direction is expected


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_lock_screen_is_black_with_a_padlock_and_the_policy_sentence(language: str) -> None:
    """What the user must learn at once: it is locked, by policy, and whom to ask."""
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
    """The dark screen is the sign of the lock."""
    assert {screen for screen in ScreenId if build(screen, FULL, "en").dark} == {ScreenId.LOCKED}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("message", MessageKey)
def test_the_lock_screen_states_the_policy_under_every_message(language: str, message: MessageKey) -> None:
    """No message of a server replaces the policy sentence, and the policy sentence stands once."""
    shown = build(ScreenId.LOCKED, ScreenFacts(message=message), language)
    policy = load(language).messages[MessageKey.NOT_SOLD_HERE].say({})
    assert shown.body.count(policy) == 1


@pytest.mark.parametrize("screen", ScreenId)
@pytest.mark.parametrize("message", MessageKey)
def test_a_message_stands_where_it_makes_sense(screen: ScreenId, message: MessageKey) -> None:
    """Good news on no locked screen, a lock's reason on no home screen: the last verdict may be older."""
    sentence = load("en").messages[message].say({})
    good, open_ = (
        (MessageKey.ACTIVATED, MessageKey.RELEASED),
        (MessageKey.TRY_LATER, MessageKey.ACCEPT_NEW_TERMS),
    )
    expected = {
        ScreenId.HOME: message in (*good, *open_),
        ScreenId.WAITING: message not in good,
        ScreenId.NOTICE: message not in good,
        ScreenId.LOCKED: message not in good,
    }.get(screen, False)
    assert (sentence in build(screen, ScreenFacts(message=message), "en").body) == expected


@pytest.mark.parametrize("screen", ScreenId)
@pytest.mark.parametrize("message", [None, *MessageKey])
def test_what_asks_for_new_terms_to_be_accepted_lets_them_be_accepted(
    screen: ScreenId, message: MessageKey | None
) -> None:
    """The button stands where the sentence stands, and otherwise in the wizard alone."""
    shown = build(screen, ScreenFacts(message=message), "en")
    asked = load("en").messages[MessageKey.ACCEPT_NEW_TERMS].say({}) in shown.body
    offered = [action for action, _ in shown.actions].count(Action.ACCEPT_TERMS)
    assert offered == (asked or screen is ScreenId.TERMS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_lock_screen_states_the_cause_of_the_lock(language: str) -> None:
    """A device that was locked because it reached no server shows no sentence about a territory."""
    offline = load(language).bodies[ScreenId.OFFLINE_WARNING][0].say({})
    policy = load(language).messages[MessageKey.NOT_SOLD_HERE].say({})
    for cause, trouble in itertools.product(LockCause, [None, *Trouble]):
        facts = ScreenFacts(message=MessageKey.ACTIVATED, cause=cause, trouble=trouble)
        first = build(ScreenId.LOCKED, facts, language).body[0]
        assert first == (offline if cause is LockCause.OFFLINE else policy), (cause, trouble)


@pytest.mark.parametrize("screen", ScreenId)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_challenge_for_an_unlock_code_stands_on_the_lock_screen_alone(
    language: str, screen: ScreenId
) -> None:
    """It is what the user reads to support; without one no line asks for it."""
    shown = words(build(screen, ScreenFacts(challenge="AAAAA-BBBBB"), language))
    assert ("AAAAA-BBBBB" in shown) == (screen is ScreenId.LOCKED)
    label = load(language).labels[Label.CHALLENGE].say({"challenge": "X"}).rstrip("X")
    assert label not in words(build(screen, ScreenFacts(), language))


@pytest.mark.parametrize("screen", ScreenId)
def test_imeis_are_on_the_lock_screen_on_request_and_nowhere_else(screen: ScreenId) -> None:
    """An identifier is shown only to the person who asks for it."""
    shown = words(build(screen, FULL, "en"))
    assert all((imei in shown) == (screen is ScreenId.LOCKED) for imei in FULL.imeis)
    assert "IMEI:" not in words(build(screen, ScreenFacts(), "en"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_language_screen_lists_all_nine_in_their_own_names(language: str) -> None:
    """Whoever cannot read the current language must still find their own."""
    listed = build(ScreenId.LANGUAGE, ScreenFacts(), language).body[-1].split("\n")
    assert listed == [f"{FSI}{name}{PDI}" for _, name in languages()]
    assert len(set(listed)) == len(LANGUAGES) == 9


@pytest.mark.parametrize("language", LANGUAGES)
def test_waiting_names_the_trouble_and_when_it_tries_again(language: str) -> None:
    """Each trouble has a sentence of its own, because each is mended by someone else."""
    sentences = set()
    for trouble in Trouble:
        body = build(ScreenId.WAITING, ScreenFacts(trouble=trouble, retry_at=SEPTEMBER), language).body
        sentences.add(load(language).troubles[trouble].say({}))
        assert load(language).troubles[trouble].say({}) in body
        assert moment(SEPTEMBER, language) in body[-1]
    assert len(sentences) == len(Trouble)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("screen", [ScreenId.NOTICE, ScreenId.OFFLINE_WARNING])
def test_an_announced_lock_shows_its_moment(language: str, screen: ScreenId) -> None:
    """A lock without its date is not announced."""
    assert moment(SEPTEMBER, language) in words(build(screen, ScreenFacts(lock_at=SEPTEMBER), language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_terms_have_a_version_and_an_export_clause(language: str) -> None:
    """Consent is to a text that can be named."""
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
def test_a_moment_reads_as_the_language_writes_it(language: str, expected: str) -> None:
    """In UTC, and saying so, because the phone may not know its time zone."""
    assert moment(SEPTEMBER, language) == isolated(expected)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("seconds", [-(2**53), -1, 0, LAST_MOMENT, LAST_MOMENT + 1, 2**53 - 1, 10**30])
def test_no_moment_is_too_far_to_show(language: str, seconds: int) -> None:
    """A verdict may carry any integer; a date that cannot be written must not keep a screen away."""
    assert "UTC" in moment(seconds, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_territories_of_the_policy_have_names(language: str) -> None:
    """Crimea and Sevastopol are not in CLDR's list of countries and have entries of their own."""
    own = load(language).territories
    names = [territory(code, language, own) for code in (*PROHIBITED, "UA-40", "UA", "SS")]
    assert len(set(names)) == len(names)
    assert not any(code in name for code, name in zip((*PROHIBITED, "UA-40"), names, strict=False))


def test_an_unknown_territory_is_shown_by_its_code() -> None:
    """Better the code than a wrong name or an empty line."""
    assert territory("QX", "en", {}) == isolated("QX")
    assert territory("FR-75", "en", {}) == isolated("France (FR-75)")
    assert territory("", "en", {}) == ""


def test_a_fact_of_the_phone_wins_over_an_argument_of_the_server() -> None:
    """Otherwise a message could move the date of the lock on the screen."""
    facts = ScreenFacts(args=(("lock_at", "never"), ("case", "other")), case="C-1", lock_at=SEPTEMBER)
    shown = words(build(ScreenId.NOTICE, facts, "en"))
    assert "never" not in shown
    assert "other" not in shown


def test_the_first_variant_whose_arguments_are_known_is_said() -> None:
    """An argument that is empty counts as unknown."""
    sentence = Sentence(("{a} and {b}", "{a}", "none"))
    assert sentence.say({"a": "1", "b": "2"}) == "1 and 2"
    assert sentence.say({"a": "1", "b": ""}) == "1"
    assert sentence.say({}) == "none"
    assert Sentence(("{a}",)).say({}) == ""
