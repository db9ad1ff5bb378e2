"""What is wrong with a file that is not YAML, in words, with what to write instead."""

import re
from collections.abc import Iterator
from typing import Final

import yaml
from yaml import MarkedYAMLError

from lab.scenario.files.errors import ERRORS_MAX, FileError, FileErrorCode
from lab.scenario.model.step_union import VERBS

EXCERPT_MAX: Final = 120
"""Most characters of a line that an error repeats."""

_RESERVED: Final = re.compile(r" *(?:- +)*(?:[\w-]+: +)?(?P<mark>[@`%])")
_REFERENCE_IN_FLOW: Final = re.compile(r"[\[{,:] *\$\{")
_WITHOUT_SPACE: Final = r"^\s*(?:- +)*([\w-]+):(\S.*)$"
_BLOCK: Final = re.compile(r"(?:^|[:\- ])[|>][-+0-9]*\s*(?:#.*)?$")

_SECOND_COLON: Final = (
    "has a second colon in a value; write the value in quotes, as in about: 'first: second'"
)
_OF_LINES: Final = ("mapping values", "could not find expected ':'", "<block end>, but found '?'")
"""What the loader says of lines that do not belong together."""
_LOOK_BACK: Final = 20
"""Most lines above an error in which its cause is looked for."""
_STEP: Final = re.compile(r"^(?P<dashes>\s*-\s+)(?P<verb>[\w-]+)(?P<rest>:?.*)$")
_LINE: Final = re.compile(r"^(?P<indent>\s*)(?P<dash>-?)(?P<name>[A-Za-z][\w-]*)(?P<rest>.*)$")

_BY_PROBLEM: Final[tuple[tuple[str, str], ...]] = (
    ("another document", "begins a second document; remove the line `---`"),
    ("unknown escape character", "has a backslash that means nothing in double quotes; use single quotes"),
    ("escape sequence of", "has an incomplete character code after a backslash; use single quotes"),
    (
        "sequence entries are not allowed here",
        "has a dash after a colon; begin the list on the next line, indented",
    ),
    ("special characters are not allowed", "has a control character, which cannot be shown; remove it"),
    ("found character '@'", "has a value that begins with `@`; write it in quotes, as in '@name'"),
    ("found character '`'", "has a value that begins with a backquote; write it in quotes, as in '`name`'"),
    ("found character '%'", "has a value that begins with `%`; write it in quotes, as in '%d'"),
    ("but found '#'", "has a comment directly after `|` or `>`; put a space before `#`"),
    ("indentation indicator", "has `|0`; the number after `|` is 1 to 9, or leave it out"),
    (
        "expected (chomping|a comment or a line break)",
        "has text after `|` or `>`; begin it on the next line, indented",
    ),
    ("alphabetic or numeric character|directive", "begins with `%`; write the value in quotes, as in '%d'"),
    ("expected '<document start>'", "is indented less than the first line; align the lines"),
    (
        "expected <block end>, but found '(-|<block sequence start>)'",
        "has a dash at another indentation than the list; align the dashes",
    ),
    (
        "expected <block end>, but found '<scalar>'",
        "has text after a closing quote; put all of it in the quotes",
    ),
    (
        "expected <block end>, but found '}'",
        "has a `}` without a `{`; remove it, or write the value in quotes",
    ),
    (
        "expected <block end>, but found ']'",
        "has a `]` without a `[`; remove it, or write the value in quotes",
    ),
    (
        "expected <block end>, but found ','",
        "has a comma after a value; remove it, or put brackets around the list",
    ),
    (
        "expected <block end>",
        "is indented differently from the lines above that belong together; align it with them",
    ),
    (
        "expected <document start>",
        "has text after the end of the value; align it with the lines above, or remove it",
    ),
    ("found unexpected ':'", "has a colon in a list or a table; write the text in quotes"),
)
"""A pattern of the loader's problem, and what it means in the file. The first that fits is used."""


