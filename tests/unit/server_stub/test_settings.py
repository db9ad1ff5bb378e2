"""The table of settings: each by option, by variable and by file; precedence; what is wrong, and where."""

import itertools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server_stub.configuration import Configuration
from server_stub.settings import TABLE, Kind, Settings
from server_stub.settings_sources import LoadedSettings, SettingsError, SettingValue, read_settings
from tests.support.settings import VALUES, config
from text_input.printable import LINE_MAX

TOGETHER = {"tls_cert": {"tls_key": ["key.pem"]}, "tls_key": {"tls_cert": ["cert.pem"]}}
"""Options that a setting needs."""


def as_option(name: str, text: str) -> Any:
    return text == "true" if TABLE[name].kind is Kind.FLAG else [text]


def as_variable(name: str, text: str) -> dict[str, str]:
    return {TABLE[name].variable: text}


def problem(
    options: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    file: str | None = None,
) -> str:
    with pytest.raises(SettingsError) as caught:
        read_settings(options or {}, environment or {}, file)
    return str(caught.value)


def test_each_setting_has_a_value_here_that_is_not_its_default() -> None:
    assert VALUES.keys() == Settings.model_fields.keys() == TABLE.keys()
    assert [name for name in TABLE if getattr(Settings(), name) == VALUES[name][2]] == []


@pytest.mark.parametrize("name", TABLE)
def test_each_setting_is_read_from_each_source(name: str, tmp_path: Path) -> None:
    text, toml, meaning = VALUES[name]
    also = TOGETHER.get(name, {})
    sources: list[Any] = [
        ({name: as_option(name, text)} | also, {}, None),
        (also, as_variable(name, f" {text}\n"), None),
        (also, {}, config(tmp_path, f"{name} = {toml}")),
        (also, {"ACTIVATION_SERVER_CONFIG": str(tmp_path / "server.toml")}, None),
    ]
    for source in sources:
        loaded = read_settings(*source)
        assert getattr(loaded.settings, name) == meaning
        others = {other: path for other, [path] in also.items()}
        assert loaded.settings == Settings.model_validate({name: meaning} | others)


def test_an_option_precedes_a_variable_a_variable_the_file_and_the_file_the_default(tmp_path: Path) -> None:
    file = config(tmp_path, "port = 3")
    for option, variable, with_file in itertools.product([True, False], repeat=3):
        loaded = read_settings(
            {"port": ["1"]} if option else {},
            as_variable("port", "2") if variable else {},
            file if with_file else None,
        )
        expected = 1 if option else 2 if variable else 3 if with_file else 8021
        assert loaded.settings.port == expected
        assert loaded.place("port") == {1: "--port", 2: "ACTIVATION_SERVER_PORT", 3: f"{file}:1: port"}.get(
            expected, "--port"
        )


def test_the_file_that_the_option_names_precedes_that_of_the_variable(tmp_path: Path) -> None:
    environment = {"ACTIVATION_SERVER_CONFIG": "/nowhere.toml"}
    assert read_settings({}, environment, config(tmp_path, "port = 3")).settings.port == 3


LINKS = {
    "ACTIVATION_SERVER_SERVICE_HOST": "10.0.0.1",
    "ACTIVATION_SERVER_SERVICE_PORT": "80",
    "ACTIVATION_SERVER_SERVICE_PORT_HTTP": "80",
    "ACTIVATION_SERVER_PORT": "tcp://10.0.0.1:80",
    "ACTIVATION_SERVER_PORT_80_TCP": "tcp://10.0.0.1:80",
    "ACTIVATION_SERVER_PORT_80_TCP_PROTO": "tcp",
    "ACTIVATION_SERVER_PORT_80_TCP_PORT": "80",
    "ACTIVATION_SERVER_PORT_80_TCP_ADDR": "10.0.0.1",
    "ACTIVATION_SERVER_METRICS_PORT": "udp://10.0.0.2:90",
    "ACTIVATION_SERVER_METRICS_SERVICE_HOST": "10.0.0.2",
}


def test_link_variables_of_orchestrators_are_ignored_and_named() -> None:
    loaded = read_settings(
        {}, {**LINKS, "ACTIVATION_SERVERS": "x", "ACTIVATION_ADMIN_TOKEN": "x", "PATH": ""}
    )
    assert loaded.settings == Settings()
    assert loaded.ignored == tuple(sorted(LINKS))


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("ACTIVATION_SERVER_PRT", "did you mean 'ACTIVATION_SERVER_PORT'"),
        ("ACTIVATION_SERVER_POLICIES", "did you mean 'ACTIVATION_SERVER_POLICY'"),
        ("activation_server_port", "did you mean 'ACTIVATION_SERVER_PORT'"),
        ("ACTIVATION_SERVER_", "did you mean 'ACTIVATION_SERVER_"),
        ("ACTIVATION_SERVER_PORT_", "ignored"),
    ],
)
def test_an_unknown_variable_is_an_error_with_the_nearest_word(name: str, advice: str) -> None:
    if advice == "ignored":
        assert read_settings({}, {name: "80"}).ignored == (name,)
    else:
        assert problem(environment={name: "80"}).startswith(f"{name}: this variable is no setting; {advice}")


