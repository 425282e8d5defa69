"""What can be asked for, and what is said of that which cannot."""

from pathlib import Path

import pytest

from oma_poller.agent.copier.copy_order import CopyMethod, CopyOrder, ToolName, place_order
from oma_poller.agent.copier.copy_place import FilePlace, NbdPlace, parse_place
from oma_poller.agent.copier.copy_tool import able_tools, call_tool, choose_tool
from oma_poller.agent.copier.extent_map import ExtentMap
from oma_poller.agent.copier.image_format import ImageFormat, find_format
from oma_poller.errors import CopyError, UsageError

GIB = 1 << 30


def place(text: str) -> FilePlace | NbdPlace:
    """Return the place a text names."""
    return parse_place(text, "source", Path("/images"))


def test_a_path_is_taken_from_the_folder() -> None:
    assert place("a b/web:0.raw") == FilePlace(Path("/images/a b/web:0.raw"))


@pytest.mark.parametrize(
    ("uri", "export", "host", "port", "socket", "tls"),
    [
        ("nbd://h:1/migration-vol-1", "migration-vol-1", "h", 1, None, False),
        ("nbd://h/a%20b", "a b", "h", 10809, None, False),
        ("nbds://[::1]/x", "x", "::1", 10809, None, True),
        ("nbd+unix:///x?socket=/run/s", "x", "", 10809, "/run/s", False),
    ],
)
def test_an_nbd_uri_is_read(  # noqa: PLR0913 - one row of a table
    *, uri: str, export: str, host: str, port: int, socket: str | None, tls: bool
) -> None:
    assert place(uri) == NbdPlace(uri, export, host, port, socket, tls)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\0b",
        "http://h/x",
        "nbd:h:10809",
        "nbd:///x",
        "nbd://h:99999/x",
        "nbd://h:0/x",
        "nbd+unix:///x",
        "nbd+unix://h/x?socket=/s",
        "nbd://h/a b",
        "json:{}",
    ],
)
def test_what_is_neither_file_nor_uri_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError, match="allowed are a file's path") as error:
        place(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "head", "form"),
    [
        ("a.raw", b"", "raw"),
        ("a.img", b"\0" * 512, "raw"),
        ("disk", b"boot", "raw"),
        ("a.qcow2", b"QFI\xfb\0\0\0\3", "qcow2"),
        ("a.vmdk", b"KDMV\1", "vmdk"),
        ("A.VMDK", b"# Disk DescriptorFile\n", "vmdk"),
        ("a-flat.vmdk", b"boot", "raw"),
    ],
)
def test_a_format_is_found_where_name_and_content_agree(
    tmp_path: Path, name: str, head: bytes, form: str
) -> None:
    (tmp_path / name).write_bytes(head)
    assert find_format(tmp_path / name) == form


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("a.raw", b"QFI\xfb\0\0\0\3"),
        ("a-flat.vmdk", b"KDMV"),
        ("a.qcow2", b"KDMV"),
        ("a.qcow2", b"boot"),
        ("a.vmdk", b""),
        ("a.vhdx", b"vhdxfile"),
    ],
)
def test_a_format_that_only_one_of_them_says_is_not_believed(tmp_path: Path, name: str, head: bytes) -> None:
    (tmp_path / name).write_bytes(head)
    with pytest.raises(UsageError, match="say --source-format raw, qcow2 or vmdk"):
        find_format(tmp_path / name)


def order(tmp_path: Path, target: str = "target", name: str = "a.raw", key: str = "k") -> CopyOrder:
    """Return the order to copy an existing file."""
    (tmp_path / "a.raw").write_bytes(b"x")
    return place_order(
        parse_place(name, "source", tmp_path), None, parse_place(target, "target", tmp_path), key
    )


