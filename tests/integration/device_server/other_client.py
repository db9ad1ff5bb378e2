"""A client that follows docs/developers/writing-a-client.md and uses no code of this project.

It is synchronous, has no state machine and keeps its state in a dictionary. It signs and verifies with joserfc, reads
keys by python-tuf's own client, and gets its attested key from its caller, as a private JWK with `x5c`.
"""

import base64
import hashlib
import json
import re
import time
from pathlib import Path
from typing import Any

import requests
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry
from tuf.ngclient import Updater

CODE = re.compile(r"[A-Za-z0-9._:-]{1,64}")
TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
NEEDS = {
    "allow": {"check_in", "offline_limit"},
    "notice": {"message", "case", "check_in", "offline_limit", "not_before_lock"},
    "deny": {"message", "case", "check_in"},
    "defer": {"retry_after"},
    "release": set(),
}
CARRIES = {
    "allow": {"territory", "message", "case"},
    "notice": {"territory"},
    "deny": {"territory"},
    "defer": {"territory", "message", "case"},
    "release": {"territory", "message", "case"},
}
ALWAYS = {
    *("iss", "aud", "sub", "cnf", "eat_nonce", "iat", "nbf", "exp", "jti", "serial", "decision", "reason"),
    *("policy", "trust"),
}
TIMES = ("iat", "nbf", "exp", "serial", "check_in", "offline_limit", "not_before_lock", "retry_after")


class RefusedError(Exception):
    """The server answered with a problem document."""

    def __init__(self, answer: requests.Response) -> None:
        problem = answer.json() if answer.headers["Content-Type"] == "application/problem+json" else {}
        self.status = answer.status_code
        self.code = problem.get("code", "")
        self.request_id = answer.headers.get("X-Request-Id", "")
        self.retry_after = int(answer.headers.get("Retry-After", "0"))
        super().__init__(f"{self.status} {self.code}")


class UntrustedError(Exception):
    """The verdict fails verification. `step` is the number in the guide."""

    def __init__(self, step: int, why: str) -> None:
        super().__init__(f"step {step}: {why}")
        self.step = step


