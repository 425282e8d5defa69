#!/usr/bin/env bash
# Writes the two lock files from pyproject.toml. Versions stay as locked unless --upgrade is given.
# uv is wanted only here; where it is missing it is put into .venv.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH=$PWD/.venv/bin:$PATH

command -v uv >/dev/null || .venv/bin/python -m pip --quiet --disable-pip-version-check install uv

# With their extras, as they are asked for: pip looks for coverage[toml] apart from coverage, and takes the newest
# one, which no hash allows, on the day it comes out.
compile() {
    local output=$1
    shift
    uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-strip-extras \
        pyproject.toml --output-file "$output" "$@"
}

compile requirements/run.lock "$@"
compile requirements/dev.lock --constraints requirements/run.lock \
    --group test --group check --group build "$@"

# Where this machine takes its packages from is nobody else's business.
if grep -nE '[a-z]+://|--(index|extra-index|find-links)' requirements/*.lock; then
    echo "lock: a lock file names a place; see above" >&2
    exit 1
fi
