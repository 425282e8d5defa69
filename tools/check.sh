#!/usr/bin/env bash
# Runs every static check, says one line for each that holds, and shows what the others found.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH=$PWD/.venv/bin:$PATH

failed=()

run() {
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then
        echo "ok      $name"
    else
        failed+=("$name")
        echo "FAILED  $name"
        echo "$output"
    fi
}

run "ruff check" ruff check --quiet .
run "ruff format" ruff format --check --quiet .
run "mypy" mypy
run "lint-imports" lint-imports --no-logo
run "size limits" python tools/size_limits.py src tools
run "vulture" vulture
run "deptry" deptry src

if [ ${#failed[@]} != 0 ]; then
    echo "check: failed: $(printf '%s, ' "${failed[@]}" | sed 's/, $//')" >&2
    exit 1
fi
