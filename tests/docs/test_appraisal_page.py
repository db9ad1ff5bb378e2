"""The page on appraisal lists what the code can say."""

from pathlib import Path

import pytest

from server_stub.attestation.appraisal import TrustClaim
from server_stub.attestation.chain import ChainProblem
from server_stub.attestation.der import DerProblem
from server_stub.attestation.deviations import Deviation
from server_stub.attestation.reasons import AppraisalReason
from server_stub.attestation.revocation import CertificateStatus, RevocationReason

PAGE = (Path(__file__).parents[2] / "docs/security/appraisal.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", [*AppraisalReason, *ChainProblem, *DerProblem, *Deviation, *TrustClaim])
def test_each_code_is_on_the_page(code: str) -> None:
    assert f"`{code}`" in PAGE


@pytest.mark.parametrize("word", [*CertificateStatus, *RevocationReason])
def test_each_word_of_the_status_list_is_on_the_page(word: str) -> None:
    assert word in PAGE
