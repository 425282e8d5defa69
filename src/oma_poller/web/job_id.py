"""The id of a job out of a request's path. It may hold a slash: then it is percent-encoded."""

import re
from urllib.parse import quote, unquote_to_bytes

from starlette.requests import Request
from starlette.types import Scope

from oma_poller.errors import OmaPollerError

_LONGEST = 255
PATTERN = "^[^\\u0000-\\u001f\\u007f-\\u009f]{1,255}$"
"""What an id may be, as JSON Schema and `re` have it."""
_ID = re.compile(PATTERN)


class JobIdError(OmaPollerError):
    """What stands in the path is no id of a job."""

    def __init__(self) -> None:
        allowed = f"allowed are 1 to {_LONGEST} characters, none of them a control; a / is sent as %2F"
        super().__init__(f"this is no job id; {allowed}")


def path_as_sent(scope: Scope) -> str:
    """Return the path of a request with what is percent-encoded in it as it is."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    return raw.partition(b"?")[0].decode("latin-1")


def job_id_of(request: Request, prefix: str, suffix: str = "") -> str:
    """Return the job id between *prefix* and *suffix* of the path as it was sent. Raises JobIdError."""
    sent = path_as_sent(request.scope).removeprefix(prefix).removesuffix(suffix)
    try:
        job_id = unquote_to_bytes(sent.encode("latin-1")).decode()
    except UnicodeDecodeError:
        raise JobIdError from None
    if "/" in sent or not _ID.fullmatch(job_id):
        raise JobIdError
    return job_id
