"""A whole VM to copy, as a TOML file says it.

vma = "http://127.0.0.1:9081"    # optional
job_id = "job-20250905-162427"   # optional: then all disks report under this key, each with its disk_id

[[disk]]
source = "web-0.vmdk"            # paths are relative to the plan's folder
target = "nbd://10.0.0.7:10809/migration-vol-c290646c-41ba-4d50-a31f-f497320ca0bd"
key = "migration-vol-c290646c-41ba-4d50-a31f-f497320ca0bd"  # without job_id
disk_id = "2000"                 # with job_id
format = "vmdk"                  # optional
"""

import re
from pathlib import Path

import msgspec
from msgspec import Struct

from oma_poller.agent.copier.copy_order import CopyOrder, place_order
from oma_poller.agent.copier.copy_place import parse_place, same_place
from oma_poller.agent.copier.image_format import ImageFormat
from oma_poller.errors import UsageError

_PLACE = re.compile(r" - at `\$(?:\.(?P<table>\w+)\[(?P<index>\d+)\])?\.?(?P<field>\w*)`$")


class _Disk(Struct, forbid_unknown_fields=True):
    source: str
    target: str
    key: str | None = None
    disk_id: str | None = None
    format: ImageFormat | None = None


class _Plan(Struct, forbid_unknown_fields=True):
    disk: list[_Disk]
    vma: str | None = None
    job_id: str | None = None


class CopyPlan(Struct, frozen=True):
    """A plan that can be begun."""

    orders: list[CopyOrder]
    vma: str | None


def read_plan(path: Path) -> CopyPlan:
    """Return the plan in a file. Raises UsageError with one line that names the place of what is wrong."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"plan {path} cannot be read: {error.strerror}") from None
    try:
        plan = msgspec.toml.decode(content, type=_Plan)
    except msgspec.ValidationError as error:
        raise UsageError(f"plan {path}: {_with_place(str(error))}") from None
    except (msgspec.DecodeError, ValueError) as error:
        raise UsageError(f"plan {path} is no TOML: {error}") from None
    if not plan.disk:
        raise UsageError(
            f"plan {path} has no disk: each is a [[disk]] with source, target and key or disk_id"
        )
    orders: list[CopyOrder] = []
    for number, disk in enumerate(plan.disk, start=1):
        try:
            order = _order(disk, plan.job_id, path.parent)
            _check_apart(order, orders)
        except UsageError as error:
            raise UsageError(f"plan {path}, disk {number}: {error}") from None
        orders.append(order)
    return CopyPlan(orders, plan.vma)


def _with_place(message: str) -> str:
    """Turn msgspec's `… - at `$.disk[1].source`` into a place a person counts."""
    found = _PLACE.search(message)
    if found is None:
        return message
    where = f"disk {int(found['index']) + 1}" if found["index"] else ""
    place = ", ".join(part for part in (where, found["field"]) if part)
    return f"{place}: {message[: found.start()]}"


def _order(disk: _Disk, job_id: str | None, folder: Path) -> CopyOrder:
    source = parse_place(disk.source, "source", folder)
    target = parse_place(disk.target, "target", folder)
    if job_id is None:
        if disk.key is None or disk.disk_id is not None:
            raise UsageError("without a job_id each disk needs a key, and no disk_id")
        return place_order(source, disk.format, target, disk.key)
    if disk.disk_id is None or disk.key is not None:
        raise UsageError("with a job_id each disk needs a disk_id, and no key")
    return place_order(source, disk.format, target, job_id, disk.disk_id)


def _check_apart(order: CopyOrder, others: list[CopyOrder]) -> None:
    for number, other in enumerate(others, start=1):
        if (order.key, order.disk_id) == (other.key, other.disk_id):
            what = "key" if order.disk_id is None else "disk_id"
            raise UsageError(f"its {what} {order.disk_id or order.key!r} is that of disk {number} too")
        if same_place(order.target, other.target):
            raise UsageError(f"its target is that of disk {number} too")
        if same_place(order.source, other.target) or same_place(order.target, other.source):
            raise UsageError(f"it reads what disk {number} writes, or writes what that reads")
