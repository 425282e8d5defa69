"""The part of `oma-poller check` that looks at the VMAs."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from msgspec import Struct

from oma_poller.cli.finding import Finding, Mark
from oma_poller.vma.health import VmaHealth, probe
from oma_poller.vma.target import VmaTarget

_HEALTHY = frozenset({"healthy", "ok", "up"})
_NO_HEALTH_PAGE = "HTTP 404"
"""The oldest builds have none."""
_AT_ONCE = 8


class VmaLook(Struct, frozen=True):
    """One VMA and how it is."""

    name: str
    url: str
    health: VmaHealth


def look_at_vmas(targets: Sequence[VmaTarget], timeout_s: float) -> tuple[VmaLook, ...]:
    """Ask every VMA for its health, several at once."""
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="probe") as threads:
        healths = threads.map(lambda target: probe(target, timeout_s), targets)
        return tuple(
            VmaLook(target.name, target.url, health) for target, health in zip(targets, healths, strict=True)
        )


def tell_vmas(looks: Sequence[VmaLook]) -> Iterator[Finding]:
    """Yield one finding a VMA."""
    for look in looks:
        health = look.health
        what = f"{look.name} at {look.url}"
        if not health.reachable:
            yield Finding("vma", Mark.WRONG, f"{what} cannot be reached: {health.detail}")
            continue
        said = f'says "{health.status}"' + (f": {health.detail}" if health.detail else "")
        if health.status.lower() in _HEALTHY:
            yield Finding("vma", Mark.OK, f"{what} {said}, in {health.latency_s * 1000:.0f} ms")
        elif health.status == _NO_HEALTH_PAGE:
            yield Finding("vma", Mark.HINT, f"{what} answers, but has no health page: {said}")
        else:
            yield Finding("vma", Mark.WRONG, f"{what} answers, but {said}")
