"""Every recorded reply of a real VMA decodes to what it says."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from oma_poller.model.reading import DiskReading, Missing, Outcome, Reading, State
from oma_poller.vma.reply import outcome

WIRE = Path(__file__).parent.parent / "wire"
FULL = 107374182400
MIB = 1048576
NOW = datetime(2026, 11, 23, 15, 54, 30, tzinfo=UTC)

# file: state, bytes, total, percent, speed, eta of each GET that was answered with 200, in order
EXPECTED: dict[str, list[tuple[str, int, int, float, int, int | None]]] = {
    "01-unknown-job": [],
    "02-auto-init": [("queued", 0, 0, 0, 0, None)],
    "03-migratekit-single-disk": [
        ("snapshotting", 0, 0, 10, 0, None),
        ("replicating", 0, 0, 10, 0, None),
        ("replicating", 2330000000, FULL, 2.17, 100 * MIB, 1001),
        ("completed", FULL, FULL, 100, 0, None),
    ],
    "04-multi-disk": [
        ("replicating", 1073741824, 10737418240, 10, 50 * MIB, 184),
        ("replicating", 6442450944, 32212254720, 20, 150 * MIB, 163),
        ("replicating", 16106127360, 32212254720, 50, 100 * MIB, 153),
    ],
    "05-streaming": [("replicating", 536870912, 1073741824, 50, 10 * MIB, 51)] * 2,
    "06-succeeded": [("completed", 100, 100, 100, 0, None), ("replicating", 3, 100, 3, 10, 9)],
    "07-failed": [("failed", 40, 100, 40, 0, None), ("failed", 0, 0, 0, 0, None)],
    "08-negative-bytes": [("replicating", 0, 100, 0, 0, None), ("replicating", 0, 0, 0, 0, None)],
    "09-bytes-over-total": [("replicating", 150, 100, 150, 1, None)],
    "10-percent-over-100": [
        ("replicating", 10, 100, 123456.789, 1, 90),
        ("replicating", 10, 100, 10, 1, 90),
    ],
    "11-missing-fields": [("queued", 0, 0, 0, 0, None)] * 2,
    "13-empty-and-bad-json": [("queued", 0, 0, 0, 0, None)],
    "14-regress-and-reuse": [("completed", 100, 100, 100, 0, None), ("replicating", 100, 100, 100, 0, None)],
    "15-http": [],
}


def outcomes(name: str) -> list[tuple[dict[str, Any], Outcome]]:
    """Return each recorded GET of a progress entry with what it comes to."""
    exchanges = [json.loads(line) for line in (WIRE / f"{name}.jsonl").read_text().splitlines()]
    return [
        (
            exchange,
            outcome(
                exchange["path"].rpartition("/")[2],
                exchange["status"],
                {header.lower(): value for header, value in exchange["headers"].items()},
                exchange["body"].encode(),
                NOW,
            ),
        )
        for exchange in exchanges
        if exchange["method"] == "GET" and exchange["path"].startswith("/api/v1/progress/")
    ]


def test_every_recorded_file_is_expected() -> None:
    assert {path.stem for path in WIRE.glob("*.jsonl")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_every_recorded_entry_decodes(name: str) -> None:
    readings = [read for exchange, read in outcomes(name) if exchange["status"] == 200]
    assert all(isinstance(read, Reading) for read in readings), readings
    seen = [
        (read.state, read.bytes_transferred, read.total_bytes, read.percent, read.speed_bps, read.eta_s)
        for read in readings
        if isinstance(read, Reading)
    ]
    assert seen == EXPECTED[name]
    for read in readings:
        assert isinstance(read, Reading)
        assert read.shape == "C"
        assert read.started_at is not None
        assert 3 <= read.clock_skew_s <= 6
        assert read.error is None


@pytest.mark.parametrize("name", EXPECTED)
def test_every_recorded_404_is_a_missing_key(name: str) -> None:
    for exchange, read in outcomes(name):
        if exchange["status"] == 404:
            assert read == Missing(exchange["body"].strip())


def test_the_recorded_texts_come_through() -> None:
    (_, read), *_ = outcomes("03-migratekit-single-disk")[2:]
    assert isinstance(read, Reading)
    assert (read.word, read.phase, read.operation) == ("in_progress", "Transfer", "Transferring Data")
    assert read.sync_type == "full"
    assert read.started_at == datetime(2026, 11, 23, 15, 54, 24, tzinfo=UTC)


def test_the_recorded_disks_come_through() -> None:
    _, (_, read), _ = outcomes("04-multi-disk")
    assert isinstance(read, Reading)
    assert read.disks == (
        DiskReading("2000", "Disk 2000", State.REPLICATING, 1073741824, 10737418240, 10, 50 * MIB),
        DiskReading("2001", "Disk 2001", State.REPLICATING, 5368709120, 21474836480, 25, 100 * MIB),
    )


def test_a_recorded_phase_the_vocabulary_lacks_is_counted() -> None:
    ((_, read),) = outcomes("13-empty-and-bad-json")
    assert isinstance(read, Reading)
    assert read.unknown_words == ("phase=A",)
