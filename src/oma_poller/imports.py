"""Imports libraries without what they bring along and this program never uses: it would be held for good."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from typing import Any, cast


@contextmanager
def without(*packages: str) -> Iterator[None]:
    """Make packages look as if they were not installed, to what is imported in the block.

    One that has been imported already is found all the same: it costs nothing more.
    """
    modules = cast("dict[str, Any]", sys.modules)
    hidden = [name for name in packages if name not in modules]
    modules.update(dict.fromkeys(hidden))  # None is Python's own sign for what is not to be found
    try:
        yield
    finally:
        for name in hidden:
            del modules[name]


@contextmanager
def unopened(package: str) -> Iterator[Any]:
    """Import modules of a package in the block without running its `__init__`, and what that would import.

    It gives the bare package, for names that its modules expect there. Whoever imports the package itself, or
    another module of it, later on gets all of it.
    """
    spec = None if package in sys.modules else find_spec(package)
    if spec is None:
        yield import_module(package)
        return
    bare = sys.modules[package] = module_from_spec(spec)
    try:
        yield bare
    finally:
        del sys.modules[package]
