"""The lists of docs/developers/settings.md, from the table of settings: `python -m tools.settings_page FILE`."""

import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Final

from server_stub.settings import TABLE, Setting

BEGIN: Final = "<!-- Generated from server_stub/settings.py by `make generate`. -->\n"
END: Final = "<!-- End of the generated part. -->\n"


def lists() -> Iterator[str]:
    """The lines of one list for each group."""
    for group, settings in groupby(TABLE.values(), key=lambda setting: setting.group):
        yield f"### {group}"
        yield ""
        yield from map(_item, settings)
        yield ""


def _item(setting: Setting) -> str:
    names = ", ".join(f"`{name}`" for name in setting.options)
    default = f" (`{setting.default}`)" if setting.default else ""
    mark = "\\*" if setting.reloads else ""
    return f"- {names}{default}{mark}: {setting.description}"


def page(text: str) -> str:
    """The page `text` with the present lists. Raises ValueError if it has no place for them."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page has no generated part")
    return f"{before}{BEGIN}\n" + "\n".join(lists()) + f"\n{END}{after}"


if __name__ == "__main__":
    file = Path(sys.argv[1])
    file.write_text(page(file.read_text("utf-8")), "utf-8")