WRONG: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "port": (("-1", "65536", "http", "80.5", "1_0_", ""), ("true", '"8443"', "1.5", "[80]", "-1", "''")),
    "host": (("", " ", "a\x00b", "\udcff"), ("1", '""', '"\\u0000"')),
    "hosts": (("http://verdict.example", "a b", "a:80"), ('"a"', "[1]", '["a", ""]', '["http://a"]', "{}")),
    "trusted_proxies": (("*", "proxy.example", "10.0.0.1/8"), ('"10.0.0.7"', '["*"]')),
    "keys": (("", "~no-such-user/keys"), ("1", '"~no-such-user/keys"')),
    "algorithm": (("ML-DSA-44", "eddsa"), ("1", '"ML-DSA-44"')),
    "allow_public_seed": ((), ('"true"', "1")),
    "status_list_max_age": (("0", "-1", "1d", "9" * 5000), ("0", '"1"')),
    "status_list_fetched_at": (("yesterday", "x" * 5000), ("true", "1.5", "[]", '"yesterday"')),
    "status_list_unusable": (("ignore",), ('"ignore"', "false")),
    "rate_per_address": (("often", "0/minute", "-1/minute", "", "9" * 5000), ("30", '"often"', "false")),
    "headers_seconds": (("0", "nan", "inf", "10s", "3601", ""), ('"10"', "0", "nan", "inf", "true")),
    "connections_max": (("0", "1.5"), ("0", "1.5", '"1"')),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_is_reported_with_its_place(name: str, tmp_path: Path) -> None:
    texts, tomls = WRONG[name]
    for text in texts:
        assert problem({name: [text]}).startswith(TABLE[name].options[0])
        message = problem(environment=as_variable(name, text))
        assert message.startswith(TABLE[name].variable)
        assert max(map(len, message.split("\n"))) <= LINE_MAX
    for toml in tomls:
        file = config(tmp_path, f"\n# comment\n{name} = {toml}")
        assert problem(file=file).startswith(f"{file}:3: {name}"), toml
    for flag in ("perhaps", "2"):
        assert "boolean" in problem(environment=as_variable("allow_public_seed", flag))


@given(st.sampled_from(list(TABLE)), st.text(max_size=40))
def test_any_text_is_read_or_refused_with_its_place(name: str, text: str) -> None:
    variable, message = TABLE[name].variable, None
    try:
        read_settings({}, {variable: text})
    except SettingsError as error:
        message = str(error)
    assert message is None or variable in message


def test_all_problems_are_reported_together(tmp_path: Path) -> None:
    file = config(tmp_path, "port = 99999\nhosts = 1\nseed = 'x'")
    lines = problem({"algorithm": ["RSA"]}, as_variable("idle_seconds", "0"), file).split("\n")
    assert sorted(re.split(r"[: ]+", line.removeprefix(f"{file}:"))[0] for line in lines) == [
        "--algorithm",
        "1",
        "2",
        "ACTIVATION_SERVER_IDLE_SECONDS",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\nprt = 1", "2: prt: this is no setting; did you mean 'port'?"),
        ("tls-cert = 'a'", "1: tls-cert: this is no setting"),
        ("[server]\nport = 1", "1: server: this is no setting"),
        ("config = 'a'", "1: config: this is no setting"),
        ("port = 1\nport = 2", "2: Cannot overwrite a value"),
        ("port = ", "1: Invalid value"),
        ("seed = " + "[" * 40, "1: more than 16 levels"),
    ],
)
def test_an_unusable_file_is_reported_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    file = config(tmp_path, text)
    assert problem(file=file).startswith(f"{file}:{message}")


@pytest.mark.parametrize("given", ["", "/nowhere/server.toml", "/", "~no-such-user/server.toml", "/dev/zero"])
def test_a_file_that_cannot_be_read_is_an_error(given: str) -> None:
    assert problem(file=given)
    assert problem(environment={"ACTIVATION_SERVER_CONFIG": given})