def test_a_person_can_say_that_a_qcow2_header_belongs_to_the_guest(tmp_path: Path) -> None:
    source = tmp_path / "a.raw"
    source.write_bytes(b"QFI\xfb")
    made = place_order(FilePlace(source), ImageFormat.RAW, FilePlace(tmp_path / "b"), "k")
    assert made.source_format is ImageFormat.RAW


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "none.raw"}, "does not exist"),
        ({"name": "."}, "is not a regular file"),
        ({"target": "."}, "is not a regular file"),
        ({"target": "no/x"}, "there is no folder"),
        ({"target": "a.raw"}, "are the same"),
        ({"target": "x" * 300}, "cannot be used: File name too long"),
        ({"name": "x" * 300}, "cannot be used: File name too long"),
        ({"key": ""}, "cannot be one"),
        ({"key": ".."}, "cannot be one"),
        ({"key": "a/b"}, "cannot be one"),
        ({"key": "k" * 1001}, "cannot be one"),
    ],
)
def test_an_order_that_cannot_be_is_refused(tmp_path: Path, change: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        order(tmp_path, **change)


def test_a_target_that_is_the_source_by_another_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(b"x")
    (tmp_path / "link").hardlink_to(tmp_path / "a.raw")
    with pytest.raises(UsageError, match="are the same"):
        order(tmp_path, target="link")


def test_an_nbd_source_is_raw(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="always raw"):
        place_order(place("nbd://h/x"), ImageFormat.QCOW2, FilePlace(tmp_path / "t"), "k")


NBD = "nbd://h/x"
ALL = ("nbdcopy", "qemu-img")


@pytest.mark.parametrize(
    ("target", "form", "rate_bps", "installed", "able"),
    [
        ("t", "raw", 0, ALL, ["nbdcopy", "qemu-img", "builtin"]),
        (NBD, "raw", 0, ALL, ["nbdcopy", "qemu-img"]),
        ("nbds://h/x", "raw", 0, ALL, ["nbdcopy"]),
        (NBD, "raw", 5, ALL, ["qemu-img"]),
        (NBD, "qcow2", 0, ALL, ["qemu-img"]),
        ("t", "raw", 5, (), ["builtin"]),
    ],
)
def test_tools_are_offered_best_first(  # noqa: PLR0913 - one row of a table
    tmp_path: Path, *, target: str, form: str, rate_bps: int, installed: tuple[str, ...], able: list[str]
) -> None:
    asked = CopyOrder(
        FilePlace(tmp_path / "s"), ImageFormat(form), parse_place(target, "target", tmp_path), "k"
    )
    method = CopyMethod(rate_bps=rate_bps)
    assert able_tools(asked, method, lambda name: f"/bin/{name}" if name in installed else None) == able


@pytest.mark.parametrize(
    ("tool", "target", "form", "rate_bps", "message"),
    [
        (
            None,
            NBD,
            "qcow2",
            0,
            "nbdcopy is not installed .*; qemu-img is not installed .*; builtin does not",
        ),
        ("builtin", NBD, "raw", 0, "builtin copies files to files only"),
        ("builtin", "t", "vmdk", 0, "builtin does not read vmdk"),
        ("nbdcopy", "t", "raw", 0, r"nbdcopy is not installed \(Debian: libnbd-bin\)"),
    ],
)
def test_where_no_tool_can_it_says_why(  # noqa: PLR0913 - one row of a table
    tmp_path: Path, *, tool: str | None, target: str, form: str, rate_bps: int, message: str
) -> None:
    asked = CopyOrder(
        FilePlace(tmp_path / "s"), ImageFormat(form), parse_place(target, "target", tmp_path), "k"
    )
    method = CopyMethod(tool=ToolName(tool) if tool else None, rate_bps=rate_bps)
    with pytest.raises(UsageError, match=message):
        able_tools(asked, method, lambda _: None)


def test_nbdcopy_has_no_rate_limit(tmp_path: Path) -> None:
    asked = CopyOrder(FilePlace(tmp_path / "s"), ImageFormat.RAW, FilePlace(tmp_path / "t"), "k")
    with pytest.raises(UsageError, match="nbdcopy has no rate limit"):
        able_tools(asked, CopyMethod(tool=ToolName.NBDCOPY, rate_bps=1), lambda name: name)


BOTH = [ToolName.NBDCOPY, ToolName.QEMU_IMG]


def disk(size_bytes: int, *data: tuple[int, int]) -> ExtentMap:
    """Return a map with this data."""
    extents = ExtentMap(size_bytes)
    for start, length in data:
        extents.add(start, length)
    return extents


def test_a_large_dense_disk_is_for_nbdcopy() -> None:
    assert choose_tool(BOTH, disk(40 * GIB, (0, 40 * GIB))) is ToolName.NBDCOPY


@pytest.mark.parametrize("extents", [disk(GIB, (0, GIB)), disk(40 * GIB, (5 * GIB, GIB))])
def test_a_disk_whose_data_nbdcopy_cannot_tell_apart_is_for_qemu_img(extents: ExtentMap) -> None:
    assert choose_tool(BOTH, extents) is ToolName.QEMU_IMG
    assert choose_tool([ToolName.NBDCOPY], extents) is ToolName.NBDCOPY


def test_a_size_that_qemu_img_would_round_up_is_for_others() -> None:
    odd = disk(1000, (0, 1000))
    assert choose_tool([ToolName.QEMU_IMG, ToolName.BUILTIN], odd) is ToolName.BUILTIN
    with pytest.raises(CopyError, match="no multiple of 512"):
        choose_tool([ToolName.QEMU_IMG], odd)


def test_a_tool_that_vanished_meanwhile_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    asked = CopyOrder(FilePlace(tmp_path / "s"), ImageFormat.RAW, FilePlace(tmp_path / "t"), "k")
    with pytest.raises(CopyError, match="nbdcopy is no longer installed"):
        call_tool(ToolName.NBDCOPY, asked, CopyMethod(), disk(0))
