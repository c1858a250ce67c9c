#!/usr/bin/env bash
# Build a TensorRT engine from an ONNX file, check it against ONNX Runtime, and note beside it what
# it was built for. Takes TensorRT from the server's container, from trtexec, or from Python.
# Usage: scripts/build_engine.sh [ONNX] [--precision fp32|fp16|int8] [--calibration data.npy]
#            [--output 1/model.plan] [--dry-run] ...
# Once it is installed, --help lists all options.
# Environment: TRITON_TAG (docker-compose.yml); VENV, PYTHON (scripts/setup_env.sh)
set -euo pipefail
self=$(readlink -f "$0")
root=$(cd "$(dirname "$self")/.." && pwd)
venv=${VENV:-.venv}
case $venv in /*) ;; *) venv=$root/$venv ;; esac
export PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"
case ${1:-} in
    -h | --help) # installs nothing
        "$venv/bin/python" -m training.common.engine --help 2> /dev/null ||
            sed -n '2,7s/^# \{0,1\}//p' "$self"
        exit ;;
esac
"$root/scripts/setup_env.sh" serve >&2
exec "$venv/bin/python" -m training.common.engine "$@"
