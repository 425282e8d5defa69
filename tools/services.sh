#!/usr/bin/env bash
# Installs what the tests need besides Python. Only the programs of MariaDB, not the Debian package that
# makes a service of them: the tests start servers of their own, on a data folder and a port of their own.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin

missing=()
command -v mariadbd >/dev/null && command -v mariadb-install-db >/dev/null || missing+=(mariadb-server-core)
command -v my_print_defaults >/dev/null || missing+=(mariadb-client-core)

if [ ${#missing[@]} = 0 ]; then
    exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "services: the MariaDB tests will be skipped; to run them, install: ${missing[*]}"
    exit 0
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "services: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update && apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    echo "services: apt-get could not install ${missing[*]}; the MariaDB tests will be skipped" >&2
fi
