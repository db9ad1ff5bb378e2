"""Compared with PyJWT, joserfc and jwcrypto: each of them accepts every token that this verifier accepts.

PyJWT supports Ed25519 only by the older name `EdDSA`, so its implementation is registered under the name of
RFC 9864 here. None of them looks at `typ`; that part of the profile is this verifier's own.
"""

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from joserfc import jws as joserfc_jws
from joserfc.jwk import ECKey, OKPKey
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS
from jwt.algorithms import OKPAlgorithm
from jwt.api_jwk import PyJWK
from jwt.api_jws import PyJWS

from agent.verification.errors import VerificationError
from agent.verification.jws import verify_compact
from tests.support import mutations
from tests.support.profiles import examples
from tests.support.tokens import KEYS, SIGNERS, Signer, make_verdict, sign
from wire.media import VERDICT_TYP


def by_pyjwt(token: str, signer: Signer) -> bytes:
    verifier = PyJWS()
    verifier.register_algorithm("Ed25519", OKPAlgorithm())
    key = PyJWK(signer.jwk(), algorithm="EdDSA" if signer.alg == "Ed25519" else "ES256").key
    payload = verifier.decode(token, key, algorithms=[signer.alg])
    assert isinstance(payload, bytes)
    return payload


def by_joserfc(token: str, signer: Signer) -> bytes:
    jwk = signer.jwk(status=None)
    key = OKPKey.import_key(jwk) if jwk["kty"] == "OKP" else ECKey.import_key(jwk)
    return joserfc_jws.deserialize_compact(token, key, algorithms=[signer.alg]).payload


def by_jwcrypto(token: str, signer: Signer) -> bytes:
    verifier = JWS()
    verifier.allowed_algs = [signer.alg]
    verifier.deserialize(token, JWK.from_json(json.dumps(signer.jwk(status=None))))
    payload = verifier.payload
    assert isinstance(payload, bytes)
    return payload


Peer = Callable[[str, Signer], bytes]
ALL = (by_pyjwt, by_joserfc, by_jwcrypto)
PEERS: dict[str, tuple[Peer, ...]] = {"Ed25519": ALL, "ES256": ALL, "ML-DSA-65": (by_jwcrypto,)}
"""By algorithm. Only jwcrypto supports keys of type AKP."""


@settings(max_examples=examples(250))
@given(mutations.any_token())
def test_accepted_token_is_accepted_by_every_peer(case: tuple[Signer, str]) -> None:
    signer, token = case
    try:
        payload = verify_compact(token, KEYS, typ=VERDICT_TYP)
    except VerificationError:
        return
    # A pool of segments holds tokens of one signer only, so the peers are given that one key.
    peers = PEERS[signer.alg]
    assert [peer(token, signer) for peer in peers] == [payload] * len(peers)


@pytest.mark.parametrize("signer", SIGNERS, ids=lambda signer: signer.alg)
def test_every_peer_accepts_a_valid_token(signer: Signer) -> None:
    """Otherwise the comparison would check nothing."""
    token = sign(make_verdict(), signer)
    payload = verify_compact(token, KEYS, typ=VERDICT_TYP)
    assert {peer(token, signer) for peer in PEERS[signer.alg]} == {payload}
