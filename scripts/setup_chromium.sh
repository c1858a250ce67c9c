#!/usr/bin/env bash
# Find Chromium and its driver for the tests of the report page; install them where that is possible.
# Usage: scripts/setup_chromium.sh
set -euo pipefail

have() { command -v chromium >/dev/null && command -v chromedriver >/dev/null; }

if have; then exit 0; fi
if ! command -v apt-get >/dev/null || ! apt-cache show chromium-driver >/dev/null 2>&1; then
    echo "chromium: not found; install chromium and a chromedriver of the same version" >&2
    exit 1
fi
if [ "$(id -u)" != 0 ]; then
    echo "chromium: not found; run: sudo apt-get install --yes chromium chromium-driver" >&2
    exit 1
fi
echo "chromium: installing"
apt-get install --yes --quiet --no-install-recommends chromium chromium-driver >/dev/null
have
