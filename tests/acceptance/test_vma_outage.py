"""Two VMAs, one of which goes away and comes back, or hangs: the other one's jobs do not notice."""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from threading import Event

import pytest
from oma_database import OmaDatabase
from patience import until
from poller_process import running
from scripted_vma import ScriptedVma, entry, serving

HERE = [f"here-{number}" for number in range(20)]
THERE = [f"there-{number}" for number in range(30)]
MOVING = count(1)
"""Bytes of each reply, so that every one differs from the last."""


def key(job: str) -> str:
    return f"migration-vol-v-{job}"


class CopyingVma(ScriptedVma):
    """A VMA whose every entry moves with each look."""

    def __init__(self, *jobs: str) -> None:
        super().__init__()
        self.entries = {key(job): entry(key(job)) for job in jobs}
        self.healths = 0

    def health(self) -> tuple[int, bytes, dict[str, str]]:
        """Count the looks at the health page."""
        self.healths += 1
        return super().health()

    def reply(self, key: str) -> tuple[int, bytes, dict[str, str]]:
        """Return the next entry of a key."""
        self.entries[key] = entry(key, bytes_transferred=next(MOVING), total_bytes=10**6)
        return super().reply(key)


@pytest.fixture
def here() -> CopyingVma:
    """The VMA that stays."""
    return CopyingVma(*HERE)


@pytest.fixture
def there() -> CopyingVma:
    """The VMA that goes away."""
    return CopyingVma(*THERE)


@pytest.fixture
def here_url(here: CopyingVma) -> Iterator[str]:
    """Serve the VMA that stays."""
    with serving(here) as url:
        yield url


@pytest.fixture
def settings(oma: OmaDatabase, here_url: str) -> dict[str, str]:
    """Return the environment of a quick poller, with twenty jobs here and thirty there."""
    for job in HERE:
        oma.add_job(job, f"v-{job}")
    for job in THERE:
        oma.add_job(job, f"v-{job}", vcenter_host="vc.there")
    return {
        "OMA_DATABASE_URL": oma.url,
        "VMA_PROGRESS_CLIENT_URL": here_url,
        "VMA_PROGRESS_POLL_INTERVAL": "500ms",
        "VMA_PROGRESS_DISCOVERY_INTERVAL": "500ms",
        "VMA_PROGRESS_MAX_CONCURRENT": "10",
    }


def route(folder: Path, url: str) -> None:
    """Give the jobs of `vc.there` to the VMA at *url*."""
    lines = ["[[vma]]", 'name = "there"', f'url = "{url}"', 'match = { vcenter_host = "vc.there" }']
    (folder / "oma-poller.toml").write_text("\n".join(lines) + "\n")


def observed(oma: OmaDatabase, jobs: list[str]) -> list[object]:
    """Return what is told of each job; None is a job that is seen."""
    return [oma.job(job)["vma_error_classification"] for job in jobs]


def numbers(oma: OmaDatabase) -> dict[str, int]:
    """Return the bytes of each job that is there."""
    return {job: oma.job(job)["bytes_transferred"] for job in THERE}


def test_a_vma_that_is_killed_costs_a_probe_an_interval_and_its_jobs_return(
    oma: OmaDatabase, here: CopyingVma, there: CopyingVma, settings: dict[str, str], tmp_path: Path
) -> None:
    with ExitStack() as up, ExitStack() as stack:
        url = up.enter_context(serving(there))
        route(tmp_path, url)
        poller = stack.enter_context(running(tmp_path, settings))
        until(lambda: all(numbers(oma).values()), "numbers of all jobs there")
        up.close()
        until(lambda: set(observed(oma, THERE)) == {"blind"}, "blind jobs")
        before, asked = numbers(oma), here.asked.total()
        until(lambda: here.asked.total() >= asked + 10 * len(HERE), "ten rounds of the other VMA's jobs")
        assert numbers(oma) == before
        assert set(observed(oma, HERE)) == {None}
        there_asked = there.asked.total()
        up.enter_context(serving(there, int(url.rpartition(":")[2])))
        until(lambda: set(observed(oma, THERE)) == {None}, "the jobs back")
        until(lambda: all(now > before[job] for job, now in numbers(oma).items()), "newer numbers")
        assert there.healths == 1
        assert there.asked.total() > there_asked
        assert {row["status"] for row in map(oma.job, HERE + THERE)} == {"replicating"}
        poller.wait_for("VMA answers again")
        assert poller.stop() == 0
    (fell,) = poller.said("VMA unreachable")
    assert (fell["vma"], fell["jobs"]) == ("there", len(THERE))
    assert not poller.said("job parked")
    assert not poller.said("job does not answer")


def test_a_vma_that_hangs_does_not_slow_another(
    oma: OmaDatabase, here: CopyingVma, there: CopyingVma, settings: dict[str, str], tmp_path: Path
) -> None:
    there.hold = Event()
    with serving(there) as url:
        route(tmp_path, url)
        with running(tmp_path, settings | {"VMA_PROGRESS_HTTP_TIMEOUT": "5s"}) as poller:
            until(lambda: there.in_flight.total() == 5, "its share of the polls in flight")
            asked = here.asked.total()
            until(lambda: here.asked.total() >= asked + 3 * len(HERE), "three rounds of the other's jobs")
            assert poller.said("VMA unreachable") == []  # all that was within the first time-out
            assert poller.wait_for("VMA unreachable")["vma"] == "there"
            until(lambda: set(observed(oma, THERE)) == {"blind"}, "blind jobs")
            there.hold.set()
            there.hold = None
            until(lambda: set(observed(oma, THERE)) == {None}, "the jobs back")
            assert poller.stop() == 0
