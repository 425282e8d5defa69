#!/usr/bin/env bash
# Runs the tests; the last line printed is pytest's closing line. Arguments go to pytest.
# A whole run must also cover every branch of the rules; a run of some tests cannot, so it is not asked to.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH=$PATH:/usr/sbin:/sbin

mkdir -p build
log=build/pytest.log
status=0

if [ $# != 0 ]; then
    exec .venv/bin/python -m pytest "$@"
fi

.venv/bin/python -m pytest -n "${TEST_PROCESSES:-4}" --cov --cov-report= \
    --junitxml=build/junit.xml 2>&1 | tee "$log" || status=$?

.venv/bin/python -m coverage report --include='src/oma_poller/core/*,src/oma_poller/model/*' \
    --show-missing --skip-covered --fail-under=100 >build/coverage.txt 2>&1 || {
    status=1
    cat build/coverage.txt
    echo "coverage: every branch of core and model must be tested; see above for what is not"
    tail -n 1 "$log"
}

exit "$status"