@pytest.mark.parametrize(
    "text",
    [
        'seed = "mine"',
        'database = "postgresql://u:pw@db.example/v"',
        'database = "postgresql://db.example/v?password=pw"',
    ],
)
def test_a_file_with_a_secret_must_not_be_readable_by_others(text: str, tmp_path: Path) -> None:
    file = config(tmp_path, f"port = 1\n{text}")
    for mode in (0o600, 0o400, 0o640):
        Path(file).chmod(mode)
        assert read_settings({}, {}, file).settings.port == 1
    for mode in (0o644, 0o604, 0o602, 0o666):
        Path(file).chmod(mode)
        message = problem(file=file)
        assert message.startswith(f"{file}:2: ")
        assert message.endswith(f"others can read this secret; run chmod 600 {file}")
        assert "pw" not in message


def test_a_file_without_a_secret_may_be_readable_by_others(tmp_path: Path) -> None:
    file = config(tmp_path, 'seed = "2021"\ndatabase = "postgresql://judge@db.example/v"')
    Path(file).chmod(0o644)
    assert read_settings({}, {}, file).settings.seed == "2021"


def test_paths_are_relative_to_the_file_that_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/judge")
    paths = [name for name, setting in TABLE.items() if setting.is_path("a/b.toml")]
    assert {"database", "keys", "policy", "source_countries", "status_list"} <= set(paths)
    file = config(tmp_path, "\n".join(f'{name} = "a/b.toml"' for name in paths))
    for name in paths:
        assert str(getattr(read_settings({}, {}, file).settings, name)) == str(tmp_path / "a/b.toml")
        also = TOGETHER.get(name, {})
        assert str(getattr(read_settings({name: ["a/b.toml"]} | also, {}).settings, name)) == "a/b.toml"
        at_home = read_settings(also, as_variable(name, "~/b.toml")).settings
        assert str(getattr(at_home, name)) == "/home/judge/b.toml"
    names = config(tmp_path, 'policy = "example"\ndatabase = "postgresql://db/v"')
    settings = read_settings({}, {}, names).settings
    assert (settings.policy, settings.database) == ("example", "postgresql://db/v")


def test_the_last_of_equal_options_counts_and_lists_are_joined() -> None:
    assert read_settings({"port": ["1", "2"]}, {}).settings.port == 2
    assert read_settings({"hosts": ["a,b", "c"]}, {}).settings.hosts == ("a", "b", "c")
    assert read_settings({}, as_variable("hosts", "")).settings.hosts == ()


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
def test_the_password_of_a_database_is_not_shown(given: str, shown: str) -> None:
    configured = Configuration.load(read_settings({}, as_variable("database", given)))
    assert str(configured.database) == shown
    assert "secret" not in repr(configured)


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("database", "mysql://u:secret@h/d", "mysql databases are not supported"),
        ("database", "postgresql://u:secret@h:port/d", "this is not the URL of a database"),
        ("database", ":memory:", ":memory: is not a file"),
        ("policy", "missing.toml", "cannot read missing.toml: No such file or directory"),
        ("policy", "exampel", "exampel is no policy; did you mean 'example'?"),
        ("policy", "/dev/zero", "/dev/zero is longer"),
        ("source_countries", "missing.csv", "cannot read missing.csv"),
        ("keys", "/dev/null", "/dev/null is not a folder"),
        ("keys", "k" * 5000, "kkk"),
        ("database", "d" * 5000, "ddd"),
    ],
)
def test_a_file_that_cannot_be_used_is_reported_with_the_place_of_its_setting(
    name: str, given: str, message: str
) -> None:
    for place, loaded in (
        (TABLE[name].options[0], read_settings({name: [given]}, {})),
        (TABLE[name].variable, read_settings({}, as_variable(name, given))),
    ):
        with pytest.raises(SettingsError) as caught:
            Configuration.load(loaded)
        assert str(caught.value).startswith(f"{place}: {message}")
        assert "secret" not in str(caught.value)


def test_an_error_in_a_policy_has_the_place_of_the_setting_and_the_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("id = 1\n")
    with pytest.raises(SettingsError, match=r"^--policy: .*mine\.toml:1: id"):
        Configuration.load(
            LoadedSettings(Settings(policy=str(path)), {"policy": SettingValue(path, "--policy")})
        )


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "some-name.example"])
def test_public_keys_are_served_to_other_machines_on_request_only(host: str) -> None:
    message = problem({"host": [host]})
    assert "the verdict keys of --seed 2021 are public" in message
    assert "ACTIVATION_SERVER_SEED" in message
    assert read_settings({"host": [host], "seed": ["mine"]}, {}).settings.host == host
    assert read_settings({"host": [host]}, as_variable("allow_public_seed", "1")).settings.host == host
