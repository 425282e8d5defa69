"""The format of a source file: what its first bytes and its name say, when both agree.

A guest can write anything to its own disk, so also the header of a qcow2 image that names files of the host.
Nobody who takes the first bytes of a raw image for its format is safe from that. Therefore a format that is
found in the bytes alone is not believed: the name must say the same, or a person must.
"""

from enum import StrEnum
from pathlib import Path

from oma_poller.errors import UsageError


class ImageFormat(StrEnum):
    """How the blocks of a disk lie in a file."""

    RAW = "raw"
    QCOW2 = "qcow2"
    VMDK = "vmdk"


_MAGIC = (
    (b"QFI\xfb", ImageFormat.QCOW2),
    (b"KDMV", ImageFormat.VMDK),
    (b"COWD", ImageFormat.VMDK),
    (b"# Disk DescriptorFile", ImageFormat.VMDK),
)
_SUFFIXES = {".qcow2": ImageFormat.QCOW2, ".qcow": ImageFormat.QCOW2, ".vmdk": ImageFormat.VMDK}
_RAW_EXTENT_ENDINGS = ("-flat.vmdk", "-rdm.vmdk", "-rdmp.vmdk")
"""VMware's names of files that hold plain blocks beside a descriptor."""
_OTHER_SUFFIXES = frozenset({".vdi", ".vhd", ".vhdx", ".qed", ".ova", ".ovf", ".gz", ".xz", ".zst"})
_ASK = "say --source-format raw, qcow2 or vmdk (in a plan: format)"


def find_format(path: Path) -> ImageFormat:
    """Return the format that the first bytes and the name of a readable file agree on.

    Raises UsageError with one line where they do not, or where neither is known here.
    """
    inside = _format_inside(path)
    if path.suffix.lower() in _OTHER_SUFFIXES:
        raise UsageError(
            f"source {path}: {path.suffix} files cannot be copied; if it is another format, {_ASK}"
        )
    named = ImageFormat.RAW if path.name.lower().endswith(_RAW_EXTENT_ENDINGS) else _by_suffix(path)
    if inside is not None and inside is not named:
        raise UsageError(
            f"source {path} begins like a {inside} image but is not named as one;"
            f" a guest can write such a header into a raw disk: {_ASK}"
        )
    if inside is None and named is not ImageFormat.RAW:
        raise UsageError(f"source {path} is named as a {named} image but does not begin like one: {_ASK}")
    return named


def _by_suffix(path: Path) -> ImageFormat:
    return _SUFFIXES.get(path.suffix.lower(), ImageFormat.RAW)


def _format_inside(path: Path) -> ImageFormat | None:
    longest = max(len(magic) for magic, _ in _MAGIC)
    try:
        with path.open("rb") as file:
            head = file.read(longest)
    except OSError as error:
        raise UsageError(f"source {path} cannot be read: {error.strerror}") from None
    return next((form for magic, form in _MAGIC if head.startswith(magic)), None)
