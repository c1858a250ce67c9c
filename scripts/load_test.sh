#!/usr/bin/env bash
# Load test with Triton's perf_analyzer on real sequences: latency and throughput of the ensemble and
# of the bare network, over HTTP and gRPC, at several concurrencies and batch sizes. Writes CSV, a
# table and a picture. Starts the embedded Triton unless it is given a server.
# Usage: scripts/load_test.sh [--http HOST:PORT --grpc HOST:PORT] [--quick] ...   (--help lists all)
# Environment: VENV, PYTHON (scripts/setup_env.sh); PERF_ANALYZER, a program to use instead of the
# one that is fetched.
set -euo pipefail
before=""
for word; do # folders are the caller's
    case $before in --output | --repository) word=$(realpath -sm -- "$word") ;; esac
    shift && set -- "$@" "$word"
    before=$word
done
cd "$(dirname "$(readlink -f "$0")")/.."
scripts/setup_env.sh serve
python=${VENV:-.venv}/bin/python
"$python" -c 'import matplotlib' 2> /dev/null ||
    "$python" -m pip install --quiet --disable-pip-version-check --constraint requirements.lock matplotlib
# perf_analyzer would send even what is for this machine through a proxy.
unset http_proxy https_proxy all_proxy grpc_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
exec "$python" -m scripts.load_test "$@"
