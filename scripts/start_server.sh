#!/usr/bin/env bash
# Start Triton with the model repository, in the foreground: in the GPU container, else in the CPU
# container, else embedded (no Docker, no GPU). Says which and why; needs no account.
# Usage: scripts/start_server.sh [--gpu | --cpu | --embedded] [--int8] [--dry-run]
#            [--http-port 8000] [--grpc-port 8001] [--metrics-port 8002]
# --int8: the INT8 network, on the CPU only (docs/serving.md).
# Environment: TRITON_TAG, TRITON_ADMIN_KEY (docs/serving.md); VENV, PYTHON (scripts/setup_env.sh)
set -euo pipefail
self=$(readlink -f "$0")
cd "$(dirname "$self")/.."
version=model_repository/pose_classification_tao/1
bodypose=model_repository_bodypose/bodypose_net/1 # served when there is a network

say() { echo "start_server: $*" >&2; }
refuse() { say "$*"; exit 2; }

way="" int8="" dry_run="" http=8000 grpc=8001 metrics=8002
while [ $# -gt 0 ]; do
    case $1 in
        --gpu | --cpu | --embedded)
            [ -z "$way" ] || [ "$1" = "--$way" ] || refuse "$1 and --$way exclude each other"
            way=${1#--} ;;
        --int8) int8=_int8 ;;
        --dry-run) dry_run=1 ;;
        --http-port | --grpc-port | --metrics-port)
            [[ ${2:-} =~ ^0*[0-9]{1,5}$ ]] && ((10#$2 > 0 && 10#$2 < 65536)) ||
                refuse "$1 needs a port number, 1 to 65535"
            name=${1#--} && declare "${name%-port}=$((10#$2))" && shift ;;
        -h | --help) sed -n '2,7s/^# \{0,1\}//p' "$self" && exit 0 ;;
        *) refuse "unknown argument $1 (see --help)" ;;
    esac
    shift
done

if [ "$http" = "$grpc" ] || [ "$http" = "$metrics" ] || [ "$grpc" = "$metrics" ]; then
    refuse "HTTP $http, gRPC $grpc, metrics $metrics: give each a port of its own"
fi

# Each prints what stands in the way of a container, nothing if it can run.
no_engine() {
    if ! command -v docker > /dev/null; then echo "Docker is not installed"
    elif ! timeout 20 docker info > /dev/null 2>&1; then echo "no Docker engine answers"
    elif ! docker compose version > /dev/null 2>&1; then echo "Docker has no compose plugin"
    fi
}
no_gpu() {
    if [[ $(nvidia-smi -L 2> /dev/null) != *GPU* ]]; then echo "no NVIDIA GPU"
    elif [[ $(docker info --format '{{json .Runtimes}}' 2> /dev/null) != *nvidia* ]]; then
        echo "Docker has no nvidia runtime (install the NVIDIA container toolkit)"
    fi
}

why="asked for"
if [ "$way" != embedded ]; then
    engine=$(no_engine)
    gpu=${engine:-$(no_gpu)}
fi
case $way in
    gpu) [ -z "$gpu" ] || refuse "the GPU container cannot run here: $gpu" ;;
    cpu) [ -z "$engine" ] || refuse "the CPU container cannot run here: $engine" ;;
    embedded) ;;
    *)
        if [ -z "$gpu$int8" ]; then way=gpu why="an NVIDIA GPU and Docker are here"
        elif [ -z "$engine" ]; then way=cpu why=${gpu:-INT8}
        else way=embedded why=$engine
        fi ;;
esac
[ -z "$int8" ] || [ "$way" != gpu ] || refuse "--int8 is for the CPU; a GPU gets its precision from scripts/build_engine.sh"
[ -s "$version/model.onnx" ] || refuse "$version/model.onnx is missing: check it out or export it"

run() { if [ -n "$dry_run" ]; then echo "${*@Q}"; else "$@"; fi; }
become() { if [ -n "$dry_run" ]; then echo "${*@Q}"; else exec "$@"; fi; }
noted() { # VERSION KEY: prints what is noted beside its TensorRT engine
    sed -n "s/.*\"$2\": *\"\{0,1\}\([^\",}]*\).*/\1/p" "$1/model.plan.json"
}
stale_engine() { # VERSION: prints why its TensorRT engine has to be built, nothing if it is fresh
    local version=$1 sm built image
    sm=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -1 | tr -d '. ')
    if ! [ -s "$version/model.plan" ] || ! [ -s "$version/model.plan.json" ]; then
        echo "there is no engine yet"
    elif [ "$(noted "$version" onnx_sha256)" != "$(sha256sum < "$version/model.onnx" | cut -d' ' -f1)" ]; then
        echo "the engine was built from another model.onnx"
    elif [ "$(noted "$version" sm | tr -d .)" != "$sm" ]; then echo "the engine was built for another GPU"
    else # only the TensorRT that built it runs it
        built=$(noted "$version" builder)
        image=$(docker compose --profile gpu config --images 2> /dev/null | head -1)
        [[ $built != *:* || -z $image || ${built##*:} = "${image##*:}" ]] ||
            echo "the engine was built in the container ${built##*:}, ${image##*:} is to run"
    fi
}
fresh_engine() { # VERSION " of WHAT" ARGUMENTS...: builds it where it is missing or stale
    local stale
    stale=$(stale_engine "$1")
    if [ -n "$stale" ]; then
        say "building the TensorRT engine$2: $stale"
        run scripts/build_engine.sh "${@:3}"
    fi
}

case $way in
    gpu)
        say "GPU container ($why)"
        fresh_engine "$version" ""
        if [ -s "$bodypose/model.onnx" ]; then
            # Peaks of equal height may change places, which a comparison would take for an error.
            fresh_engine "$bodypose" " of bodypose" "$bodypose/model.onnx" \
                --precision fp32 --batch 1 4 8 --skip-verification
        fi ;;
    cpu) say "CPU container ($why)" ;;
    embedded)
        say "embedded Triton, on loopback only ($why)"
        extras=(serve)
        [ ! -s "$bodypose/model.onnx" ] || extras+=(video) # OpenCV
        run scripts/setup_env.sh "${extras[@]}"
        become "${VENV:-.venv}/bin/python" -m scripts.embedded_triton \
            ${int8:+--model-config-name "embedded$int8"} --http-port "$http" --grpc-port "$grpc" --metrics-port "$metrics"
        exit ;;
esac
become env "COMPOSE_PROFILES=$way" ${int8:+"MODEL_CONFIG_NAME=onnxruntime$int8"} "TRITON_HTTP_PORT=$http" "TRITON_GRPC_PORT=$grpc" \
    "TRITON_METRICS_PORT=$metrics" docker compose up
