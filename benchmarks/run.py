"""Prints the table of what polling costs, or runs the benchmarks named.

    python benchmarks/run.py [NAME ...]

Names are those of the scripts beside this one. QUICK=1 in the environment shortens them.
"""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SCRIPTS: dict[str, tuple[list[str], list[str]]] = {
    "scale": ([], ["--quick"]),
    "fetch_client": (["--requests", "10000"], ["--requests", "2000", "--repeats", "3"]),
    "bulk_client": ([], ["--vmas", "20", "--repeats", "2"]),
    "vma_serve": ([], []),
    "growth": ([], ["--minutes", "0.5"]),
    "million": ([], ["--jobs", "10000,100000", "--seconds", "3"]),
}
"""Script, and its arguments in full and when time is short."""


def main(names: list[str]) -> int:
    """Run the benchmarks; the exit status: 0 done, 1 one failed, 2 an unknown name."""
    unknown = [name for name in names if name not in SCRIPTS]
    if unknown:
        print(f"benchmarks: unknown: {', '.join(unknown)}; allowed are {', '.join(SCRIPTS)}", file=sys.stderr)
        return 2
    quick = bool(os.environ.get("QUICK"))
    given = os.environ.get("PYTHONPATH", "")
    paths = os.pathsep.join(filter(None, [str(HERE), str(HERE.parent / "tests" / "support"), given]))
    failed = 0
    for name in names or ["scale"]:
        print(f"== {name}", flush=True)
        arguments = SCRIPTS[name][1 if quick else 0]
        command = [sys.executable, str(HERE / f"{name}.py"), *arguments]
        failed |= subprocess.run(command, env=os.environ | {"PYTHONPATH": paths}, check=False).returncode
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