def describe(error: yaml.YAMLError, text: str) -> list[FileError]:
    """The error of the loader, and mistakes of the same kind in other lines, at most `ERRORS_MAX`."""
    lines = text.splitlines() or [""]
    line, column, message = _first(error, lines)
    found = [FileError(line, column, FileErrorCode.SYNTAX, "", message)]
    others = (each for each in _obvious(lines) if each.line != line)
    return [*found, *(each for each, _ in zip(others, range(ERRORS_MAX), strict=False))]


def excerpt(text: list[str], line: int) -> str:
    """The text of a line, with tabs as `\\t`; shortened if it is long."""
    shown = text[line - 1].rstrip().replace("\t", "\\t") if 0 < line <= len(text) else ""
    return shown if len(shown) <= EXCERPT_MAX else f"{shown[:EXCERPT_MAX]} …"


def _first(error: yaml.YAMLError, lines: list[str]) -> tuple[int, int, str]:
    """Line and column, from 1, and the message of the loader's error."""
    problem = str(getattr(error, "problem", None) or error).splitlines()[0]
    mark, began = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else _position(error, lines)
    here = lines[line - 1] if line <= len(lines) else ""
    if type(error) is MarkedYAMLError:  # of the loader of scenario files
        return line, column, f"has {problem}"
    if "'\\t'" in problem or re.match(r" *\t", here):
        return line, column, "is not YAML: a tab; indent with spaces"
    found = _open_quote(error, began, lines) or _in_brackets(problem, mark, began, lines)
    if found is None and any(words in problem for words in _OF_LINES):
        found = _misplaced_step(lines, line)
    if found is None and "mapping values are not allowed" in problem:
        found = _colon(lines, line, column)
    if found is None and "could not find expected ':'" in problem:
        found = _no_colon(lines, began.line + 1 if began else line)
    words = next(
        (meaning for words, meaning in _BY_PROBLEM if re.search(words, problem)), f"is not YAML: {problem}"
    )
    return found or (line, column, words)


def _misplaced_step(lines: list[str], line: int) -> tuple[int, int, str] | None:
    """A step without its dash, without the space after it, or without a colon before its members.

    The loader takes such a line for a part of the text above, and reports a later one.
    """
    for number in range(min(line, len(lines)), max(0, line - _LOOK_BACK), -1):
        found = _LINE.match(lines[number - 1])
        if found and found["dash"]:
            text = lines[number - 1].strip()[1:]
            return number, len(found["indent"]) + 1, f"has no space after the dash; write `- {text[:40]}`"
    steps = range(min(line - 1, len(lines)), 0, -1)
    above = next((at for at in steps if (found := _STEP.match(lines[at - 1])) and found["verb"] in VERBS), 0)
    step = _STEP.match(lines[above - 1]) if above else None
    found = _LINE.match(lines[above]) if above < len(lines) else None
    if step is None or found is None:
        return None
    number, column, dash = above + 1, len(found["indent"]) + 1, step["dashes"].index("-") + 1
    if found["name"] in VERBS and (column == dash or not step["rest"]):
        text = lines[above].strip()[:40]
        return number, column, f"is a step without its dash; write `- {text}`, below the dash above"
    if column == dash and found["rest"].startswith(":"):
        return number, column, "is below the dash of its step; align it with the word after the dash"
    if not step["rest"] and found["rest"].startswith(":"):
        message = f"has no colon, and members below it; write `- {step['verb']}:`"
        return above, len(step["dashes"]) + 1, message
    return None


def _open_quote(
    error: yaml.YAMLError, began: yaml.Mark | None, lines: list[str]
) -> tuple[int, int, str] | None:
    """A quote that is not closed, at the place where it begins."""
    said = f"{getattr(error, 'context', '')} {getattr(error, 'problem', '')}"
    if began is None or "quoted" not in said or "unexpected end of stream" not in said:
        return None
    quote = lines[began.line][began.column]
    message = f"has a quote that is not closed; end the text with {quote}, or write it without quotes"
    return began.line + 1, began.column + 1, message


