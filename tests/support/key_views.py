"""The fetcher's port seen key by key: what is asked and answered is a tier of keys at a time."""

from typing import NamedTuple

from oma_poller.engine.ports import TierAnswer, TierRequest
from oma_poller.model.reading import Outcome


class Asked(NamedTuple):
    """One key of a request."""

    vma: str
    key: str
    ticket: int


class Got(NamedTuple):
    """What one key of a request brought."""

    request: Asked
    outcome: Outcome
    body: bytes = b""
    duration_s: float = 0.0
    """Of the slowest key of the request."""


def one_key(vma: str, key: str, ticket: int) -> TierRequest:
    """Return a request for one key."""
    return TierRequest(vma, (key,), ticket)


def each_key(request: TierRequest) -> list[Asked]:
    """Return a request key by key."""
    return [Asked(request.vma, key, request.ticket) for key in request.keys]


def each_got(answer: TierAnswer) -> list[Got]:
    """Return an answer key by key."""
    bodies = answer.bodies or (b"",) * len(answer.outcomes)
    return [
        Got(*one, answer.duration_s)
        for one in zip(each_key(answer.request), answer.outcomes, bodies, strict=True)
    ]


def answer_to(asked: Asked, outcome: Outcome, body: bytes = b"") -> TierAnswer:
    """Return the answer to the request for one key."""
    return TierAnswer(one_key(*asked), (outcome,), 0.1, (body,) if body else ())
