"""Why a body is no progress entry. Only run for a body that the decoder refused, so it may take its time."""

import json
import math

import msgspec

from oma_poller.model.reading import Failure, FailureKind, Missing
from oma_poller.vma.text import first_line, one_line

_NOT_FOUND = "job not found"
_NOT_FOUND_LIMIT_BYTES = 512
"""A longer text that happens to hold the phrase says something else."""


def says_not_found(value: object) -> bool:
    """Whether a text is the VMA's way to say that it does not know the key."""
    return isinstance(value, str) and len(value) <= _NOT_FOUND_LIMIT_BYTES and _NOT_FOUND in value.lower()


def refusal(body: bytes, error: Exception) -> Missing | Failure:
    """Tell what is wrong with a body that could not be decoded; `error` is the decoder's."""
    text = body[: _NOT_FOUND_LIMIT_BYTES + 1].decode("utf-8", "replace")
    non_finite: list[str] = []
    try:
        document = _parse(body, non_finite)
    except (ValueError, RecursionError):
        return Missing() if says_not_found(text) else _not_json(body)
    if not isinstance(document, dict):
        return Missing() if says_not_found(text) else Failure(FailureKind.WRONG_TYPE, _explained(error))
    if says_not_found(document.get("error")) or says_not_found(document.get("message")):
        return Missing()
    if non_finite or "out of range" in str(error):
        return Failure(FailureKind.OUT_OF_RANGE, "a number is NaN, infinite or beyond what a column holds")
    if isinstance(error, msgspec.ValidationError):
        return Failure(FailureKind.WRONG_TYPE, _explained(error))
    return _not_json(body)


def _parse(body: bytes, non_finite: list[str]) -> object:
    """Parse with Python's own parser, which takes NaN and Infinity; those are noted in `non_finite`."""

    def number(text: str) -> float:
        value = float(text)
        if not math.isfinite(value):
            non_finite.append(text[:20])
        return value

    # Whole numbers are read as floats too: Python refuses to make an int of more than 4,300 digits.
    return json.loads(body.decode(), parse_constant=number, parse_float=number, parse_int=number)


def _not_json(body: bytes) -> Failure:
    if not body.strip():
        return Failure(FailureKind.NOT_JSON, "not JSON: the body is empty")
    return Failure(FailureKind.NOT_JSON, f"not JSON: {first_line(body, 80)}")


def _explained(error: Exception) -> str:
    return f"wrong type: {one_line(str(error), 150)}"
