"""The `[[vma]]` tables of the configuration file: more VMAs, and which jobs each has."""

import re
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from oma_poller.config import reading
from oma_poller.errors import UsageError
from oma_poller.model.vma import DEFAULT_VMA, VmaRule
from oma_poller.vma.target import VmaTarget

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_MATCH = 'allowed is { vcenter_host = "PATTERN", datacenter = "PATTERN" }, with one of them or both'


def _name(value: object) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value) or value == DEFAULT_VMA:
        raise ValueError(f"allowed are 1 to 64 characters of A-Z a-z 0-9 . _ -, but not {DEFAULT_VMA!r}")
    return value


def _patterns(value: object) -> tuple[str, ...]:
    """Read one shell pattern, or an array of them."""
    items = value if isinstance(value, list) else [value]
    patterns = tuple(item.strip() for item in items if isinstance(item, str))
    if not all(patterns) or len(patterns) != len(items) or not items:
        raise ValueError("allowed is a shell pattern like vc-*.example.com, or an array of them")
    return patterns


class _Match(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    vcenter_host: Annotated[tuple[str, ...] | None, BeforeValidator(_patterns)] = None
    datacenter: Annotated[tuple[str, ...] | None, BeforeValidator(_patterns)] = None


class _VmaTable(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, BeforeValidator(_name)]
    url: Annotated[str, reading.line]
    match: _Match
    token: Annotated[str | None, reading.token] = None
    ca_file: Annotated[Path | None, reading.path] = None
    cert_file: Annotated[Path | None, reading.path] = None
    key_file: Annotated[Path | None, reading.path] = None


def read_vma_tables(
    file: Path, tables: Sequence[object]
) -> tuple[tuple[VmaTarget, ...], tuple[VmaRule, ...]]:
    """Return the VMAs and the rules that claim jobs for them, both in the file's order.

    Raises UsageError with one line that names the table. The addresses themselves are not checked here.
    """
    targets: list[VmaTarget] = []
    rules: list[VmaRule] = []
    for number, table in enumerate(tables, 1):
        read = _read_table(f"{file}: [[vma]] number {number}", table)
        targets.append(
            VmaTarget(
                read.name,
                read.url.rstrip("/"),
                token=read.token,
                ca_file=read.ca_file,
                cert_file=read.cert_file,
                key_file=read.key_file,
            )
        )
        pairs = product(read.match.vcenter_host or (None,), read.match.datacenter or (None,))
        rules += [VmaRule(read.name, vcenter_host=host, datacenter=place) for host, place in pairs]
    return tuple(targets), tuple(rules)


def _read_table(which: str, table: object) -> _VmaTable:
    if not isinstance(table, Mapping):
        raise UsageError(f"{which} is not a table; allowed is [[vma]] with its keys below")
    try:
        read = _VmaTable.model_validate(table)
    except ValidationError as error:
        raise UsageError(f"{which}{_reason(error)}") from None
    if read.match == _Match():
        raise UsageError(f"{which}: match names nothing; {_MATCH}")
    return read


def _reason(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    key = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        model = _Match if len(first["loc"]) > 1 else _VmaTable
        return f": unknown key {key!r}; allowed are {', '.join(model.model_fields)}"
    if first["type"] == "missing":
        return f": {key} is missing" + (f"; {_MATCH}" if key == "match" else "")
    if key == "match":
        return f": match is no table; {_MATCH}"
    value = "cannot be used" if key == "token" else f"is {first['input']!r}"
    return f": {key} {value}; {str(first['msg']).removeprefix('Value error, ')}"
