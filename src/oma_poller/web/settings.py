"""How the API is served."""

from pathlib import Path

from msgspec import Struct


class ApiSettings(Struct, frozen=True):
    """Checked: the files are there, and fit together."""

    listen: tuple[str, int] | None
    """Host and port; None where there is to be no API."""
    token: str | None = None
    """What state-changing calls must carry; None accepts them from loopback only."""
    token_for_reading: bool = False
    """Whether reading needs the token, too."""
    cert_file: Path | None = None
    key_file: Path | None = None
    """Both or none: TLS is served where they are there."""
    allowed_hosts: tuple[str, ...] = ()
    """Names that a Host header may have besides loopback, addresses and this machine's own names."""
    metrics_per_job: bool = False
    """Whether there are metrics of single jobs."""

    def __repr__(self) -> str:
        # Not field by field: the token is among them.
        return f"<ApiSettings {self.listen}>"