class Client:
    """One device. `root` is the pinned root.json; `memory` contains the highest serial and policy version."""

    def __init__(self, origin: str, root: bytes, folder: Path, issuer: str, audience: str) -> None:
        self.origin = origin
        self.root = root
        self.folder = folder
        self.issuer = issuer
        self.audience = audience
        self.memory = {"serial": 0, "policy_version": 0}

    def challenge(self) -> str:
        answer = self._post("/v1/challenges", b"", "application/json", "application/json")
        return str(answer.json()["nonce"])

    def keys(self) -> list[dict[str, Any]]:
        """The verdict keys, by The Update Framework."""
        for name in ("metadata", "targets"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        updater = Updater(
            metadata_dir=str(self.folder / "metadata"),
            metadata_base_url=f"{self.origin}/tuf/metadata/",
            target_dir=str(self.folder / "targets"),
            target_base_url=f"{self.origin}/tuf/targets/",
            bootstrap=self.root,
        )
        updater.refresh()
        target = updater.get_targetinfo("verdict-keys.json")
        if target is None:
            raise UntrustedError(5, "the repository lists no verdict keys")
        found: list[dict[str, Any]] = json.loads(Path(updater.download_target(target)).read_bytes())["keys"]
        return found

    def ask(
        self, claims: dict[str, Any], attested_key: dict[str, Any], *, now: int | None = None
    ) -> dict[str, Any]:
        """Send evidence and return the claims of the verdict, verified. Raises RefusedError or UntrustedError."""
        token = self.evidence(claims, attested_key)
        verdict = self.send(token)
        moment = int(time.time()) if now is None else now
        return self.verify(verdict, self.keys(), claims["eat_nonce"], thumbprint(attested_key), moment)

    def evidence(self, claims: dict[str, Any], attested_key: dict[str, Any]) -> str:
        header = {"alg": "ES256", "typ": "eat+jwt", "x5c": attested_key["x5c"]}
        key = JWKRegistry.import_key({name: attested_key[name] for name in ("kty", "crv", "x", "y", "d")})
        registry = jws.JWSRegistry(algorithms=["ES256"])
        return jws.serialize_compact(header, json.dumps(claims), key, registry=registry)

    def send(self, token: str) -> str:
        return self._post("/v1/verdicts", token.encode(), "application/eat+jwt", "application/jwt").text

    def verify(
        self, token: str, keys: list[dict[str, Any]], nonce: str, jkt: str, now: int
    ) -> dict[str, Any]:
        """The fourteen steps."""
        header = _header(token)
        key = _key(header, keys, now)
        claims = _payload(token, header, key)
        self._check_parties(claims, nonce, jkt)
        _check_times(claims, now)
        if ("nbf" in key and key["nbf"] > claims["iat"] + 300) or (
            "exp" in key and key["exp"] <= claims["iat"] - 300
        ):
            raise UntrustedError(12, "issued outside of the key's times")
        if claims["serial"] <= self.memory["serial"]:
            raise UntrustedError(13, "serial is not newer")
        if claims["policy"]["version"] < self.memory["policy_version"]:
            raise UntrustedError(13, "the policy was rolled back")
        _check_decision(claims)
        self.memory = {"serial": claims["serial"], "policy_version": claims["policy"]["version"]}
        return claims

    def _check_parties(self, claims: dict[str, Any], nonce: str, jkt: str) -> None:
        if (claims["iss"], claims["aud"]) != (self.issuer, self.audience):
            raise UntrustedError(9, "not from my server or not for me")
        if claims["cnf"] != {"jkt": jkt}:
            raise UntrustedError(10, "not for my key")
        if claims["eat_nonce"] != nonce:
            raise UntrustedError(11, "not for my challenge")

    def _post(self, path: str, body: bytes, content_type: str, accept: str) -> requests.Response:
        headers = {"Content-Type": content_type, "Accept": accept}
        answer = requests.post(self.origin + path, body, headers=headers, timeout=60, allow_redirects=False)
        if answer.status_code != 200:
            raise RefusedError(answer)
        if answer.headers["Content-Type"] != accept or len(answer.content) > 64 * 1024:
            raise RefusedError(answer)
        return answer


def thumbprint(key: dict[str, Any]) -> str:
    """RFC 7638, of a P-256 key."""
    members = json.dumps({name: key[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(members.encode()).digest()).rstrip(b"=").decode()


def _header(token: str) -> dict[str, str]:
    """Steps 1 to 4."""
    if len(token) > 16 * 1024 or not token.isascii():
        raise UntrustedError(1, "too long, or not ASCII")
    if not TOKEN.fullmatch(token):
        raise UntrustedError(2, "not three segments of base64url")
    data = [_decode(segment) for segment in token.split(".")]
    header = _object(data[0], 3)
    if len(data[0]) > 256 or set(header) != {"alg", "kid", "typ"}:
        raise UntrustedError(3, "the header is not alg, kid and typ")
    if header["typ"] != "activation-verdict+jwt":
        raise UntrustedError(4, "not a verdict")
    return header


def _key(header: dict[str, str], keys: list[dict[str, Any]], now: int) -> dict[str, Any]:
    """Steps 5 and 6."""
    named = [key for key in keys if key.get("kid") == header["kid"]]
    if len(named) != 1 or named[0].get("status") != "active" or named[0].get("use") != "sig":
        raise UntrustedError(5, "no key of that name may sign verdicts")
    key = named[0]
    if key.get("exp", now) <= now - 300 or key.get("nbf", 0) > now + 300:
        raise UntrustedError(5, "the key is out of its time")
    if key["alg"] != header["alg"]:
        raise UntrustedError(6, "not the key's own algorithm")
    return key


def _payload(token: str, header: dict[str, str], key: dict[str, Any]) -> dict[str, Any]:
    """Steps 7 and 8."""
    public = JWKRegistry.import_key({name: key[name] for name in ("kty", "crv", "x", "y") if name in key})
    try:
        found = jws.deserialize_compact(token, public, registry=jws.JWSRegistry(algorithms=[header["alg"]]))
    except (JoseError, ValueError) as error:
        raise UntrustedError(7, type(error).__name__) from None
    claims = _object(found.payload, 8)
    unknown = set(claims) - ALWAYS - set().union(*NEEDS.values(), *CARRIES.values())
    if unknown or not set(claims) >= ALWAYS:
        raise UntrustedError(8, "claims are missing or unknown")
    if any(
        type(claims[name]) is not int or not 0 <= claims[name] < 2**53 for name in TIMES if name in claims
    ):
        raise UntrustedError(8, "a time is invalid")
    return claims


def _check_times(claims: dict[str, Any], now: int) -> None:
    if not claims["iat"] < claims["exp"] <= claims["iat"] + 24 * 3600 or claims["nbf"] > claims["exp"]:
        raise UntrustedError(12, "the times contradict each other")
    if (
        claims["exp"] <= now - 300
        or claims["iat"] < now - 300
        or max(claims["iat"], claims["nbf"]) > now + 300
    ):
        raise UntrustedError(12, "out of its time")


def _check_decision(claims: dict[str, Any]) -> None:
    decision = claims["decision"]
    optional = set(claims) - ALWAYS
    if decision not in NEEDS or not CODE.fullmatch(str(claims["reason"])):
        raise UntrustedError(14, "the decision is unknown")
    if not NEEDS[decision] <= optional or optional - NEEDS[decision] - CARRIES[decision]:
        raise UntrustedError(14, "claims of the decision are missing or not permitted")
    if claims.get("not_before_lock", claims["iat"]) < claims["iat"]:
        raise UntrustedError(14, "a lock before its announcement")


def _decode(segment: str) -> bytes:
    data = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != segment:
        raise UntrustedError(2, "base64url with bits to spare")
    return data


def _object(data: bytes, step: int) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) != len(pairs):
            raise UntrustedError(step, "a member that is named twice")
        return dict(pairs)

    try:
        found = json.loads(data, object_pairs_hook=once)
    except ValueError:
        raise UntrustedError(step, "no JSON") from None
    if not isinstance(found, dict):
        raise UntrustedError(step, "no JSON object")
    return found
