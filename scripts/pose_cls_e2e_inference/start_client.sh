#!/usr/bin/env bash
# Second of the two commands from a video to actions: poses, actions, overlay video, report page.
# Usage: scripts/pose_cls_e2e_inference/start_client.sh [VIDEO | CAMERA | URL]
#            [--pose-source mediapipe|deepstream|bodypose] [--output outputs/e2e] [--url localhost]
#            [--http-port 8000] [--grpc-port 8001] [--max-people 6] [--dry-run]
# Without a video: samples/three_people.mp4. A camera (its number) and a stream are recorded until
# Ctrl-C. A JSON file of DeepStream, or kafka://host:port/topic, needs no pose source.
# Environment: VENV, PYTHON (scripts/setup_env.sh)
set -euo pipefail
self=$(readlink -f "$0")

refuse() { echo "start_client: $*" >&2; exit 2; }
here() { realpath -sm -- "$1"; } # a path of the caller's folder

video="" pose_source="" output=outputs/e2e host=localhost http=8000 grpc=8001 people=6 dry_run=""
while [ $# -gt 0 ]; do
    case $1 in
        --pose-source | --output | --url | --http-port | --grpc-port | --max-people)
            [ -n "${2:-}" ] || refuse "$1 needs a value" ;;&
        --http-port | --grpc-port)
            [[ $2 =~ ^0*[0-9]{1,5}$ ]] && ((10#$2 > 0 && 10#$2 < 65536)) ||
                refuse "$1 needs a port number, 1 to 65535" ;;&
        --max-people)
            [[ $2 =~ ^0*[1-9][0-9]*$ ]] || refuse "$1 needs a whole number above 0" ;;&
        --pose-source) pose_source=$2 && shift ;;
        --output) output=$(here "$2") && shift ;;
        --url) host=$2 && shift ;;
        --http-port) http=$2 && shift ;;
        --grpc-port) grpc=$2 && shift ;;
        --max-people) people=$2 && shift ;;
        --dry-run) dry_run=1 ;;
        -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$self" && exit 0 ;;
        -*) refuse "unknown argument $1 (see --help)" ;;
        *)
            [ -z "$video" ] || refuse "one video at a time: $video, $1"
            video=$1
            # A number is a camera, whatever files there are.
            [[ $1 =~ ^[0-9]+$ || ! -e $1 ]] || video=$(here "$1") ;;
    esac
    shift
done
cd "$(dirname "$self")/../.."
video=${video:-samples/three_people.mp4}

extras=(video)
case $video in kafka://*) extras+=(live) ;; esac
run() { if [ -n "$dry_run" ]; then echo "${*@Q}"; else "$@"; fi; }
run scripts/setup_env.sh "${extras[@]}" >&2
python=${VENV:-.venv}/bin/python

# A video is drawn on as it is, a camera or stream on what is kept of it; poses on plain ground.
kept=() drawn=()
case $pose_source:$video in
    *.json | *.json.gz | *.ndjson | *.jsonl | *:kafka://* | deepstream:*://*) ;;
    *:*://* | *:[0-9] | *:[0-9][0-9])
        kept=(--live --save-video "$output/video.mp4")
        drawn=(--video "$output/video.mp4") ;;
    *) drawn=(--video "$video") ;;
esac
run "$python" -m video.poses "$video" -o "$output/poses.json" --max-people "$people" \
    --url "$host:$grpc" ${pose_source:+--pose-source "$pose_source"} "${kept[@]}"
seen() { "$python" -c "import sys; from video.capture import Video
video = Video(sys.argv[1]); print($1)" "${drawn[1]}"; }
# Poses of a file come as fast as its pictures.
paced=()
if [ -z "$dry_run" ] && [ "${drawn[1]:-}" = "$video" ]; then
    paced=(--frame-rate "$(seen video.rate)")
fi
# BodyPoseNet's poses are 2D, in pixels: another network knows them, and needs the size of the frames.
model=pose_classification told=()
if [ "$pose_source" = bodypose ]; then
    model=pose_classification_2dbp told=(--dataset_convert_config "$output/convert.yaml")
    [ -n "$dry_run" ] ||
        seen "'frame_width: %d\nframe_height: %d\npose_type: 2dbp' % video.size" > "${told[1]}"
fi
run "$python" client/tao_client.py "$output/poses.json" -m "$model" -i grpc \
    -u "$host:$grpc" --mode Pose_classification --output_path "$output" "${told[@]}" \
    --overlay "$output/overlay.mp4" --report "$output/report.html" "${drawn[@]}" "${paced[@]}"
[ -n "$dry_run" ] || echo "start_client: $output: poses.json, results.json, overlay.mp4, report.html"
