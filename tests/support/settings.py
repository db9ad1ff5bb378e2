"""Values of all settings of a server."""

from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from server_stub.attestation.deviations import DeviationTreatment
from server_stub.reference_data.status_list import WhenUnusable
from server_stub.settings import TABLE
from server_stub.signing import Algorithm

RATES = {
    name: ("7 per 2 hour", '"7 per 2 hour"', "7 per 2 hour") for name in TABLE if name.startswith("rate_")
}
SECONDS = {name: ("2.5", "2.5", 2.5) for name in TABLE if name.endswith("_seconds")}
CONNECTIONS = {name: ("77", "77", 77) for name in TABLE if name.startswith("connections_")}
VALUES: dict[str, tuple[str, str, Any]] = {
    "host": ("127.0.0.2", '"127.0.0.2"', "127.0.0.2"),
    "port": ("8443", "8443", 8443),
    "tls_cert": ("/r/cert.pem", '"/r/cert.pem"', Path("/r/cert.pem")),
    "tls_key": ("/r/key.pem", '"/r/key.pem"', Path("/r/key.pem")),
    "hosts": ("a.example, [::1]", '["a.example", "[::1]"]', ("a.example", "[::1]")),
    "trusted_proxies": ("192.0.2.1", '["192.0.2.1"]', (ip_network("192.0.2.1"),)),
    "database": ("/r/a.sqlite", '"/r/a.sqlite"', "/r/a.sqlite"),
    "workers": ("3", "3", 3),
    "keys": ("/r/keys", '"/r/keys"', Path("/r/keys")),
    "algorithm": ("ML-DSA-65", '"ML-DSA-65"', Algorithm.ML_DSA_65),
    "seed": ("other", '"other"', "other"),
    "allow_public_seed": ("true", "true", True),
    "lab": ("true", "true", True),
    "admin_token_file": ("/r/token", '"/r/token"', Path("/r/token")),
    "keep_days": ("7", "7", 7),
    "policy": ("/r/mine.toml", '"/r/mine.toml"', "/r/mine.toml"),
    "source_countries": ("/r/table.csv", '"/r/table.csv"', Path("/r/table.csv")),
    "attestation_deviations": ("refuse", '"refuse"', DeviationTreatment.REFUSE),
    "status_list": ("/r/list.json", '"/r/list.json"', Path("/r/list.json")),
    "status_list_max_age": ("3600", "3600", 3600),
    "status_list_unusable": ("accept", '"accept"', WhenUnusable.ACCEPT),
    "status_list_fetched_at": (
        "2026-02-25T12:00:00Z",
        "2026-02-25T12:00:00Z",
        datetime(2026, 2, 25, 12, tzinfo=UTC),
    ),
    **RATES,
    **SECONDS,
    **CONNECTIONS,
}
"""Of each setting: a value other than the default as text, the same in TOML, and what it means."""


def config(folder: Path, text: str) -> str:
    file = folder / "server.toml"
    file.write_text(text, "utf-8")
    file.chmod(0o600)
    return str(file)
