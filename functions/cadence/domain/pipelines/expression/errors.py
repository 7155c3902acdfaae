"""The one error of expressions."""


class ExpressionError(Exception):
    """An expression that cannot be read or evaluated; the message says why, `hint` what to do.

    `unknown` tells that a name or function in it means nothing.
    """

    def __init__(self, message: str, hint: str | None = None, *, unknown: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.unknown = unknown
