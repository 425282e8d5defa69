"""The id of a job out of a request's path. It may hold a slash: then it is percent-encoded."""

from urllib.parse import unquote_to_bytes

from starlette.requests import Request

from oma_poller.errors import OmaPollerError

_LONGEST = 255


class JobIdError(OmaPollerError):
    """What stands in the path is no id of a job."""

    def __init__(self) -> None:
        super().__init__(f"this is no job id; allowed are 1 to {_LONGEST} characters, none of them a control")


def job_id_of(request: Request, prefix: str, suffix: str = "") -> str:
    """Return the job id between *prefix* and *suffix* of the path as it was sent. Raises JobIdError."""
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    raw = raw.partition(b"?")[0].removeprefix(prefix.encode()).removesuffix(suffix.encode())
    try:
        job_id = unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        raise JobIdError from None
    if not 0 < len(job_id) <= _LONGEST or not job_id.isprintable() or b"/" in raw:
        raise JobIdError
    return job_id