def _position(error: yaml.YAMLError, lines: list[str]) -> tuple[int, int]:
    """The position of a character that is not allowed."""
    at = int(getattr(error, "position", 0) or 0)
    for number, line in enumerate(lines, 1):
        if at <= len(line):
            return number, at + 1
        at -= len(line) + 1
    return 1, 1


def _in_brackets(
    problem: str, mark: yaml.Mark | None, began: yaml.Mark | None, lines: list[str]
) -> tuple[int, int, str] | None:
    """An error in a list or a table in brackets, at the place where it begins."""
    line = mark.line + 1 if mark else 1
    if mark and began and mark.line == began.line and "but got ':'" in problem:
        message = (
            "has two colons without a comma between two parts; write the text in quotes, as in {a: 'b: c'}"
        )
        return line, mark.column + 1, message
    close = next((bracket for bracket in "]}" if f"expected ',' or '{bracket}'" in problem), None)
    for number in (line, began.line + 1 if began else line):
        here = lines[number - 1] if number <= len(lines) else ""
        if (close or "node content" in problem) and (found := _REFERENCE_IN_FLOW.search(here)):
            message = 'has a reference in brackets; write it in quotes, as in {place: "${place}"}'
            return number, here.index("$", found.start()) + 1, message
    if close is None or began is None:
        if "node content" in problem or "while parsing a flow" in problem:
            return line, 1, "has a comma or a bracket where a value is missing; write the value, or remove it"
        return None
    what, shown = ("list", "[a, b]") if close == "]" else ("table", "{a: 1, b: 2}")
    message = f"has a {what} that is not closed, or without a comma between two parts; write {shown}"
    return began.line + 1, began.column + 1, message


def _colon(lines: list[str], line: int, column: int) -> tuple[int, int, str]:
    """What a colon means that is not allowed in a line."""
    here = lines[line - 1]
    above = next((at for at in range(line - 1, 0, -1) if lines[at - 1].strip()), 0)
    before = lines[above - 1] if above else ""
    if re.match(r"^\s*(- +)*[\w-]+:\s", here[: column - 1]):
        return line, column, _SECOND_COLON
    if re.match(_WITHOUT_SPACE, before):
        return _no_colon(lines, above)
    indented = len(here) - len(here.lstrip()) > len(before) - len(before.lstrip())
    if indented and re.search(r":\s+\S", before):
        message = "is indented more than the line above, which has a value already; align the two lines"
    else:
        message = (
            "has a colon where no name can be; align the line with those above, or write the text in quotes"
        )
    return line, column, message


def _no_colon(lines: list[str], line: int) -> tuple[int, int, str]:
    """A line that has no colon, or none with a space after it."""
    here = lines[line - 1] if line <= len(lines) else ""
    column = len(here) - len(here.lstrip()) + 1
    if found := re.match(_WITHOUT_SPACE, here):
        name, value = found.groups()
        return line, found.start(2) + 1, f"has no space after the colon; write `{name}: {value.strip()[:40]}`"
    return (
        line,
        column,
        "has no colon; write a name and a value, as in `name: …`, or a step, as in `- retry`",
    )


def _obvious(lines: list[str]) -> Iterator[FileError]:
    """Mistakes that one line shows, outside of texts of several lines."""
    block: int | None = None
    for number, line in enumerate(lines, 1):
        indented = len(line) - len(line.lstrip(" "))
        if block is not None and (indented > block or not line.strip()):
            continue
        block = indented if _BLOCK.search(line) else None
        message, column = "", indented + 1
        if re.match(r" *\t+ *\S", line):
            message = "is not YAML: a tab; indent with spaces"
        elif found := _RESERVED.match(line):
            column = found.start("mark") + 1
            message = next(meaning for words, meaning in _BY_PROBLEM if f"'{found['mark']}'" in words)
        if message:
            yield FileError(number, column, FileErrorCode.SYNTAX, "", message)
