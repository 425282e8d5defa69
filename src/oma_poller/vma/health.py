"""One look at a VMA. `probe` and `fetch_once` block for at most their time-out: they are for commands."""

import msgspec
import pycurl  # type: ignore[import-untyped] # pycurl ships no types
from msgspec import Struct

from oma_poller.clock import Clock
from oma_poller.engine.ports import ProbeAnswer
from oma_poller.model.reading import Failure, FailureKind
from oma_poller.vma.address import PROGRESS_PATH, check_target, path_segment
from oma_poller.vma.exchange import Exchange, Received
from oma_poller.vma.reply import Fetched, fetched
from oma_poller.vma.target import VmaTarget
from oma_poller.vma.text import first_line, one_line

HEALTH_PATH = "/api/v1/health"
_DETAIL_LIMIT = 200
_OK = 200


class VmaHealth(Struct, frozen=True):
    """What a VMA says of itself."""

    reachable: bool
    """Whether an HTTP reply came at all."""
    latency_s: float
    """From the start of the request to its end, connecting included."""
    status: str
    """The VMA's own word ("healthy"), or "HTTP 404" and the like; empty when not reachable."""
    detail: str
    """One line for a person; empty when the VMA said how it is."""


class _WireHealth(Struct):
    status: str | None = None


_DECODER = msgspec.json.Decoder(_WireHealth)


def probe(target: VmaTarget, timeout_s: float) -> VmaHealth:
    """Ask a VMA for its health. Raises UsageError for a target that cannot be used, nothing else."""
    check_target(target)
    exchange = Exchange(target, timeout_s)
    exchange.begin(HEALTH_PATH)
    try:
        exchange.curl.perform()
    except pycurl.error as error:
        detail = exchange.fault(*error.args[:2]).detail
        return VmaHealth(reachable=False, latency_s=exchange.duration_s, status="", detail=detail)
    else:
        word = _word(exchange.body) if exchange.status == _OK else ""
        status = word or f"HTTP {exchange.status}"
        detail = "" if word else first_line(exchange.body, _DETAIL_LIMIT)
        return VmaHealth(reachable=True, latency_s=exchange.duration_s, status=status, detail=detail)
    finally:
        exchange.curl.close()


def fetch_once(target: VmaTarget, key: str, timeout_s: float, clock: Clock) -> Fetched:
    """Ask for one key. Raises UsageError for a target that cannot be used, nothing else."""
    check_target(target)
    segment = path_segment(key)
    if segment is None:
        detail = f"key {one_line(key, 100)!r} cannot stand in a URL"
        return Fetched(Failure(FailureKind.BAD_KEY, detail), 0.0)
    exchange = Exchange(target, timeout_s)
    exchange.begin(PROGRESS_PATH + segment)
    try:
        exchange.curl.perform()
    except pycurl.error as error:
        return Fetched(exchange.fault(*error.args[:2]), exchange.duration_s)
    else:
        return fetched(key, exchange.received(), exchange.duration_s, clock.utc())
    finally:
        exchange.curl.close()


def probe_answer(vma: str, reply: Received | Failure, duration_s: float) -> ProbeAnswer:
    """Return what a request for the health of a VMA came to."""
    if isinstance(reply, Received):
        word = _word(reply.body) if reply.status == _OK else ""
        return ProbeAnswer(vma, duration_s, word or f"HTTP {reply.status}")
    if reply.kind is FailureKind.TOO_LARGE:  # it is there, and says too much
        return ProbeAnswer(vma, duration_s, reply.detail)
    return ProbeAnswer(vma, duration_s, failure=reply)


def _word(body: bytes) -> str:
    try:
        return one_line(_DECODER.decode(body).status or "", _DETAIL_LIMIT)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
