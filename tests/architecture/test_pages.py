"""Every HTML page that the project writes forbids everything that it does not need."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for package in ("agent", "lab", "scenarios", "server_stub", "benchmarks")
    for path in (ROOT / package).rglob("*.html")
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_content_security_policy_is_the_first_thing_after_the_charset(page: Path) -> None:
    """A browser applies it to what follows the element."""
    head = page.read_text("utf-8").partition("<title>")[0]
    assert "Content-Security-Policy\" content=\"default-src 'none';" in head
    assert "base-uri 'none'; form-action 'none'" in head
    assert "'unsafe-eval'" not in head
    assert "script-src 'unsafe-inline'" not in head


def test_there_are_pages() -> None:
    assert len(PAGES) >= 3
