#!/usr/bin/env bash
# Install what serving needs, then label the samples on an embedded Triton and stop it.
# Usage: scripts/quickstart.sh [OUTPUT_DIR]      (default: outputs/quickstart)
set -euo pipefail
self=$(readlink -f "$0")
refuse() { echo "quickstart: unknown argument $1 (see --help)" >&2; exit 2; }
case ${1:-} in
    -h | --help) sed -n '2,3s/^# \{0,1\}//p' "$self" && exit 0 ;;
    "") ;;
    -*) refuse "$1" ;;
    *) set -- "$(realpath -sm -- "$1")" "${@:2}" ;; # the caller's folder
esac
[ $# -le 1 ] || refuse "$2"
cd "$(dirname "$self")/.."
scripts/setup_env.sh serve
exec "${VENV:-.venv}/bin/python" -m scripts.quickstart "$@"
