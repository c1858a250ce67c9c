#!/usr/bin/env bash
# Create the virtual environment with the named extras, at the locked versions, or add them to it.
# Usage: scripts/setup_env.sh [EXTRA ...]      Environment: VENV (.venv), PYTHON (python3)
# Extras: serve, train, bpnet, video, live, gpu, dev (docs/dependencies.md)
set -euo pipefail
self=$(readlink -f "$0")
case ${1:-} in -h | --help) sed -n '2,4s/^# \{0,1\}//p' "$self" && exit 0 ;; esac
cd "$(dirname "$self")/.."
for extra in "$@"; do
    grep -q "^$extra = \[$" pyproject.toml && continue
    echo "setup: $extra is not an extra (see --help)" >&2
    exit 2
done
venv=${VENV:-.venv}
python=${PYTHON:-python3}
wanted="$(IFS=,; echo "$*")"
digest=$(cat pyproject.toml requirements.lock | sha256sum | cut -d' ' -f1)
stamp="$venv/.installed"

if ! command -v "$python" > /dev/null; then
    echo "setup: $python is not there; set PYTHON to a Python of 3.10 to 3.12" >&2
    exit 2
fi
"$python" - <<'EOF' || exit 2
import sys
if not (3, 10) <= sys.version_info[:2] <= (3, 12):
    sys.exit(f"setup: Python {sys.version.split()[0]} is not supported; set PYTHON to one of 3.10 to 3.12")
EOF

# The extra `video` needs networks that no package of its own carries.
video_models() {
    case ",$wanted," in *,video,*) "$venv/bin/python" -m scripts.setup_video ;; esac
}

# An environment that already has these extras at these versions is left alone.
if [ -f "$stamp" ]; then
    read -r have_digest have_extras < "$stamp"
    missing=""
    for extra in "$@"; do
        case ",$have_extras," in *",$extra,"*) ;; *) missing=1 ;; esac
    done
    if [ "$have_digest" = "$digest" ] && [ -z "$missing" ]; then
        video_models
        exit 0
    fi
    if [ "$have_digest" = "$digest" ]; then wanted="${have_extras:+$have_extras,}$wanted"; fi
fi

[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
echo "setup: installing ${wanted:-the client} into $venv"
versions=requirements.lock
case ",$wanted," in
    *,gpu,*) # ModelOpt holds ONNX back
        versions=$venv/.versions
        grep -v '^onnx==' requirements.lock > "$versions" ;;
esac
quiet=--quiet
if [ -t 1 ]; then quiet=; fi # somebody may watch what is downloaded
"$venv/bin/python" -m pip install $quiet --disable-pip-version-check \
    --constraint "$versions" --editable ".${wanted:+[$wanted]}"
echo "$digest $wanted" > "$stamp"
video_models
