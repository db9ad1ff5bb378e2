"""placeholder until the verifier lands"""


class KeySet: ...
