#!/usr/bin/env bash
# Install what serving needs, then label the samples on an embedded Triton and stop it.
# Usage: scripts/quickstart.sh [OUTPUT_DIR]      (default: outputs/quickstart)
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup_env.sh serve
exec "${VENV:-.venv}/bin/python" -m scripts.quickstart "$@"
