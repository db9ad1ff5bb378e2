"""`activation serve --algorithm`: verdicts are signed by this algorithm, or the server does not start."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab.cli.main import app
from lab.manufacturer.manufacturer import Manufacturer
from server_stub.signing import Algorithm
from tests.support.stores import open_store

ACTIVATION = str(Path(sys.executable).with_name("activation"))


@pytest.mark.slow
def test_device_accepts_a_verdict_signed_with_ml_dsa_65(tmp_path: Path) -> None:
    command = [ACTIVATION, "serve", "--port", "0", "--db", str(tmp_path / "records.sqlite")]
    with subprocess.Popen(
        [*command, "--algorithm", "ML-DSA-65"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        try:
            assert server.stdout is not None
            found = re.search(r"http://\S+", server.stdout.readline())
            assert found is not None
            arguments = ["device", "--profile", "official-global", "--place", "havana", "--json"]
            done = CliRunner().invoke(app, [*arguments, "--server", found[0]])
        finally:
            server.kill()
    seen = json.loads(done.stdout)
    assert seen["outcome"] == "locked"
    # The decoded response of the server, with its header, is part of the timeline.
    kid = Manufacturer("2021").post_quantum_signing_key.kid
    assert {"alg": "ML-DSA-65", "kid": kid, "typ": "activation-verdict+jwt"} in _objects(seen["timeline"])


def _objects(value: object) -> list[object]:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value, *(inner for part in parts for inner in _objects(part))]


def serve(folder: Path, algorithm: str) -> tuple[int, str]:
    database, keys = folder / "records.sqlite", folder / "keys"
    arguments = ["--port", "0", "--db", str(database), "--keys", str(keys), "--algorithm", algorithm]
    done = CliRunner().invoke(app, ["serve", *arguments])
    return done.exit_code, done.stderr


def test_an_unknown_algorithm_is_rejected_with_a_similar_name(tmp_path: Path) -> None:
    code, said = serve(tmp_path, "ML-DSA-44")
    assert (code, list(tmp_path.iterdir())) == (2, [])
    assert "no algorithm is called 'ML-DSA-44'; did you mean 'ML-DSA-65'?" in said


@pytest.mark.parametrize("algorithm", [Algorithm.ML_DSA_65])
def test_server_does_not_start_with_a_repository_without_its_key(
    tmp_path: Path, algorithm: Algorithm
) -> None:
    manufacturer = Manufacturer("2021")
    store = open_store(tmp_path / "records.sqlite")
    manufacturer.ceremony.open(store, manufacturer.secrets.signing_keys, lambda: 1_790_000_000)
    store.close()
    code, said = serve(tmp_path, algorithm)
    assert code == 3
    assert (
        "lists no ML-DSA-65 key; choose another --algorithm (Ed25519, ES256), or an empty --db"
        in " ".join(said.split())
    )
