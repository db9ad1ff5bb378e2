"""Settings of a server."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from server_stub.policies import DEFAULT
from server_stub.policy.errors import PolicyError
from server_stub.settings import Settings


def test_the_environment_sets_what_arguments_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTIVATION_SERVER_PORT", "8443")
    settings = Settings(issuer="i", audience="a")
    assert (settings.port, settings.host) == (8443, "127.0.0.1")


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_an_invalid_port_is_rejected(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("ACTIVATION_SERVER_PORT", port)
    with pytest.raises(ValidationError, match="port"):
        Settings(issuer="i", audience="a")


def test_a_policy_is_a_shipped_one_or_a_file(tmp_path: Path) -> None:
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
    """The password is not shown."""
    monkeypatch.setenv("ACTIVATION_SERVER_DATABASE", given)
    settings = Settings(issuer="i", audience="a")
    assert str(settings.database) == shown
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    "given", ["mysql://u:secret@h/d", "postgresql://u:secret@h:port/d", "https://u:secret@h/d", ""]
)
def test_the_error_for_an_invalid_database_does_not_repeat_it(given: str) -> None:
    with pytest.raises(ValidationError, match="database") as caught:
        Settings.model_validate({"issuer": "i", "audience": "a", "database": given})
    assert "secret" not in str(caught.value)
