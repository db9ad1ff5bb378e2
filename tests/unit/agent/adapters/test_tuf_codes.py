"""The codes of the key source are stable."""

from agent.adapters.tuf_errors import TROUBLE, BusyError, TufFault, key_source_error
from agent.core.screens import Trouble


def test_codes_are_stable() -> None:
    assert {fault.name: fault.value for fault in TufFault} == {
        "UNREACHABLE": "tuf-unreachable",
        "BUSY": "tuf-busy",
        "MISSING": "tuf-missing",
        "TOO_LARGE": "tuf-too-large",
        "EXPIRED": "tuf-expired",
        "ROLLBACK": "tuf-rollback",
        "UNSIGNED": "tuf-unsigned",
        "MISMATCH": "tuf-mismatch",
        "MALFORMED": "tuf-malformed",
        "TARGET_MISSING": "tuf-target-missing",
        "KEYS_MALFORMED": "tuf-keys-malformed",
        "NO_USABLE_KEY": "tuf-no-usable-key",
        "STORAGE": "tuf-storage",
    }


def test_faults_other_than_network_and_storage_are_key_errors() -> None:
    mendable = {TufFault.UNREACHABLE, TufFault.BUSY, TufFault.STORAGE}
    assert set(TROUBLE) == mendable
    for fault in TufFault:
        error = key_source_error(fault, "detail", 7)
        assert (error.trouble is Trouble.NO_KEYS) == (fault not in mendable)
        assert (error.code, error.retry_after) == (fault.value, 7)


def test_busy_error_has_status_and_retry_after() -> None:
    error = BusyError(503, 30)
    assert (str(error), error.status_code, error.retry_after) == ("status 503", 503, 30)
