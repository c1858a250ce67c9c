#!/usr/bin/env bash
# Find Chromium and its driver for the tests of the report page; install them where that is possible.
# Usage: scripts/setup_chromium.sh
set -euo pipefail
case ${1:-} in
    "") ;;
    -h | --help) sed -n '2,3s/^# \{0,1\}//p' "$0" && exit 0 ;;
    *) echo "chromium: unknown argument $1 (see --help)" >&2 && exit 2 ;;
esac

cd "$(dirname "$(readlink -f "$0")")/.."
if command -v chromium >/dev/null && command -v chromedriver >/dev/null; then exit 0; fi
if [ "$(id -u)" = 0 ] && apt-cache show chromium-driver >/dev/null 2>&1; then # Debian's
    echo "chromium: installing"
    apt-get install --yes --quiet --no-install-recommends chromium chromium-driver >/dev/null
    exit
fi
echo "chromium: not found; asking Selenium for one"
"${VENV:-.venv}/bin/python" -m scripts.chromium
