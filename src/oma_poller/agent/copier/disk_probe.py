"""What is to be copied and whether it fits, asked of the disks themselves before anything is written."""

import os
import shutil
from typing import NoReturn

import msgspec
from msgspec import Struct

from oma_poller.agent.copier.copy_order import CopyOrder
from oma_poller.agent.copier.copy_place import FilePlace, NbdPlace, Place
from oma_poller.agent.copier.extent_map import ExtentMap
from oma_poller.agent.copier.image_format import ImageFormat
from oma_poller.agent.copier.map_output import MapOutput
from oma_poller.agent.copier.raw_extents import data_segments
from oma_poller.agent.copier.tied_process import ask_tool
from oma_poller.errors import CopyError

_ANSWER_S = 60.0
_MAP_S = 1800.0
"""The map of a large, badly fragmented image takes its time."""
_ALLOCATION = "base:allocation"


class NbdExport(Struct, frozen=True):
    """An export as its server describes it."""

    size_bytes: int
    is_read_only: bool = False
    knows_extents: bool = True


class _NbdinfoExport(Struct, rename={"size_bytes": "export-size"}):
    size_bytes: int
    is_read_only: bool = False
    contexts: list[str] = []


class _Nbdinfo(Struct):
    exports: list[_NbdinfoExport]


class _QemuInfo(Struct, rename={"size_bytes": "virtual-size"}):
    size_bytes: int


async def read_extents(order: CopyOrder) -> ExtentMap:
    """Return the source's size and which parts of it hold data. Raises CopyError with one line.

    A raw file's file system knows them, an NBD server tells them (nbdinfo --map), and qemu-img map reads them
    from an image with a format, its backing files included. A server that cannot tell has all of it as data.
    """
    try:
        return await _extents(order)
    except CopyError as error:
        raise CopyError(f"source {order.source}: {error}") from None


async def _extents(order: CopyOrder) -> ExtentMap:
    if isinstance(order.source, NbdPlace):
        return await _nbd_extents(order.source)
    if order.source_format is ImageFormat.RAW:
        return _file_extents(order.source)
    qemu_img = _installed("qemu-img", f"{order.source_format} images need qemu-img (Debian: qemu-utils)")
    form, path = order.source_format.value, str(order.source)
    size_bytes = await _qemu_size(qemu_img, form, path)
    return await _mapped(size_bytes, [qemu_img, "map", "--output=json", "-f", form, path])


async def check_target(target: Place, size_bytes: int) -> None:
    """Raise CopyError if an NBD target is missing, cannot be written or is smaller than the source."""
    if isinstance(target, FilePlace):
        return
    try:
        export = await _nbd_export(target)
    except CopyError as error:
        raise CopyError(f"target {target}: {error}") from None
    if export.is_read_only:
        raise CopyError(f"target {target} is read-only")
    if export.size_bytes < size_bytes:
        raise CopyError(
            f"target {target} has {export.size_bytes} bytes, the source {size_bytes}: it does not fit"
        )


def _file_extents(source: Place) -> ExtentMap:
    try:
        with open(str(source), "rb") as file:  # noqa: PTH123 - a place, whose text is its path
            extents = ExtentMap(os.fstat(file.fileno()).st_size)
            for start, end in data_segments(file.fileno(), extents.size_bytes):
                extents.add(start, end - start)
    except OSError as error:
        raise CopyError(f"cannot be read: {error.strerror}") from None
    return extents


async def _nbd_extents(source: NbdPlace) -> ExtentMap:
    export = await _nbd_export(source)
    if not export.knows_extents:
        extents = ExtentMap(export.size_bytes)
        extents.add(0, export.size_bytes)
        return extents
    nbdinfo = shutil.which("nbdinfo")
    if nbdinfo is not None:
        return await _mapped(export.size_bytes, [nbdinfo, "--map", "--json", source.uri])
    qemu_img = _installed("qemu-img", "NBD needs nbdinfo or qemu-img (Debian: libnbd-bin, qemu-utils)")
    return await _mapped(export.size_bytes, [qemu_img, "map", "--output=json", "-f", "raw", source.uri])


async def _nbd_export(place: NbdPlace) -> NbdExport:
    nbdinfo = shutil.which("nbdinfo")
    if nbdinfo is None:
        qemu_img = _installed("qemu-img", "NBD needs nbdinfo or qemu-img (Debian: libnbd-bin, qemu-utils)")
        return NbdExport(await _qemu_size(qemu_img, "raw", place.uri))
    answer = await _answer([nbdinfo, "--json", place.uri])
    try:
        found = msgspec.json.decode(answer, type=_Nbdinfo).exports[0]
    except (msgspec.MsgspecError, IndexError):
        _not_understood("nbdinfo")
    return NbdExport(found.size_bytes, found.is_read_only, _ALLOCATION in found.contexts)


async def _qemu_size(qemu_img: str, form: str, name: str) -> int:
    answer = await _answer([qemu_img, "info", "--output=json", "-f", form, name])
    try:
        return msgspec.json.decode(answer, type=_QemuInfo).size_bytes
    except msgspec.MsgspecError:
        _not_understood("qemu-img info")


async def _mapped(size_bytes: int, arguments: list[str]) -> ExtentMap:
    extents = ExtentMap(size_bytes)
    await ask_tool(arguments, _MAP_S, MapOutput(extents).take)
    return extents


async def _answer(arguments: list[str]) -> bytes:
    answer = bytearray()
    await ask_tool(arguments, _ANSWER_S, answer.extend)
    return bytes(answer)


def _installed(program: str, otherwise: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise CopyError(otherwise)
    return path


def _not_understood(program: str) -> NoReturn:
    raise CopyError(f"{program} answered something that is not understood")
