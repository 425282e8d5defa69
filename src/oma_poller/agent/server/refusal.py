"""A request that the server answers with a reason instead of doing it."""

BAD_REQUEST = 400
CONFLICT = 409
TOO_LARGE = 413
UNAVAILABLE = 503


class RefusedError(Exception):
    """The reason as one line for a person, and its HTTP status. It never leaves the server."""

    def __init__(self, reason: str, status: int = BAD_REQUEST) -> None:
        self.status = status
        super().__init__(reason)
