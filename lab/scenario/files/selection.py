"""Which scenarios of the files are run: by name, or by tag."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

from lab.scenario.files.reader import Case
from text_input.suggestions import nearest_words

_LISTED_MAX: Final = 12
"""Most tags that a message lists."""


@dataclass
class Selection:
    """Criteria, of which every kind must hold, and what `select` found of them.

    `only` are ids, combinations or file stems, `tags` and `not_tags` are tags; wildcards are allowed, and one match is
    sufficient. Tags that are joined by `+` must all be there.
    """

    only: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    not_tags: tuple[str, ...] = ()
    found: int = 0
    _matched: set[str] = field(default_factory=set)
    _names: dict[str, None] = field(default_factory=dict)
    _known_tags: set[str] = field(default_factory=set)

    def select(self, cases: Iterable[Case]) -> Iterator[Case]:
        """The scenarios to run."""
        for case in cases:
            if self.only:
                self._names |= dict.fromkeys((case.stem, case.id))
            self._known_tags |= {*case.scenario.tags}
            called = {name for name in self.only if _is_called(case, name)}
            tagged = {tags for tags in (*self.tags, *self.not_tags) if _has_tags(case, tags)}
            self._matched |= called | tagged
            if (
                (called or not self.only)
                and (not tagged.isdisjoint(self.tags) or not self.tags)
                and tagged.isdisjoint(self.not_tags)
            ):
                self.found += 1
                yield case

    def unmatched(self) -> Iterator[str]:
        """After `select`: a message with similar words for each name or tag that no scenario has."""
        for name in self.only:
            if name not in self._matched:
                yield f"no scenario is called {name!r}; {_hint(name, self._names) or '--list shows all ids'}"
        for tags in (*self.tags, *self.not_tags):
            if tags not in self._matched:
                known = sorted(self._known_tags)
                otherwise = f"the tags are {', '.join(known)}" if known else "no scenario has a tag"
                if len(known) > _LISTED_MAX:
                    otherwise = "--list shows all tags"
                yield f"no scenario has the tag {tags!r}; {_hint(tags, known) or otherwise}"


def _is_called(case: Case, name: str) -> bool:
    return any(each == name or fnmatchcase(each, name) for each in (case.id, case.combination, case.stem))


def _has_tags(case: Case, tags: str) -> bool:
    return all(any(fnmatchcase(tag, part) for tag in case.scenario.tags) for part in tags.split("+"))


def _hint(word: str, known: Iterable[str]) -> str:
    near = nearest_words(word.strip("*?"), known)
    return f"did you mean {' or '.join(map(repr, near))}?" if near else ""
