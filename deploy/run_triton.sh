#!/usr/bin/env bash
# Inside the container: tritonserver with what docs/serving.md promises. MODEL_CONFIG_NAME chooses
# configs/<name>.pbtxt; TRITON_ADMIN_KEY opens the restricted interfaces, unset closes them. The
# ensemble bodypose (BODYPOSE) is served when its network and OpenCV are there.
set -euo pipefail
oldest=26.10 # earlier releases lack security fixes or the options below
have=${NVIDIA_TRITON_SERVER_VERSION:-0}
if [ "$(printf '%s\n' "$oldest" "$have" | sort --version-sort | head -1)" != "$oldest" ]; then
    echo "run_triton: Triton $have is too old, set TRITON_TAG to $oldest-py3 or newer" >&2
    exit 2
fi
key=${TRITON_ADMIN_KEY:-$(cat /proc/sys/kernel/random/uuid)}
restricted=model-repository,shared-memory,trace,logging:admin-key=$key

arguments=(
    --model-repository=/models
    --model-control-mode=none
    --disable-auto-complete-config
    --strict-readiness=true
    --exit-on-error=true
    --http-restricted-api="$restricted"
    --grpc-restricted-protocol="$restricted"
    --allow-client-shm=false
    --http-max-input-size=33554432
    --grpc-max-response-pool-size=16
    --allow-sagemaker=false
    --allow-vertex-ai=false
    --allow-metrics=true
    --exit-timeout-secs=10
)
# Packages for the Python models that the image lacks: docs/bpnet.md.
[ ! -d /opt/pose/python ] || export PYTHONPATH="/opt/pose/python${PYTHONPATH:+:$PYTHONPATH}"
bodypose=${BODYPOSE:-/models_bodypose} weights=model.plan
[[ ${MODEL_CONFIG_NAME:-} != onnxruntime* ]] || weights=model.onnx
if [ -s "$bodypose/bodypose_net/1/$weights" ]; then
    if python3 -c 'import cv2'; then arguments+=("--model-repository=$bodypose")
    else echo "run_triton: bodypose is not served, put OpenCV into deploy/python (docs/bpnet.md)" >&2
    fi
elif [ -s "$bodypose/bodypose_net/1/model.onnx" ]; then
    echo "run_triton: bodypose is not served, its TensorRT engine is missing" >&2
fi
# glibc gives a batch's memory back after every request: docs/serving.md.
export MALLOC_MMAP_THRESHOLD_=${MALLOC_MMAP_THRESHOLD_:-33554432}
export MALLOC_TRIM_THRESHOLD_=${MALLOC_TRIM_THRESHOLD_:-67108864}
exec tritonserver "${arguments[@]}" ${MODEL_CONFIG_NAME:+"--model-config-name=$MODEL_CONFIG_NAME"}
