#!/usr/bin/env bash
# First of the two commands from a video to actions: start the Triton server and leave it running.
# Picks the GPU container, the CPU container or the embedded server, whatever this machine can run;
# builds the TensorRT engine only where there is a GPU and the engine is stale; deletes nothing.
# Usage and environment: scripts/start_server.sh --help (all its flags are taken)
set -euo pipefail
exec "$(dirname "$(readlink -f "$0")")/../start_server.sh" "$@"
