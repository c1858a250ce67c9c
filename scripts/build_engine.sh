#!/usr/bin/env bash
# Build a TensorRT engine from an ONNX file, check it against ONNX Runtime, and note beside it what
# it was built for. Takes TensorRT from the server's container, from trtexec, or from Python.
# Usage: scripts/build_engine.sh [ONNX] [--precision fp32|fp16|int8] [--calibration data.npy]
#            [--output 1/model.plan] [--dry-run] ...       All options: scripts/build_engine.sh --help
# Environment: TRITON_TAG (docker-compose.yml); VENV, PYTHON (scripts/setup_env.sh)
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
"$root/scripts/setup_env.sh" serve >&2
venv=${VENV:-.venv}
case $venv in /*) ;; *) venv=$root/$venv ;; esac
export PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"
exec "$venv/bin/python" -m training.common.engine "$@"
