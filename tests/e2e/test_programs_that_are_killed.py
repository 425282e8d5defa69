"""Copier, VMA and poller, each killed without warning in the middle of a copy: no job is the worse for it."""

import signal
from pathlib import Path

import pytest
from copier_process import child_of, is_gone, running_copier
from migration import Migration
from nbd_exports import MIB, missing_nbd_packages
from patience import PATIENCE_S, until
from poller_process import RunningPoller, running
from row_trace import RowTrace, tracing
from vma_process import VmaProcess, vma_serve

MISSING = missing_nbd_packages()
pytestmark = [pytest.mark.nbd, pytest.mark.mariadb, pytest.mark.skipif(bool(MISSING), reason=MISSING)]

JOB = "job-1"
GOING_WELL = {"running", "replicating", "completed"}


def several_polls(poller: RunningPoller, least: int = 3) -> None:
    """Wait until the job was polled a few times more."""
    before = len(poller.said("poll"))
    until(lambda: len(poller.said("poll")) >= before + least, "a few polls")


def check_monotone(trace: RowTrace) -> None:
    """Neither the percent nor the bytes ever go back."""
    assert trace.percents == sorted(trace.percents)
    moved = [sight.bytes_transferred for sight in trace.sights]
    assert moved == sorted(moved)


def test_a_killed_copier_leaves_its_job_standing_until_it_is_started_again(
    migration: Migration, socket: Path, vma: VmaProcess
) -> None:
    disk = migration.disk(48 * MIB)
    migration.add_job(JOB, disk)
    arguments = ("--plan", migration.plan("vm", socket, disk), "--rate", "8M", "--lease", "3s")
    settings = migration.settings | {"VMA_PROGRESS_STALL_AFTER": "2s"}
    with (
        tracing(migration.oma, JOB, disk) as trace,
        running(migration.folder, settings) as trace.poller,
    ):
        with running_copier(*arguments) as copier:
            trace.follow_to(40)
            tool = child_of(copier, "qemu-img")
            copier.kill()
            copier.wait(PATIENCE_S)
        until(lambda: is_gone(tool), "the end of the tool")
        until(lambda: vma.entry(disk.export)["status"] == "stalled", "the lease that ran out")
        stalled = trace.follow(lambda sight: sight.observation == "stalled", "the observation")
        several_polls(trace.poller)
        still = trace.follow(lambda _: True, "one more look")
        assert (still.numbers, still.observation) == (stalled.numbers, "stalled")
        assert 40 <= still.percent < 100
        assert vma.entry(disk.export)["status"] == "stalled"
        check_monotone(trace)
        trace.sights.clear()
        with running_copier(*arguments) as copier:
            trace.follow(lambda sight: sight.observation == "", "the observation cleared")
            began = trace.follow(lambda sight: sight.percent < still.percent, "the new run's own numbers")
            trace.sights[:] = [began]
            trace.follow_to_end()
            assert copier.wait(PATIENCE_S) == 0
    check_monotone(trace)
    assert set(trace.statuses) <= GOING_WELL
    migration.check_completed(JOB, disk)


def test_a_vma_killed_in_mid_copy_comes_back_with_everything_and_no_job_fails(
    migration: Migration, socket: Path, vma: VmaProcess
) -> None:
    disk = migration.disk(64 * MIB)
    migration.add_job(JOB, disk)
    plan = migration.plan("vm", socket, disk)
    with (
        tracing(migration.oma, JOB, disk) as trace,
        running(migration.folder, migration.settings) as trace.poller,
        running_copier("--plan", plan, "--rate", "6M") as copier,
    ):
        trace.follow_to(40)
        vma.end(signal.SIGKILL)
        trace.follow(lambda sight: sight.observation == "blind", "the outage in the row")
        state, listen = str(migration.folder / "vma-state"), f"127.0.0.1:{vma.port}"
        with vma_serve("--state", state, "--listen", listen) as again:
            assert again.entry(disk.export)["bytes_transferred"] > 0
            trace.follow(lambda sight: sight.observation == "", "the end of the outage in the row")
            trace.follow_to_end()
            assert copier.wait(PATIENCE_S) == 0
    check_monotone(trace)
    assert set(trace.statuses) <= GOING_WELL
    migration.check_completed(JOB, disk)


def test_a_poller_killed_in_mid_copy_goes_on_where_the_copy_is(migration: Migration, socket: Path) -> None:
    disk = migration.disk(64 * MIB)
    migration.add_job(JOB, disk)
    plan = migration.plan("vm", socket, disk)
    with (
        tracing(migration.oma, JOB, disk) as trace,
        running_copier("--plan", plan, "--rate", "8M") as copier,
    ):
        with running(migration.folder, migration.settings) as poller:
            killed_at = trace.follow_to(30)
            poller.stop(signal.SIGKILL)
        until(lambda: disk.written_bytes >= disk.size_bytes // 2, "more of the copy")
        assert trace.follow(lambda _: True, "one more look").percent <= killed_at.percent + 5
        with running(migration.folder, migration.settings) as trace.poller:
            trace.follow_to_end()
            assert copier.wait(PATIENCE_S) == 0
            assert trace.poller.stop() == 0
    check_monotone(trace)
    assert set(trace.statuses) <= GOING_WELL
    migration.check_completed(JOB, disk)
