#!/usr/bin/env bash
# Load test with Triton's perf_analyzer on real sequences: latency and throughput of the ensemble and
# of the bare network, over HTTP and gRPC, at several concurrencies and batch sizes. Writes CSV, a
# table and a picture. Starts the embedded Triton unless it is given a server.
# Usage: scripts/load_test.sh [--http HOST:PORT --grpc HOST:PORT] [--quick] ...
# Once it is installed, --help lists all options.
# Environment: VENV, PYTHON (scripts/setup_env.sh); PERF_ANALYZER, a program to use instead of the
# one that is fetched.
set -euo pipefail
self=$(readlink -f "$0")
before=""
for word; do # folders are the caller's
    case $before in --output | --repository) word=$(realpath -sm -- "$word") ;; esac
    case $word in --output=* | --repository=*) word=${word%%=*}=$(realpath -sm -- "${word#*=}") ;; esac
    shift && set -- "$@" "$word"
    before=$word
done
cd "$(dirname "$self")/.."
python=${VENV:-.venv}/bin/python
case ${1:-} in
    -h | --help) # installs nothing
        "$python" -m scripts.load_test --help 2> /dev/null || sed -n '2,8s/^# \{0,1\}//p' "$self"
        exit ;;
esac
scripts/setup_env.sh serve
"$python" -c 'import matplotlib' 2> /dev/null ||
    "$python" -m pip install --quiet --disable-pip-version-check --constraint requirements.lock matplotlib
# perf_analyzer would send even what is for this machine through a proxy.
unset http_proxy https_proxy all_proxy grpc_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
exec "$python" -m scripts.load_test "$@"
