"""`oma-poller vma copy`: copy disks and report their progress to a VMA."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oma_poller.cli.options import AsJson
from oma_poller.errors import CopyError, UsageError

if TYPE_CHECKING:
    from oma_poller.agent.copier.copy_order import CopyMethod, CopyOrder
    from oma_poller.agent.copier.copy_session import CopyResult
    from oma_poller.cli.copy_screen import LineScreen

DEFAULT_VMA = "http://127.0.0.1:9081"
_TOOLS = ("auto", "nbdcopy", "qemu-img", "builtin")
_FORMATS = ("raw", "qcow2", "vmdk")
_RATE = re.compile(r"(?P<number>[0-9]{1,15})(?P<unit>[KMGT]?)")
_RATE_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_PARALLEL_LIMIT = 64
_LEASE_LIMITS_S = (3, 86_400)

Source = Annotated[
    str | None, typer.Argument(metavar="[SOURCE]", help="A raw, qcow2 or vmdk file, or an NBD URI.")
]
Target = Annotated[
    str | None,
    typer.Argument(metavar="[TARGET]", help="A file, or nbd://HOST:PORT/EXPORT of at least that size."),
]
Key = Annotated[str | None, typer.Option(metavar="KEY", help="What its progress is stored under on the VMA.")]
Plan = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Copy all disks of a VM, as this TOML file says.")
]
Vma = Annotated[
    str | None, typer.Option(metavar="URL", help=f"Where to report to; else the plan's, else {DEFAULT_VMA}.")
]
Tool = Annotated[str, typer.Option(metavar="NAME", help=f"What copies: {', '.join(_TOOLS)}.")]
SourceFormat = Annotated[
    str | None,
    typer.Option(metavar="FORMAT", help="raw, qcow2 or vmdk; else the file's name and content must agree."),
]
Rate = Annotated[
    str | None, typer.Option(metavar="RATE", help="Most bytes of data a second for each disk, like 20M.")
]
Parallel = Annotated[int, typer.Option(metavar="N", help="Disks of a plan to copy at once.")]
Lease = Annotated[
    str,
    typer.Option(metavar="TIME", help="How long the VMA may take silence for work before it says stalled."),
]
ReportTimeout = Annotated[
    str, typer.Option(metavar="TIME", help="How long to try to tell the VMA how it ended.")
]


def copy(  # noqa: PLR0913 - each is an option of the command
    source: Source = None,
    target: Target = None,
    *,
    key: Key = None,
    plan: Plan = None,
    vma: Vma = None,
    tool: Tool = "auto",
    source_format: SourceFormat = None,
    rate: Rate = None,
    parallel: Parallel = 1,
    lease: Lease = "30s",
    report_timeout: ReportTimeout = "5m",
    as_json: AsJson = False,
) -> int:
    """Copy SOURCE to TARGET, or the disks of a plan, and report the progress to a VMA.

    Reports are of the data that has to be moved: holes and zeroes do not count. A VMA that is away does not
    hold up the copy. Exit status: 0 copied and reported, 1 not, 2 wrong usage.
    """
    from oma_poller.agent.copier.copy_session import CopySession  # noqa: PLC0415 - --help must not wait for it
    from oma_poller.agent.copier.vma_post import VmaAddress  # noqa: PLC0415 - as above

    method = _method(tool, rate, parallel, lease)
    report_limit_s = _duration("--report-timeout", report_timeout)
    if plan is not None:
        orders, planned_vma = _planned(plan, source, key, source_format)
    else:
        orders, planned_vma = [_single(source, target, key, source_format)], None
    address = VmaAddress(vma or planned_vma or DEFAULT_VMA)
    _check_able(orders, method)
    with _screen(address.url, as_json=as_json) as screen:
        session = CopySession(orders, method, address, screen, screen.contact)
        result = session.run(report_limit_s)
    _raise_unless_good(result, address.url)
    return 0


def _planned(
    plan: Path, source: str | None, key: str | None, source_format: str | None
) -> "tuple[list[CopyOrder], str | None]":
    if source is not None or key is not None or source_format is not None:
        raise UsageError("--plan names sources, targets, keys and formats itself: give it alone")

    from oma_poller.agent.copier.copy_plan import read_plan  # noqa: PLC0415 - --help must not wait for it

    read = read_plan(plan)
    return read.orders, read.vma


def _single(
    source: str | None, target: str | None, key: str | None, source_format: str | None
) -> "CopyOrder":
    if source is None or target is None or key is None:
        raise UsageError("SOURCE, TARGET and --key are needed, or --plan FILE")

    from oma_poller.agent.copier.copy_order import place_order  # noqa: PLC0415 - --help must not wait for it
    from oma_poller.agent.copier.copy_place import parse_place  # noqa: PLC0415 - as above
    from oma_poller.agent.copier.image_format import ImageFormat  # noqa: PLC0415 - as above

    if source_format is not None and source_format not in _FORMATS:
        raise UsageError(f"--source-format is {source_format!r}: allowed are {', '.join(_FORMATS)}")
    form = ImageFormat(source_format) if source_format is not None else None
    here = Path.cwd()
    return place_order(parse_place(source, "source", here), form, parse_place(target, "target", here), key)


def _method(tool: str, rate: str | None, parallel: int, lease: str) -> "CopyMethod":
    from oma_poller.agent.copier.copy_order import CopyMethod, ToolName  # noqa: PLC0415 - --help must not wait for it

    if tool not in _TOOLS:
        raise UsageError(f"--tool is {tool!r}: allowed are {', '.join(_TOOLS)}")
    if not 1 <= parallel <= _PARALLEL_LIMIT:
        raise UsageError(f"--parallel is {parallel}: allowed are 1 to {_PARALLEL_LIMIT}")
    lease_s = _duration("--lease", lease)
    least_s, most_s = _LEASE_LIMITS_S
    if not (least_s <= lease_s <= most_s and lease_s.is_integer()):
        raise UsageError(
            f"--lease is {lease!r}: allowed are whole seconds from {least_s}s to {most_s // 3600}h"
        )
    return CopyMethod(
        tool=None if tool == "auto" else ToolName(tool),
        rate_bps=0 if rate is None else _rate_bps(rate),
        parallel=parallel,
        lease_s=int(lease_s),
    )


def _duration(option: str, text: str) -> float:
    from oma_poller.config.durations import parse_duration  # noqa: PLC0415 - --help must not wait for it

    try:
        return parse_duration(text)
    except ValueError:
        raise UsageError(f"{option} is {text!r}: allowed are durations like 500ms, 30s, 5m, 1h30m") from None


def _rate_bps(text: str) -> int:
    found = _RATE.fullmatch(text)
    rate_bps = int(found["number"]) * _RATE_UNITS[found["unit"]] if found else 0
    if not 1 <= rate_bps < 1 << 50:
        raise UsageError(
            f"--rate is {text!r}: allowed are bytes a second like 500K, 20M or 1G, in powers of 1024"
        )
    return rate_bps


def _check_able(orders: "list[CopyOrder]", method: "CopyMethod") -> None:
    """Raise UsageError before anything begins if there is no tool for one of the disks."""
    from oma_poller.agent.copier.copy_tool import able_tools  # noqa: PLC0415 - --help must not wait for it

    for order in orders:
        able_tools(order, method)


def _screen(vma: str, *, as_json: bool) -> "LineScreen":
    from oma_poller.cli.copy_screen import BarScreen, JsonScreen, LineScreen  # noqa: PLC0415 - as in copy

    if as_json:
        return JsonScreen(vma)
    return BarScreen(vma) if sys.stdout.isatty() else LineScreen(vma)


def _raise_unless_good(result: "CopyResult", vma: str) -> None:
    wrong = [f"{name} failed: {reason}" for name, reason in result.failures.items()]
    if result.undelivered is not None:
        copied = "" if wrong else "all is copied, but "
        wrong.append(f"{copied}VMA {vma} was not told how it ended: {result.undelivered}")
    if wrong:
        raise CopyError("; ".join(wrong))
