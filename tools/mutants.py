"""Plant small mistakes in the core, one at a time, and see whether the core's tests notice.

    .venv/bin/python -m tools.mutants [--each N] [--seed N] [--processes N] [MODULE...]

Works on copies of the tree in a temporary folder, never on the checkout. Prints a line a mutant and the
figure at the end; exit status 1 where one survived.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from tools.mutations import Mutation, mutations

ROOT = Path(__file__).resolve().parents[1]
CORE = Path("src/oma_poller/core")
TIMEOUT_S = 300.0
"""A mutant that loops for ever is caught by it; on an idle machine the tests take half a minute at most."""

WITHOUT_A_RESULT = 2
"""Exit statuses of pytest above it say nothing of a test; 2 is one that cannot be imported."""


@dataclass(frozen=True)
class Verdict:
    """What became of one mutant."""

    module: str
    mutation: Mutation
    caught_by: str
    """A test, `time-out`, or nothing where the mutant survived."""

    def __str__(self) -> str:
        end = f"killed by {self.caught_by}" if self.caught_by else "SURVIVED"
        return f"{self.module}.py:{self.mutation.line}: {self.mutation.what}: {end}"


class Tree:
    """A copy of the sources and tests in which one mutant lives at a time."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._folder = folder
        for name in ("src", "tests"):
            shutil.copytree(root / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(root / "pyproject.toml", folder)
        self._environment = {**os.environ, "PYTHONPATH": str(folder / "src"), "PYTHONDONTWRITEBYTECODE": "1"}

    def judge(self, module: str, mutation: Mutation, tests: Sequence[str]) -> Verdict:
        """Run *tests* on the mutant; the tree is as before afterwards."""
        file = self._folder / CORE / f"{module}.py"
        original = file.read_text("utf-8")
        file.write_text(mutation.source, "utf-8")
        try:
            return Verdict(module, mutation, self.first_failure(tests))
        finally:
            file.write_text(original, "utf-8")

    def first_failure(self, tests: Sequence[str], *options: str) -> str:
        """Return the first test that fails, `time-out`, or nothing where all pass."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider"]
        try:
            done = subprocess.run(  # noqa: S603 - pytest on names of files
                [*command, "--no-header", "--tb=no", *options, *tests],
                cwd=self._folder,
                env=self._environment,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return "time-out"
        if done.returncode == 0:
            return ""
        if done.returncode > WITHOUT_A_RESULT and "while loading conftest" not in done.stderr:
            raise SystemExit(f"pytest itself failed, exit status {done.returncode}: {done.stderr.strip()}")
        lines = done.stdout.splitlines()
        failed = (line.split()[1] for line in lines if line.startswith(("FAILED ", "ERROR ")))
        return next(failed, f"pytest, exit status {done.returncode}")


def tests_of(module: str, root: Path) -> list[str]:
    """Return the core's test files, those that name the module first: they are likely to fail first."""
    files = sorted((root / "tests/core").glob("test_*.py"))
    near = {file: f"core.{module} " in file.read_text("utf-8") for file in files}
    ordered = sorted(files, key=lambda file: (file.stem != f"test_{module}", not near[file]))
    return [str(file.relative_to(root)) for file in ordered]


def planted(modules: Sequence[str], root: Path, each: int, seed: int) -> Iterator[tuple[str, Mutation]]:
    """Yield (module, mutation): *each* a module, or all it allows where these are fewer."""
    for module in modules:
        source = (root / CORE / f"{module}.py").read_text("utf-8")
        possible = mutations(source)
        # The seed and the name, so that what is drawn for one module does not hang on the others.
        draw = random.Random(f"{seed} {module}")  # noqa: S311 - a repeatable draw
        drawn = draw.sample(possible, min(each, len(possible)))
        for mutation in sorted(drawn, key=lambda one: one.line):
            yield module, mutation


def run(modules: Sequence[str], root: Path, each: int, seed: int, processes: int) -> list[Verdict]:
    """Judge the drawn mutants, *processes* at a time, and print each verdict as it comes."""
    with tempfile.TemporaryDirectory(prefix="oma-mutants-") as name:
        kept = Path(name, "kept")  # somebody may go on working in the project meanwhile
        Tree(root, kept)
        trees: SimpleQueue[Tree] = SimpleQueue()
        for number in range(processes):
            trees.put(Tree(kept, Path(name, str(number))))
        _check_unchanged(trees, kept)

        def judge(one: tuple[str, Mutation]) -> Verdict:
            tree = trees.get()
            try:
                verdict = tree.judge(*one, tests_of(one[0], kept))
            finally:
                trees.put(tree)
            print(verdict, flush=True)
            return verdict

        with ThreadPoolExecutor(processes) as pool:
            return list(pool.map(judge, planted(modules, kept, each, seed)))


def _check_unchanged(trees: SimpleQueue[Tree], root: Path) -> None:
    """End the program unless all tests pass without a mutant: one that fails anyway would catch them all."""
    tree = trees.get()
    if failed := tree.first_failure(tests_of("", root)):
        raise SystemExit(f"without any mutant {failed} fails: mend that first")
    trees.put(tree)


def core_modules(root: Path) -> list[str]:
    """Return the names of the core's modules that hold code."""
    return sorted(file.stem for file in (root / CORE).glob("*.py") if file.stem != "__init__")


def main(arguments: list[str]) -> int:
    """Print a line a mutant and the figure."""
    parser = argparse.ArgumentParser(description="See whether the core's tests notice planted mistakes.")
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="of the core; all where none is given")
    parser.add_argument("--each", type=int, default=3, metavar="N", help="mutants a module")
    parser.add_argument("--seed", type=int, default=4, metavar="N")
    parser.add_argument("--processes", type=int, default=2, metavar="N")
    parser.add_argument("--root", type=Path, default=ROOT, metavar="FOLDER", help="the project")
    asked = parser.parse_args(arguments)
    known = core_modules(asked.root)
    if wrong := sorted(set(asked.modules) - set(known)):
        parser.error(f"MODULE: wrong value {wrong[0]!r}: expected one of {', '.join(known)}")
    if asked.each < 1 or asked.processes < 1:
        parser.error("--each and --processes: expected 1 or more")
    with suppress(OSError):
        os.nice(10)
    verdicts = run(asked.modules or known, asked.root, asked.each, asked.seed, asked.processes)
    survivors = [verdict for verdict in verdicts if not verdict.caught_by]
    for verdict in survivors:
        print(verdict)
    killed = len(verdicts) - len(survivors)
    print(f"{len(verdicts)} mutants (seed {asked.seed}), {killed} killed, {len(survivors)} survived")
    return int(bool(survivors))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
