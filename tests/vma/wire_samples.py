"""Entries of the three shapes, as the contract describes them."""

import json
from typing import Any

from oma_poller.model.reading import Reading
from oma_poller.vma.wire import decode

KEY = "migration-vol-a1"
MIB = 1048576

SHAPE_C: dict[str, Any] = {
    "job_id": KEY,
    "status": "in_progress",
    "sync_type": "full",
    "phase": "Transfer",
    "percentage": 2.17,
    "current_operation": "Transfer",
    "bytes_transferred": 932233240,
    "total_bytes": 42949672960,
    "throughput": {"current_mbps": 12.5, "average_mbps": 1, "peak_mbps": 99, "last_update": "x"},
    "timing": {"start_time": "2026-11-23T15:54:24Z", "elapsed_ms": 5, "eta_seconds": 77},
    "vm_info": {"name": "vm", "path": "/x", "disk_size_gb": 40, "disk_size_bytes": 1, "cbt_enabled": True},
    "phases": [{"name": "Transfer", "status": "in_progress"}],
    "errors": [],
    "last_error": None,
    "disk_progresses": [
        {
            "disk_id": "2000",
            "bytes_transferred": 5,
            "total_bytes": 10,
            "throughput_mbps": 2,
            "status": "Queued",
        }
    ],
}
SHAPE_B: dict[str, Any] = {
    "job_id": KEY,
    "stage": "Transfer",
    "status": "Streaming",
    "started_at": "2026-11-23T15:54:24.123456789+02:00",
    "updated_at": "2026-11-23T15:54:24Z",
    "aggregate": {"total_bytes": 300, "bytes_transferred": 30, "throughput_bps": 7, "percent": 10.0},
    "cbt": {"type": "incremental", "previous_change_id": "a", "change_id": "b"},
    "nbd": {"exports": [{"name": KEY, "device": "/dev/sdb", "connected": True, "started_at": ""}]},
    "disks": [
        {
            "id": "d1",
            "label": "Hard disk 1",
            "planned_bytes": 300,
            "bytes_transferred": 30,
            "throughput_bps": 7,
            "percent": 10.0,
            "status": "Streaming",
        }
    ],
}
SHAPE_A: dict[str, Any] = SHAPE_C | {
    "vm_info": {"disk_size_gb": 40.5},
    "timing": {"start_time": "0001-01-01T00:00:00Z", "eta_seconds": 0},
    "last_error": {
        "phase": "Transfer",
        "error_type": "nbd",
        "message": "lost\nthe export",
        "recoverable": True,
    },
}


def read(document: object, key: str = KEY) -> Reading:
    """Decode what must be an entry."""
    outcome = decode(json.dumps(document).encode(), key)
    assert isinstance(outcome, Reading), outcome
    return outcome
