"""The content of each screen, as literal tables, and `build`, which makes a screen from them."""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Final

from agent.core.screens import Action, LockCause, ScreenFacts, ScreenId
from agent.screens.catalogue import Catalogue, Label, languages, load
from agent.screens.fill import FSI, PDI, isolated
from agent.screens.names import moment, territory
from agent.screens.screen import Screen, Symbol
from agent.screens.tags import resolve
from wire.codes import MessageKey


class Part(Enum):
    """The parts of a body. The labels of the catalogue are parts too."""

    OWN = "own"
    """The screen's own sentences."""
    LANGUAGES = "languages"
    """The native names of all languages."""
    LOCK_CAUSE = "lock-cause"
    """Why the device is locked: by policy, or because it was offline too long."""
    MESSAGE = "message"
    TROUBLE = "trouble"
    MODEM = "modem"
    """What the phone lacks of its modem; the exchange goes on without it."""
    IMEIS = "imeis"


def build(screen: ScreenId, facts: ScreenFacts, locale: str) -> Screen:
    """The screen in the language for `locale`, or in English, with dates and digits as in its region.

    Empty facts are omitted. Accepts any text in the facts: the lock screen with its emergency call must be shown.

    >>> build(ScreenId.LOCKED, ScreenFacts(), "es").title
    'Este teléfono está bloqueado'
    """
    catalogue = load(resolve(locale))
    values = _values(catalogue, facts, locale)
    parts = (_paragraphs(part, catalogue, screen, facts, values) for part in _BODY[screen])
    paragraphs = dict.fromkeys(text for part in parts for text in part if text)
    actions = (*_ACTIONS[screen], *_ALWAYS)
    if facts.message is MessageKey.ACCEPT_NEW_TERMS and facts.message in _MESSAGES.get(screen, ()):
        actions = (Action.ACCEPT_TERMS, *actions)
    return Screen(
        id=screen,
        locale=catalogue.tag,
        direction=catalogue.direction,
        title=catalogue.titles[screen],
        body=tuple(paragraphs),
        actions=tuple((action, catalogue.actions[action]) for action in actions),
        symbol=_SYMBOL.get(screen),
        dark=screen is ScreenId.LOCKED,
    )


def _values(catalogue: Catalogue, facts: ScreenFacts, locale: str) -> dict[str, str]:
    """The arguments of sentences. A fact of the device overrides an argument of the server with the same name."""
    values = {name: isolated(text) for name, text in facts.args}
    values["case"] = isolated(facts.case)
    values["challenge"] = isolated(facts.challenge)
    values["terms"] = isolated(facts.terms_version)
    values["territory"] = territory(facts.territory, catalogue.tag, catalogue.territories)
    for name, time in (("lock_at", facts.lock_at), ("retry_at", facts.retry_at), ("date", facts.date)):
        values[name] = "" if time is None else moment(time, locale)
    return values


def _paragraphs(
    part: Part | Label, catalogue: Catalogue, screen: ScreenId, facts: ScreenFacts, values: Mapping[str, str]
) -> Iterator[str]:
    """The paragraphs of one part of a body. An empty one is omitted by the caller."""
    match part:
        case Label():
            yield catalogue.labels[part].fill(values)
        case Part.OWN:
            yield from (sentence.fill(values) for sentence in catalogue.bodies[screen])
        case Part.LANGUAGES:
            yield "\n".join(f"{FSI}{name}{PDI}" for _, name in languages())
        case Part.LOCK_CAUSE if facts.cause is LockCause.OFFLINE:
            yield catalogue.bodies[ScreenId.OFFLINE_WARNING][0].fill(values)
        case Part.LOCK_CAUSE:
            yield catalogue.messages[MessageKey.NOT_SOLD_HERE].fill(values)
        case Part.MESSAGE if facts.message is not None and facts.message in _MESSAGES[screen]:
            yield catalogue.messages[facts.message].fill(values)
        case Part.TROUBLE if facts.trouble:
            yield catalogue.troubles[facts.trouble].fill(values)
        case Part.MODEM if facts.modem:
            yield catalogue.modem[facts.modem].fill(values)
        case Part.IMEIS:
            yield from (catalogue.labels[Label.IMEI].fill({"imei": isolated(imei)}) for imei in facts.imeis)


_BODY: Final[Mapping[ScreenId, tuple[Part | Label, ...]]] = {
    ScreenId.LANGUAGE: (Part.OWN, Part.LANGUAGES),
    ScreenId.TERMS: (Part.OWN,),
    ScreenId.CONNECT: (Part.OWN, Part.TROUBLE, Part.MODEM),
    ScreenId.ACTIVATING: (Part.OWN,),
    ScreenId.WAITING: (Part.OWN, Part.TROUBLE, Part.MODEM, Part.MESSAGE, Label.RETRY),
    ScreenId.HOME: (Part.OWN, Part.MESSAGE, Part.MODEM),
    ScreenId.NOTICE: (Part.OWN, Part.MESSAGE, Label.TERRITORY, Label.CASE),
    ScreenId.OFFLINE_WARNING: (Part.OWN, Part.TROUBLE, Part.MODEM, Label.RETRY),
    ScreenId.LOCKED: (
        Part.LOCK_CAUSE,
        Part.OWN,
        Part.MESSAGE,
        Part.TROUBLE,
        Part.MODEM,
        Label.TERRITORY,
        Label.CASE,
        Label.CHALLENGE,
        Label.DATE,
        Part.IMEIS,
    ),
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
"""The messages that are permitted on a screen. The last verdict can be older than the state: a device that was locked
because it was offline must not show "This phone is activated"."""

_ALWAYS: Final = (Action.WIFI_SETTINGS, Action.EMERGENCY_CALL)
"""On every screen (invariant I5). On HOME they are the settings and the dialler of the launcher."""

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
