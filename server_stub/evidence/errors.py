"""The error of evidence that gets no verdict."""

from wire.codes import ProblemCode


class EvidenceError(Exception):
    """Evidence cannot be judged. `detail` says what is wrong, without repeating the input."""

    def __init__(self, code: ProblemCode, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
