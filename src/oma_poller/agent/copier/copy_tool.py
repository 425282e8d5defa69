"""Which tool copies a disk, and how it is called.

- qemu-img convert reads every format and counts its progress in the data it has to move. Its own rate limit
  (-r) also counts the zeroes that it writes into holes: 20 GiB of holes at 20 MiB/s would take 17 minutes. So
  a limit is set on reading the source instead, by qemu's throttle driver, where holes cost nothing.
- nbdcopy is the fastest for raw blocks, but has no rate limit, and tells only which hundredth of the disk
  it has got to, in steps of 128 MiB. On a sparse disk all data may lie in one such step: that says nothing.
- builtin is a small program of our own, for raw files to files where neither is installed.

Unless a person says which: qemu-img for formats and for a limited rate; else nbdcopy where its steps are
fine enough for the disk at hand, else qemu-img; builtin where nothing else is there.
"""

import json
import shutil
import sys
from collections.abc import Callable

from msgspec import Struct

from oma_poller.agent.copier.copy_order import CopyMethod, CopyOrder, ToolName
from oma_poller.agent.copier.copy_place import FilePlace, NbdPlace
from oma_poller.agent.copier.extent_map import ExtentMap
from oma_poller.agent.copier.image_format import ImageFormat
from oma_poller.agent.copier.tool_meter import BuiltinMeter, NbdcopyMeter, QemuImgMeter, ToolMeter
from oma_poller.errors import CopyError, UsageError

_PREFERENCE = (ToolName.NBDCOPY, ToolName.QEMU_IMG, ToolName.BUILTIN)
_PACKAGES = {ToolName.NBDCOPY: "libnbd-bin", ToolName.QEMU_IMG: "qemu-utils"}
_NBDCOPY_UNIT_BYTES = 128 << 20
"""nbdcopy hands out work in such units and tells where the newest begins (its THREAD_WORK_SIZE)."""
_FINE_ENOUGH = 0.02
"""Most of the data that one step of nbdcopy's progress may hide."""
_SECTOR_BYTES = 512

FindProgram = Callable[[str], str | None]


class ToolCall(Struct, frozen=True):
    """A tool with its arguments, and how its progress is read."""

    name: ToolName
    arguments: list[str]
    meter: ToolMeter


def able_tools(order: CopyOrder, method: CopyMethod, find: FindProgram = shutil.which) -> list[ToolName]:
    """Return the tools that can copy this, best first. Raises UsageError where none can, saying why."""
    wanted = _PREFERENCE if method.tool is None else (method.tool,)
    objections = {tool: _objection(tool, order, method, find) for tool in wanted}
    able = [tool for tool, objection in objections.items() if objection is None]
    if not able:
        reasons = "; ".join(f"{tool} {objection}" for tool, objection in objections.items())
        raise UsageError(f"{order.source} cannot be copied to {order.target}: {reasons}")
    return able


def _objection(tool: ToolName, order: CopyOrder, method: CopyMethod, find: FindProgram) -> str | None:
    places = (order.source, order.target)
    if tool in _PACKAGES and find(tool) is None:
        return f"is not installed (Debian: {_PACKAGES[tool]})"
    if tool is not ToolName.QEMU_IMG and order.source_format is not ImageFormat.RAW:
        return f"does not read {order.source_format}"
    if tool is ToolName.NBDCOPY and method.rate_bps:
        return "has no rate limit"
    if tool is ToolName.QEMU_IMG and any(isinstance(place, NbdPlace) and place.tls for place in places):
        return "does no TLS by URI"
    if tool is ToolName.BUILTIN and not all(isinstance(place, FilePlace) for place in places):
        return "copies files to files only"
    return None


def choose_tool(able: list[ToolName], extents: ExtentMap) -> ToolName:
    """Return the tool for a disk, of those that can copy it (best first). Raises CopyError."""
    left = able
    if extents.size_bytes % _SECTOR_BYTES:
        left = [tool for tool in able if tool is not ToolName.QEMU_IMG]
        if not left:
            raise CopyError(
                f"the source has {extents.size_bytes} bytes, no multiple of 512: qemu-img would round that up"
            )
    if left[0] is ToolName.NBDCOPY and ToolName.QEMU_IMG in left and not _fine_enough(extents):
        return ToolName.QEMU_IMG
    return left[0]


def _fine_enough(extents: ExtentMap) -> bool:
    step_bytes = max(_NBDCOPY_UNIT_BYTES, extents.size_bytes // 100)
    return extents.densest_step(step_bytes) <= _FINE_ENOUGH * extents.data_bytes


def call_tool(tool: ToolName, order: CopyOrder, method: CopyMethod, extents: ExtentMap) -> ToolCall:
    """Return how *tool* is to be called for a disk. Raises CopyError if it is not installed."""
    if tool is ToolName.BUILTIN:
        arguments = [sys.executable, "-P", "-m", "oma_poller.agent.copier.plain_copy"]
        arguments += [str(order.source), str(order.target), str(method.rate_bps)]
        return ToolCall(tool, arguments, BuiltinMeter(extents))
    program = shutil.which(tool)
    if program is None:
        raise CopyError(f"{tool} is no longer installed")
    if tool is ToolName.NBDCOPY:
        # One thread: then all that lies before the told position has been handed out, in order.
        arguments = [
            program,
            "--progress=1",
            "--threads=1",
            "--flush",
            "--",
            str(order.source),
            str(order.target),
        ]
        return ToolCall(tool, arguments, NbdcopyMeter(extents))
    return ToolCall(tool, [program, *_convert(order, method)], QemuImgMeter(extents))


def _convert(order: CopyOrder, method: CopyMethod) -> list[str]:
    # Two requests of 2 MiB: one is read while the other is written, and progress runs no further ahead.
    # writeback: what was written is flushed at the end, which convert's own default (unsafe) leaves out.
    arguments = ["convert", "-p", "-m", "2", "-t", "writeback", "-O", "raw"]
    if isinstance(order.target, NbdPlace):
        arguments.append("-n")  # the export is there; holes are written to it as zeroes
    if not method.rate_bps:
        return [*arguments, "-f", order.source_format, str(order.source), str(order.target)]
    arguments += ["--object", f"throttle-group,id=rate,x-bps-read={method.rate_bps}"]
    return [*arguments, _throttled(order), str(order.target)]


def _throttled(order: CopyOrder) -> str:
    """Return the source as qemu's JSON, with a throttle between it and its reader."""
    node: dict[str, object]
    if isinstance(order.source, FilePlace):
        node = {"driver": "file", "filename": str(order.source)}
    else:
        node = {"driver": "nbd", "export": order.source.export, "server": _server(order.source)}
    image = {"driver": order.source_format.value, "file": node}
    return "json:" + json.dumps({"driver": "throttle", "throttle-group": "rate", "file": image})


def _server(place: NbdPlace) -> dict[str, str]:
    if place.socket is not None:
        return {"type": "unix", "path": place.socket}
    return {"type": "inet", "host": place.host, "port": str(place.port)}
