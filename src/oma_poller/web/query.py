"""The query parameters of a list of jobs, read and checked."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct
from starlette.datastructures import QueryParams

from oma_poller.errors import OmaPollerError
from oma_poller.model.observation import Observation
from oma_poller.model.reading import State
from oma_poller.web.row import JobRow

MOST_ROWS = 10_000
SORTS = (
    "created_at",
    "name",
    "percent",
    "speed_bps",
    "eta_seconds",
    "bytes_transferred",
    "total_bytes",
    "observation",
    "vma",
    "as_of",
)
ORDERS = ("asc", "desc")
_LONGEST = 255


class QueryError(OmaPollerError):
    """A query parameter that is not known, or has a value that is not allowed."""


class ListQuery(Struct, frozen=True):
    """Which jobs of all, in which order, and which page of them."""

    statuses: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()
    observations: frozenset[str] = frozenset()
    vmas: frozenset[str] = frozenset()
    name: str = ""
    """In lower case; part of a name or of an id."""
    sort: str = "created_at"
    descends: bool = True
    limit: int = 100
    offset: int = 0

    def matches(self, row: JobRow) -> bool:
        """Whether a job is one of these."""
        return (
            (not self.statuses or row.status.lower() in self.statuses)
            and (not self.states or row.state in self.states)
            and (not self.observations or row.observation in self.observations)
            and (not self.vmas or row.vma in self.vmas)
            and (not self.name or self.name in row.name.lower() or self.name in row.job_id.lower())
        )

    def sorted(self, rows: Iterable[JobRow]) -> list[JobRow]:
        """Return jobs in order; those of which it is not known come last, whatever the order."""
        known = [row for row in rows if getattr(row, self.sort) is not None]
        unknown = [row for row in rows if getattr(row, self.sort) is None]
        known.sort(key=lambda row: (_comparable(getattr(row, self.sort)), row.job_id), reverse=self.descends)
        return known + unknown


def _comparable(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def read_list_query(parameters: QueryParams) -> ListQuery:
    """Read the parameters of a list. Raises QueryError for the first that is wrong."""
    sort = _choice(parameters, "sort", SORTS, "created_at")
    descends = "desc" if sort == "created_at" else "asc"
    return ListQuery(
        statuses=_words(parameters, "status"),
        states=_words(parameters, "state", [state.value for state in State]),
        observations=_words(parameters, "observation", [one.value for one in Observation]),
        vmas=frozenset(filter(None, _items(parameters, "vma"))),
        name=_text(parameters, "name").lower(),
        sort=sort,
        descends=_choice(parameters, "order", ORDERS, descends) == "desc",
        limit=number(parameters, "limit", 1, MOST_ROWS, 100),
        offset=number(parameters, "offset", 0, 2**31, 0),
    )


def require_known(parameters: QueryParams, repeats: Mapping[str, bool]) -> None:
    """Check the names of a call's parameters; *repeats* tells which of them may be given several times.

    Raises QueryError for one that is not known, or is given twice.
    """
    for name in parameters:
        if name not in repeats:
            allowed = f"allowed are {', '.join(repeats)}" if repeats else "this call has none"
            raise QueryError(f"unknown parameter {_shown(name)}; {allowed}")
        if not repeats[name] and len(parameters.getlist(name)) > 1:
            raise QueryError(f"{name} is given more than once")


def number(parameters: Mapping[str, str], name: str, least: int, most: int, default: int) -> int:
    """Return a whole number. Raises QueryError where it is none, or not within the bounds."""
    text = parameters.get(name)
    if text is None:
        return default
    value = int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(most)) else -1
    if not least <= value <= most:
        raise QueryError(f"{name} is {_shown(text)}; allowed is a whole number from {least} to {most}")
    return value


def moment(parameters: Mapping[str, str], name: str) -> datetime | None:
    """Return a moment; None where it is not given. Raises QueryError where it is none, or without a zone."""
    text = parameters.get(name)
    if text is None:
        return None
    try:
        value = datetime.fromisoformat(text.upper())
        aware = value.astimezone(UTC) if value.tzinfo is not None else None
    except (ValueError, OverflowError):
        aware = None
    if aware is None:
        raise QueryError(f"{name} is {_shown(text)}; allowed is a moment like 2026-11-24T03:00:00Z")
    return aware


def _items(parameters: QueryParams, name: str) -> list[str]:
    return [item for text in parameters.getlist(name) for item in text.split(",")]


def _words(parameters: QueryParams, name: str, allowed: Sequence[str] = ()) -> frozenset[str]:
    """Return words in lower case. An empty one is none, unless it is to be one of those that are allowed."""
    words = [item.lower() for item in _items(parameters, name) if item or allowed]
    for word in words:
        if allowed and word not in allowed:
            raise QueryError(f"{name} is {_shown(word)}; allowed are {', '.join(allowed)}")
    return frozenset(words)


def _choice(parameters: Mapping[str, str], name: str, allowed: Sequence[str], default: str) -> str:
    text = parameters.get(name, default)
    if text not in allowed:
        raise QueryError(f"{name} is {_shown(text)}; allowed are {', '.join(allowed)}")
    return text


def _text(parameters: Mapping[str, str], name: str) -> str:
    text = parameters.get(name, "")
    if len(text) > _LONGEST:
        raise QueryError(f"{name} has {len(text)} characters; allowed are {_LONGEST}")
    return text


def _shown(text: str) -> str:
    return repr(text[:100])
