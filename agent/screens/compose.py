"""Which words stand on which screen, as literal tables, and `build`, which puts them there."""

from collections.abc import Callable, Mapping
from typing import Final

from agent.core.screens import Action, LockCause, ScreenFacts, ScreenId
from agent.screens.catalogue import Catalogue, Label, languages, load
from agent.screens.fill import FSI, PDI, isolated
from agent.screens.names import moment, territory
from agent.screens.screen import Screen, Symbol
from agent.screens.tags import resolve
from wire.codes import MessageKey

Values = Mapping[str, str]
Part = Callable[[Catalogue, ScreenId, ScreenFacts, Values], tuple[str, ...]]
"""One piece of a body: its paragraphs, where an empty one means that there is nothing to say."""


def build(screen: ScreenId, facts: ScreenFacts, locale: str) -> Screen:
    """The screen in the language that answers `locale`, or in English.

    Facts that are empty are not mentioned. Never fails on a fact, whatever it holds: the lock screen and its
    emergency call must come up.

    >>> build(ScreenId.LOCKED, ScreenFacts(), "es").title
    'Este teléfono está bloqueado'
    """
    catalogue = load(resolve(locale))
    values = _values(catalogue, facts)
    parts = (part(catalogue, screen, facts, values) for part in _BODY[screen])
    paragraphs = dict.fromkeys(text for part in parts for text in part if text)
    return Screen(
        id=screen,
        locale=catalogue.tag,
        direction=catalogue.direction,
        title=catalogue.titles[screen],
        body=tuple(paragraphs),
        actions=tuple((action, catalogue.actions[action]) for action in _actions(screen, facts)),
        symbol=_SYMBOL.get(screen),
        dark=screen is ScreenId.LOCKED,
    )


def _actions(screen: ScreenId, facts: ScreenFacts) -> tuple[Action, ...]:
    """What asks for new terms to be accepted lets them be accepted."""
    asked = facts.message is MessageKey.ACCEPT_NEW_TERMS and facts.message in _MESSAGES.get(screen, ())
    return (*((Action.ACCEPT_TERMS,) if asked else ()), *_ACTIONS[screen], *_ALWAYS)


def _values(catalogue: Catalogue, facts: ScreenFacts) -> dict[str, str]:
    """What a sentence may mention. A fact of the phone wins over a server argument of its name."""
    values = {name: isolated(text) for name, text in facts.args}
    values["case"] = isolated(facts.case)
    values["challenge"] = isolated(facts.challenge)
    values["terms"] = isolated(facts.terms_version)
    values["territory"] = territory(facts.territory, catalogue.tag, catalogue.territories)
    values["lock_at"] = "" if facts.lock_at is None else moment(facts.lock_at, catalogue.tag)
    values["retry_at"] = "" if facts.retry_at is None else moment(facts.retry_at, catalogue.tag)
    return values


def _own(catalogue: Catalogue, screen: ScreenId, _facts: ScreenFacts, values: Values) -> tuple[str, ...]:
    return tuple(sentence.say(values) for sentence in catalogue.bodies[screen])


def _policy(catalogue: Catalogue, _screen: ScreenId, facts: ScreenFacts, values: Values) -> tuple[str, ...]:
    """Why it is locked: by policy, or, where no verdict locked it, by its long silence."""
    if facts.cause is LockCause.OFFLINE:
        return (catalogue.bodies[ScreenId.OFFLINE_WARNING][0].say(values),)
    return (catalogue.messages[MessageKey.NOT_SOLD_HERE].say(values),)


def _message(catalogue: Catalogue, screen: ScreenId, facts: ScreenFacts, values: Values) -> tuple[str, ...]:
    if facts.message is None or facts.message not in _MESSAGES[screen]:
        return ()
    return (catalogue.messages[facts.message].say(values),)


def _trouble(catalogue: Catalogue, _screen: ScreenId, facts: ScreenFacts, values: Values) -> tuple[str, ...]:
    return (catalogue.troubles[facts.trouble].say(values),) if facts.trouble else ()


