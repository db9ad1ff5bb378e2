"""What an operator sets."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from server_stub.policies import DEFAULT
from server_stub.policy.errors import PolicyError
from server_stub.settings import Settings


def test_the_environment_sets_what_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container is configured from outside."""
    monkeypatch.setenv("ACTIVATION_SERVER_PORT", "8443")
    settings = Settings(issuer="i", audience="a")
    assert (settings.port, settings.host) == (8443, "127.0.0.1")


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    """Found at the start and not at the first request."""
    monkeypatch.setenv("ACTIVATION_SERVER_PORT", port)
    with pytest.raises(ValidationError, match="port"):
        Settings(issuer="i", audience="a")


def test_a_policy_is_a_shipped_one_or_a_file(tmp_path: Path) -> None:
    """A file that cannot be used is refused by its name."""
    assert Settings(issuer="i", audience="a").load_policy().document.id == DEFAULT
    path = tmp_path / "mine.toml"
    path.write_text("id = 1\n")
    with pytest.raises(PolicyError, match=r"mine\.toml:1: id"):
        Settings(issuer="i", audience="a", policy=str(path)).load_policy()


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("records/a.sqlite", "records/a.sqlite"),
        (
            "postgresql://judge:secret@db.example:6432/verdicts",
            "postgresql://judge:***@db.example:6432/verdicts",
        ),
        ("postgres://judge@db.example/verdicts?password=secret", "postgresql://judge@db.example/verdicts"),
    ],
)
def test_a_database_is_a_file_or_a_url(monkeypatch: pytest.MonkeyPatch, given: str, shown: str) -> None:
    """By the environment too, and no password is ever shown."""
    monkeypatch.setenv("ACTIVATION_SERVER_DATABASE", given)
    settings = Settings(issuer="i", audience="a")
    assert str(settings.database) == shown
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    "given", ["mysql://u:secret@h/d", "postgresql://u:secret@h:port/d", "https://u:secret@h/d", ""]
)
def test_what_is_no_database_is_refused_without_being_repeated(given: str) -> None:
    """An error that quotes a URL tells everybody who reads it a password."""
    with pytest.raises(ValidationError, match="database") as caught:
        Settings.model_validate({"issuer": "i", "audience": "a", "database": given})
    assert "secret" not in str(caught.value)
