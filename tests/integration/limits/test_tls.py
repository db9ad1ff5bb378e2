"""TLS with real certificates over real sockets, and files with which no server starts."""

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from lab.fault_proxy.certificates import Certificates
from lab.world.seed import Seed
from server_stub.api.limits.settings import ServerLimits
from server_stub.configuration import Configuration
from server_stub.faults.catalogue import FaultKind
from server_stub.server import ServerThread
from server_stub.settings_sources import SettingsError, read_settings
from server_stub.tls import TlsIdentity
from tests.support.server_phone import service
from tests.support.sockets import connect

SECONDS = 0.4
LIMITS = ServerLimits(headers_seconds=SECONDS, idle_seconds=5, linger_seconds=SECONDS, connections_max=6)
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True)
class Files:
    authorities: Path
    valid: Path
    expired: Path
    other: Path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Each has a key, and a certificate of the same authority."""
    folder = tmp_path_factory.mktemp("tls")
    made = Certificates(Seed.of(14), folder)
    for kind in (None, FaultKind.TLS_EXPIRED, FaultKind.TLS_WRONG_NAME):
        made.context(kind)
    names = ["valid", FaultKind.TLS_EXPIRED, FaultKind.TLS_WRONG_NAME]
    found = [folder / f"{name}.pem" for name in names]
    for file in found:
        file.chmod(0o600)
    return Files(made.authorities, *found)


@pytest.fixture
def origin(files: Files) -> Iterator[str]:
    identity = TlsIdentity.load(files.valid, files.valid)
    with ServerThread(service(), limits=LIMITS, tls=lambda: identity.context) as server:
        assert server.origin.startswith("https://127.0.0.1:")
        yield server.origin


def client_context(files: Files) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(files.authorities))
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def exchange(origin: str, context: ssl.SSLContext) -> bytes:
    with context.wrap_socket(connect(origin), server_hostname="127.0.0.1") as client:
        client.sendall(GET)
        received = b""
        while part := client.recv(65536):
            received += part
        return received


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_requests_are_served_over_tls_with_the_certificate(
    origin: str, files: Files, version: ssl.TLSVersion
) -> None:
    context = client_context(files)
    context.minimum_version = context.maximum_version = version
    assert exchange(origin, context).startswith(b"HTTP/1.1 200")
    with requests.Session() as session:  # kept connections
        verify = str(files.authorities)
        answers = [session.post(f"{origin}/v1/challenges", verify=verify, timeout=60) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3


def test_plain_http_and_older_tls_are_refused(origin: str, files: Files) -> None:
    context = TlsIdentity.load(files.valid, files.valid).context
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    with connect(origin) as plain, suppress(ConnectionResetError):
        plain.sendall(GET)
        assert not plain.recv(65536).startswith(b"HTTP/1.1 200")
    assert exchange(origin, client_context(files)).startswith(b"HTTP/1.1 200")


def open_connections(origin: str, files: Files) -> float:
    page = requests.get(f"{origin}/metrics", verify=str(files.authorities), timeout=60).text
    return float(
        next(line for line in page.splitlines() if line.startswith("activation_connections ")).split()[1]
    )


@pytest.mark.slow
def test_handshakes_that_are_not_finished_are_counted_and_cut_off(origin: str, files: Files) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(connect(origin)) for _ in range(LIMITS.connections_max)]
        time.sleep(0.1)
        begin = time.monotonic()
        with connect(origin) as refused, suppress(ConnectionResetError):
            assert refused.recv(1) == b""
        assert time.monotonic() - begin < SECONDS
        for client in silent:
            with suppress(ConnectionResetError):
                assert client.recv(1) == b""
    assert open_connections(origin, files) == 1


@pytest.mark.slow
def test_a_client_that_does_not_close_tls_is_cut_off(origin: str, files: Files) -> None:
    """After the last response it does not read, so that it does not answer the close either."""
    held = client_context(files).wrap_socket(connect(origin), server_hostname="127.0.0.1")
    held.sendall(GET)
    time.sleep(3 * SECONDS)
    assert open_connections(origin, files) == 1
    held.close()


def configure(cert: Path | str, key: Path | str) -> Configuration:
    return Configuration.load(
        read_settings({"tls_cert": [str(cert)]}, {"ACTIVATION_SERVER_TLS_KEY": str(key)})
    )


def test_certificate_and_key_are_usable_in_one_file_or_two(files: Files, tmp_path: Path) -> None:
    whole = files.valid.read_text()
    at = whole.index("-----BEGIN CERTIFICATE-----")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.write_text(whole[at:] + files.authorities.read_text())
    key.write_text(whole[:at])
    key.chmod(0o640)
    for pair in ((cert, key), (files.valid, files.valid)):
        tls = configure(*pair).tls
        assert tls is not None
        assert tls.problem(datetime.now(UTC)) is None


def test_an_expired_certificate_is_reported_and_used(files: Files) -> None:
    tls = configure(files.expired, files.expired).tls
    assert tls is not None
    assert tls.problem(datetime.now(UTC)) == "the certificate expired at 2019-01-01T00:00:00+00:00"
    assert (
        tls.problem(datetime(2017, 1, 1, tzinfo=UTC))
        == "the certificate is not valid before 2018-01-01T00:00:00+00:00"
    )


def readable_by_others(files: Files, folder: Path) -> tuple[Path, Path]:
    file = folder / "open.pem"
    file.write_bytes(files.valid.read_bytes())
    file.chmod(0o604)
    return files.valid, file


def encrypted(files: Files, folder: Path) -> tuple[Path, Path]:
    file = folder / "encrypted.pem"
    form = Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"passphrase")
    file.write_bytes(ec.generate_private_key(ec.SECP256R1()).private_bytes(*form))
    file.chmod(0o600)
    return files.valid, file


def empty(files: Files, folder: Path) -> tuple[Path, Path]:
    file = folder / "empty.pem"
    file.touch(0o600)
    return files.valid, file


WRONG: dict[str, tuple[Callable[[Files, Path], tuple[Path, Path]], str]] = {
    "mismatch": (
        lambda files, _: (files.valid, files.other),
        "KEY: .* is not the key of the first certificate",
    ),
    "authority first": (
        lambda files, _: (files.authorities, files.valid),
        "KEY: .* is not the key of the first",
    ),
    "no key": (lambda files, _: (files.valid, files.authorities), "KEY: "),
    "missing key": (
        lambda files, folder: (files.valid, folder / "x.pem"),
        "KEY: cannot read .*x.pem: No such file",
    ),
    "key in a folder": (lambda files, folder: (files.valid, folder), "KEY: cannot read .*: Is a directory"),
    "endless key": (lambda files, _: (files.valid, Path("/dev/zero")), "KEY: /dev/zero is longer than"),
    "open key": (readable_by_others, "KEY: .*open.pem can be read by others; run chmod 600"),
    "encrypted key": (encrypted, "KEY: .* is encrypted; store the key without a passphrase"),
    "empty key": (empty, "KEY: .* has no private key in PEM"),
    "missing certificate": (
        lambda files, folder: (folder / "x.pem", files.valid),
        "--tls-cert: cannot read .*x.pem",
    ),
    "empty certificate": (
        lambda files, folder: (empty(files, folder)[1], files.valid),
        "--tls-cert: .* has no certificate in PEM",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_files_that_cannot_be_used_are_reported_with_their_setting(
    name: str, files: Files, tmp_path: Path
) -> None:
    make, message = WRONG[name]
    with pytest.raises(SettingsError, match=f"^{message.replace('KEY', 'ACTIVATION_SERVER_TLS_KEY')}"):
        configure(*make(files, tmp_path))


@pytest.mark.parametrize(("name", "missing"), [("tls_cert", "--tls-key"), ("tls_key", "--tls-cert")])
def test_certificate_and_key_are_given_together(name: str, missing: str) -> None:
    with pytest.raises(SettingsError, match=f"set {missing} "):
        read_settings({name: ["x.pem"]}, {})