def _imeis(catalogue: Catalogue, _screen: ScreenId, facts: ScreenFacts, _values: Values) -> tuple[str, ...]:
    return tuple(catalogue.labels[Label.IMEI].say({"imei": isolated(imei)}) for imei in facts.imeis)


def _names(_catalogue: Catalogue, _screen: ScreenId, _facts: ScreenFacts, _values: Values) -> tuple[str, ...]:
    return ("\n".join(f"{FSI}{name}{PDI}" for _, name in languages()),)


def _label(label: Label) -> Part:
    return lambda catalogue, _screen, _facts, values: (catalogue.labels[label].say(values),)


_case, _territory, _retry = _label(Label.CASE), _label(Label.TERRITORY), _label(Label.RETRY)
_challenge = _label(Label.CHALLENGE)

_BODY: Final[Mapping[ScreenId, tuple[Part, ...]]] = {
    ScreenId.LANGUAGE: (_own, _names),
    ScreenId.TERMS: (_own,),
    ScreenId.CONNECT: (_own, _trouble),
    ScreenId.ACTIVATING: (_own,),
    ScreenId.WAITING: (_own, _trouble, _message, _retry),
    ScreenId.HOME: (_own, _message),
    ScreenId.NOTICE: (_own, _message, _territory, _case),
    ScreenId.OFFLINE_WARNING: (_own, _trouble, _retry),
    ScreenId.LOCKED: (_policy, _own, _message, _trouble, _territory, _case, _challenge, _imeis),
}

_GOOD: Final = frozenset({MessageKey.ACTIVATED, MessageKey.RELEASED})
_OPEN: Final = frozenset({MessageKey.TRY_LATER, MessageKey.ACCEPT_NEW_TERMS})
_LOCKING: Final = frozenset(
    {MessageKey.NOT_SOLD_HERE, MessageKey.NOTICE_OF_LOCK, MessageKey.UNDER_INVESTIGATION}
)

_MESSAGES: Final[Mapping[ScreenId, frozenset[MessageKey]]] = {
    ScreenId.WAITING: _OPEN | _LOCKING,
    ScreenId.HOME: _GOOD | _OPEN,
    ScreenId.NOTICE: _OPEN | _LOCKING,
    ScreenId.LOCKED: _OPEN | _LOCKING,
}
"""The messages that make sense on a screen. The last verdict may be older than the screen: a phone that is
locked for want of a server must not read "This phone is activated"."""

_ALWAYS: Final = (Action.WIFI_SETTINGS, Action.EMERGENCY_CALL)
"""On every screen (invariant I5). On HOME they stand for the launcher's own settings and dialler."""

_ACTIONS: Final[Mapping[ScreenId, tuple[Action, ...]]] = {
    ScreenId.LANGUAGE: (Action.CONTINUE,),
    ScreenId.TERMS: (Action.ACCEPT_TERMS, Action.DECLINE_TERMS, Action.LANGUAGE),
    ScreenId.CONNECT: (Action.CONTINUE, Action.LANGUAGE),
    ScreenId.ACTIVATING: (),
    ScreenId.WAITING: (Action.RETRY, Action.LANGUAGE),
    ScreenId.HOME: (),
    ScreenId.NOTICE: (Action.CONTINUE, Action.RETRY),
    ScreenId.OFFLINE_WARNING: (Action.CONTINUE, Action.RETRY),
    ScreenId.LOCKED: (Action.RETRY, Action.ENTER_CODE, Action.SHOW_IMEI, Action.LANGUAGE),
}

_SYMBOL: Final[Mapping[ScreenId, Symbol]] = {
    ScreenId.LOCKED: Symbol.PADLOCK,
    ScreenId.NOTICE: Symbol.WARNING,
    ScreenId.OFFLINE_WARNING: Symbol.WARNING,
}
