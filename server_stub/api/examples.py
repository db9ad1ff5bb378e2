"""One example of each message, for readers of the OpenAPI document. Numbers are those of test ranges and of nobody."""

from typing import Any, Final

from server_stub.api.problems import TYPE_BASE
from wire.codes import ProblemCode

_NONCE: Final = "AGE4pcDea6GlxD07uu8Pwgupiv4kGu8W2yvAOZU0QmaC"

EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "Challenge": {"nonce": _NONCE, "expires_in": 300},
    "Evidence": {
        "eat_nonce": _NONCE,
        "ueid": "AwAAAQABAAECAwQFBgcI",
        "oemid": "j1wuC3qRTWOx0HxeOaTyFg",
        "hwmodel": "U1YtMjEwN0c",
        "swname": "SolvaneOS",
        "swversion": ["12.5.6", "semver"],
        "oemboot": True,
        "dbgstat": "disabled-fully-and-permanently",
        "uptime": 20,
        "bootcount": 1,
        "iat": 1631102400,
        "intent": "activate",
        "telephony": {
            "sims": [
                {"slot": 0, "status": "ready", "mcc": "368", "mnc": "01", "mnc_length": 2, "spn": "Cubacel"},
                {"slot": 1, "status": "absent"},
            ],
            "serving": {
                "registration": "home",
                "plmn": {"mcc": "368", "mnc": "01"},
                "cell": {"area": 4660, "id": 22136, "technology": "lte"},
            },
            "bands": ["LTE 1800"],
        },
        "wifi": {"connected": True, "country": "CU"},
        "terms": {"version": "2021-06"},
        "firmware": {
            "build": "lark-1",
            "agent_version": "1.0",
            "sale_region": "global",
            "patch_level": "2021-08-01",
        },
        "lock_state": "unprovisioned",
        "location": {"latitude": 23.13, "longitude": -82.38, "accuracy": 20.0},
    },
    "Verdict": {
        "iss": "verdicts.solvane.example",
        "aud": "solvane-phones",
        "sub": "d-b1fefed641e3c001ae784ff0c0e78abb",
        "cnf": {"jkt": "x4XMU5DCefzwpgsAV2tnrY29IcYZ08-nube-5c9AUos"},
        "eat_nonce": _NONCE,
        "iat": 1631102402,
        "nbf": 1631102402,
        "exp": 1631106002,
        "jti": "5f0f1f2f3f4f5f6f7f8f9fafbfcfdfef",
        "serial": 1,
        "decision": "deny",
        "reason": "territory-prohibited",
        "policy": {"id": "export-2021-09", "version": 1, "rule": "prohibited-at-activation"},
        "trust": "affirming",
        "territory": "CU",
        "message": {"key": "not-sold-here", "args": {"territory": "CU", "case": "SLV-BHD56-2EFNY"}},
        "case": "SLV-BHD56-2EFNY",
        "check_in": 86400,
    },
    "Problem": {
        "type": f"{TYPE_BASE}{ProblemCode.CHALLENGE_SPENT}",
        "title": "Challenge spent",
        "status": 409,
        "code": ProblemCode.CHALLENGE_SPENT.value,
        "detail": "eat_nonce was spent before; ask for a new challenge",
        "instance": "urn:uuid:f81d4fae-7dec-41d0-a765-00a0c91e6bf6",
    },
}
"""By the name of the schema that each is an example of."""
