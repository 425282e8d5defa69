"""Fails a test run that left tests out: fewer than expected, or skipped ones.

Usage: python tools/require_tests.py JUNIT_XML EXPECTED_COUNT_FILE
"""

import sys
from pathlib import Path
from xml.etree import ElementTree as ET

ARGUMENTS = 2


def ran_and_skipped(junit: Path) -> tuple[int, list[str]]:
    """Return how many tests ran, and the names of those skipped, in the run pytest wrote down in `junit`."""
    cases = list(ET.parse(junit).iter("testcase"))  # noqa: S314 - our own pytest wrote the file
    skipped = [
        f"{case.get('classname')}::{case.get('name')}" for case in cases if case.find("skipped") is not None
    ]
    return len(cases) - len(skipped), skipped


def main(arguments: list[str]) -> int:
    """Print what ran and what did not; the exit status: 0 good, 1 tests missing, 2 unreadable files."""
    if len(arguments) != ARGUMENTS:
        print("usage: require_tests.py JUNIT_XML EXPECTED_COUNT_FILE", file=sys.stderr)
        return 2
    junit, count_file = map(Path, arguments)
    try:
        expected = int(count_file.read_text(encoding="utf-8"))
        ran, skipped = ran_and_skipped(junit)
    except (OSError, ValueError, ET.ParseError) as error:
        print(f"require_tests: cannot read {junit} or {count_file}: {error}", file=sys.stderr)
        return 2
    print(f"{ran} tests ran, expected are at least {expected} ({count_file})")
    for name in skipped:
        print(f"require_tests: skipped: {name}", file=sys.stderr)
    if ran < expected:
        print("require_tests: tests are missing; if that is wanted, lower the number", file=sys.stderr)
    return 1 if skipped or ran < expected else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
