#!/usr/bin/env bash
# Makes .venv and installs what requirements/dev.lock names, by hash, then this project as an editable.
# A stamp in .venv makes a second run quick: it holds all that the content of .venv depends on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
    echo "setup: $*" >&2
    exit 1
}

find_python() {
    local name
    for name in python3 python3.11 python3.12 python3.13 python3.14; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    return 1
}

# Debian ships venv in a package of its own; without it the module is there and fails half-way.
make_venv() {
    rm -rf .venv
    if "$1" -m venv .venv >/dev/null 2>&1; then
        return
    fi
    rm -rf .venv
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "setup: installing python3-venv"
        { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y python3-venv; } >/dev/null 2>&1 || true
        "$1" -m venv .venv >/dev/null 2>&1 && return
        rm -rf .venv
    fi
    if "$1" -m virtualenv --version >/dev/null 2>&1; then
        "$1" -m virtualenv --quiet .venv && return
    fi
    fail "'$1 -m venv' does not work; on Debian: apt-get install python3-venv, then run 'make setup' again"
}

install() {
    local log=.venv/setup.log pip=(.venv/bin/python -m pip --disable-pip-version-check install)
    if ! { "${pip[@]}" --require-hashes -r requirements/dev.lock &&
        "${pip[@]}" --no-deps --no-build-isolation -e .; } >"$log" 2>&1; then
        grep -v '^WARNING' "$log" | tail -n 15 >&2
        fail "pip could not install requirements/dev.lock; all it said is in $log"
    fi
}

python=$(find_python) || fail "needs Python 3.11 or newer as python3, python3.11, 3.12, 3.13 or 3.14 on PATH"
wanted=$(
    echo "$PWD"
    sha256sum pyproject.toml requirements/dev.lock tools/setup.sh src/oma_poller/__init__.py
)
stamp=.venv/setup.stamp
if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && .venv/bin/python -c '' 2>/dev/null; then
    exit 0
fi

# An environment made elsewhere carries that place in its scripts, so it is made anew.
if [ "$(head -n 1 "$stamp" 2>/dev/null)" != "$PWD" ] || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    echo "setup: making .venv with $("$python" --version)"
    make_venv "$python"
fi
rm -f "$stamp"
echo "setup: installing requirements/dev.lock"
install
echo "$wanted" >"$stamp"
