"""Every link between the pages of the project leads to a file, and to a heading or an anchor in it."""

import re
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")


def pages() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "*.md"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    found = [ROOT / name for name in listed.splitlines()]
    assert len(found) > 10
    return [page for page in found if page.is_file()]


def slug(heading: str) -> str:
    """The anchor that a Markdown renderer derives from a heading: lower case, words joined by hyphens."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@cache
def anchors(page: Path) -> frozenset[str]:
    """The anchors of a page."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ +(.*?) *$", text, re.MULTILINE)
    return frozenset(map(slug, headings)) | frozenset(re.findall(r'<a (?:id|name)="([^"]+)"', text))


def broken(page: Path) -> list[str]:
    text = CODE.sub("", FENCE.sub("", page.read_text(encoding="utf-8")))
    wrong = []
    for link in LINK.findall(text):
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if re.match(r"[a-z]+:", link):
            continue
        missing = not target.exists()
        if fragment and target.suffix == ".md" and not missing:
            missing = fragment not in anchors(target)
        if missing:
            wrong.append(f"{page.relative_to(ROOT)}: {link}")
    return wrong


def test_every_link_resolves() -> None:
    assert [link for page in pages() for link in broken(page)] == []
