"""The configuration file: TOML with the variables' names in lower case, and `[[vma]]` tables."""

import difflib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from oma_poller.errors import UsageError
from oma_poller.logs import one_line

DEFAULT_FILE = Path("oma-poller.toml")
_VMA = "vma"


class TomlFile(Struct, frozen=True):
    """What a file holds."""

    path: Path
    values: dict[str, object]
    """By the variables' names, upper case."""
    vma_tables: tuple[object, ...]


def read_toml(path: Path, names: Sequence[str]) -> TomlFile:
    """Read the file; *names* are the variables that may stand in it.

    Letter case and dashes do not count, and a table stands for the beginning of its keys' names:
    `poll_interval` in `[vma_progress]` is `vma_progress_poll_interval`. Raises UsageError with one line.
    """
    document = _parse(path)
    tables = document.pop(_VMA, [])
    if not isinstance(tables, list):
        raise UsageError(f"{path}: a VMA is written as [[vma]], with two brackets, not as [vma]")
    values: dict[str, object] = {}
    for key, value in _flat(document):
        name = key.replace("-", "_").upper()
        if name not in names:
            raise UsageError(f"{path}: unknown key {key!r}{_near(name, names)}; allowed are {_all(names)}")
        if name in values:
            raise UsageError(f"{path}: {name.lower()} is given twice")
        values[name] = value
    return TomlFile(path, {name: value for name, value in values.items() if value != ""}, tuple(tables))


def hint(name: str, names: Sequence[str]) -> str:
    """Return ` (did you mean …?)` where one of *names* is close to *name*, else nothing."""
    close = [known for known in names if known.endswith(f"_{name}")]
    close += difflib.get_close_matches(name, names, 1, 0.75)
    return f" (did you mean {close[0]}?)" if close else ""


def _near(name: str, names: Sequence[str]) -> str:
    return hint(name.lower(), [known.lower() for known in names])


def _parse(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise UsageError(f"cannot read the configuration file {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not TOML: it is not UTF-8 text") from None
    except RecursionError:
        raise UsageError(f"{path} is not TOML that can be read: it is nested too deeply") from None
    except ValueError as error:  # TOMLDecodeError is one, and so is a path with a null character
        raise UsageError(f"{path} is not TOML: {one_line(str(error))}") from None


def _flat(table: Mapping[str, object], before: str = "") -> Iterator[tuple[str, object]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}_")
        else:
            yield before + key, value


def _all(names: Sequence[str]) -> str:
    return f"[[vma]] and {', '.join(name.lower() for name in names)}"
