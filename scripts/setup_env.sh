#!/usr/bin/env bash
# Create the virtual environment with the named extras, at the locked versions, or add them to it.
# Usage: scripts/setup_env.sh [EXTRA ...]      Environment: VENV (.venv), PYTHON
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
wanted="$(IFS=,; echo "$*")"
digest=$(cat pyproject.toml requirements.lock | sha256sum | cut -d' ' -f1)
stamp="$venv/.installed"

# An environment that is there has its Python; else that of PYTHON, or the first that will do.
pythons=(python3 python3.12 python3.11 python3.10)
if [ -n "${PYTHON:-}" ]; then pythons=("$PYTHON"); fi
if [ -x "$venv/bin/python" ]; then pythons=("$venv/bin/python"); fi
python=
for candidate in "${pythons[@]}"; do
    "$candidate" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' \
        2> /dev/null && python=$candidate && break
done
if [ -z "$python" ]; then
    echo "setup: needs Python 3.10 to 3.12, not ${pythons[*]}; set PYTHON, or: uv venv --python 3.12 $venv" >&2
    exit 2
fi

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
if ! "$venv/bin/python" -m pip --version > /dev/null 2>&1; then # made by uv, or interrupted
    "$venv/bin/python" -m ensurepip > /dev/null
fi
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
