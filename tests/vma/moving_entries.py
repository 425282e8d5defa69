"""Entries of copies that go on, as they come in pages, and the request of a cohort that knows them."""

from typing import Any

import msgspec
from wire_samples import KEY

from oma_poller.engine.cohort_request import CohortRequest, Said
from oma_poller.model.reading import Reading
from oma_poller.vma.entry import WireEntry
from oma_poller.vma.page import Page, read_page
from oma_poller.vma.wire import read

PLAIN: dict[str, Any] = {
    "status": "in_progress",
    "sync_type": "full",
    "phase": "Transfer",
    "percentage": 2.5,
    "current_operation": "Transferring Data",
    "bytes_transferred": 100,
    "total_bytes": 1000,
    "throughput": {"current_mbps": 1.5},
    "timing": {"start_time": "2026-11-24T10:00:00Z", "eta_seconds": 9},
    "vm_info": {"name": "vm", "disk_size_gb": 40},
    "errors": [],
    "last_error": None,
}


def wire(**fields: object) -> WireEntry:
    """Return an entry as it comes off the wire."""
    return msgspec.json.decode(msgspec.json.encode(PLAIN | fields), type=WireEntry)


def reading(**fields: object) -> Reading:
    """Return what such an entry says."""
    outcome = read(wire(**fields), KEY)
    assert isinstance(outcome, Reading)
    return outcome


def page(
    version: int,
    *keys: str,
    full: bool = False,
    deleted: tuple[str, ...] = (),
    **fields: Any,  # noqa: ANN401 - the fields of an entry have types of their own
) -> Page:
    """Return a page that tells these keys, all with the same fields."""
    entries = [PLAIN | {"job_id": key} | fields for key in keys]
    told = {"cursor": f"e.{version}", "complete": True, "full": full, "entries": entries, "deleted": deleted}
    made = read_page(msgspec.json.encode(told))
    assert made is not None
    return made


def request(*keys: str, **fields: object) -> CohortRequest:
    """Return a request of jobs of one key that know these entries."""
    spans = [range(place, place + 1) for place in range(len(keys))]
    return CohortRequest("v", keys, [Said(reading(**fields)) for _ in keys], spans, len(keys), 1)
