"""What came of running a command."""

import json
from typing import Any, NamedTuple


class CommandResult(NamedTuple):
    """Exit status, standard output and standard error."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:  # noqa: ANN401 - any JSON value
        """The one JSON document that was printed."""
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """The one line on standard error, without the program's name; nothing else was printed there."""
        assert self.err.startswith("oma-poller: "), self.err
        assert self.err.endswith("\n"), self.err
        line = self.err.removeprefix("oma-poller: ")[:-1]
        assert line.isprintable(), self.err
        return line
