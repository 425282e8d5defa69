"""Names every file and every function that is too long to be read in one go.

Usage: python tools/size_limits.py FOLDER [FOLDER ...]
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 50


def offences(path: Path) -> Iterator[str]:
    """Yield one line for each limit that the file breaks, as `path:line: what`."""
    text = path.read_text(encoding="utf-8")
    file_lines = len(text.splitlines())
    if file_lines > MAX_FILE_LINES:
        yield f"{path}:1: the file has {file_lines} lines, allowed are {MAX_FILE_LINES}"
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        yield f"{path}:{error.lineno}: not Python: {error.msg}"
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            function_lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if function_lines > MAX_FUNCTION_LINES:
                yield (
                    f"{path}:{node.lineno}: {node.name} has {function_lines} lines, "
                    f"allowed are {MAX_FUNCTION_LINES}"
                )


def main(folders: list[str]) -> int:
    """Print what is too long under the folders; the exit status: 0 nothing, 1 something, 2 wrong usage."""
    if not folders:
        print("size_limits: name at least one folder", file=sys.stderr)
        return 2
    missing = [folder for folder in folders if not Path(folder).is_dir()]
    if missing:
        print(f"size_limits: not a folder: {', '.join(missing)}", file=sys.stderr)
        return 2
    found = [
        line for folder in folders for path in sorted(Path(folder).rglob("*.py")) for line in offences(path)
    ]
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
