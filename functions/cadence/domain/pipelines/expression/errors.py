"""The error of expressions."""


class ExpressionError(Exception):
    """Signals an expression that cannot be read or evaluated; the message states the reason, `hint` the remedy.

    `unknown`: the reason is a name or function that does not exist.
    """

    def __init__(self, message: str, hint: str | None = None, *, unknown: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.unknown = unknown
