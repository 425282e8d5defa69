#!/usr/bin/env bash
# Installs what the tests need besides Python. Only the programs of MariaDB, not the Debian package that
# makes a service of them: the tests start servers of their own, on a data folder and a port of their own.
# For the copier an NBD server (nbdkit) and the tools that copy disks (nbdcopy, qemu-img), likewise.
# Chromium, for the page; Prometheus, for the metrics; libfaketime, for a process whose wall clock jumps;
# systemd-analyze, which checks the unit.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin

missing=()
skipped=()
command -v mariadbd >/dev/null && command -v mariadb-install-db >/dev/null || missing+=(mariadb-server-core)
command -v my_print_defaults >/dev/null || missing+=(mariadb-client-core)
[ ${#missing[@]} = 0 ] || skipped+=(MariaDB)

nbd=()
command -v nbdkit >/dev/null || nbd+=(nbdkit)
command -v nbdcopy >/dev/null && command -v nbdinfo >/dev/null || nbd+=(libnbd-bin)
command -v qemu-img >/dev/null || nbd+=(qemu-utils)
[ ${#nbd[@]} = 0 ] || skipped+=(NBD)
missing+=("${nbd[@]}")

command -v systemd-analyze >/dev/null || {
    missing+=(systemd)
    skipped+=(systemd)
}

compgen -G '/usr/lib/*/faketime/libfaketime.so.1' >/dev/null || {
    missing+=(libfaketime)
    skipped+=(clock)
}

command -v prometheus >/dev/null && command -v promtool >/dev/null || {
    missing+=(prometheus)
    skipped+=(Prometheus)
}

[ -x /usr/bin/chromium ] || {
    missing+=(chromium)
    skipped+=(browser)
}

if [ ${#missing[@]} = 0 ]; then
    exit 0
fi
printf -v tests '%s and ' "${skipped[@]}"
tests="the ${tests% and } tests"
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "services: $tests will be skipped; to run them, install: ${missing[*]}"
    exit 0
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "services: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update && apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    echo "services: apt-get could not install ${missing[*]}; $tests will be skipped" >&2
fi
