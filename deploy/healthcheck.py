"""Asks the whole ensemble for one answer; Triton stays `ready` when a Python model has died."""

import json
import sys
import urllib.request

FRAME = {
    "inputs": [
        {"name": "keypoints", "datatype": "FP32", "shape": [1, 1, 34, 4], "data": [0.0] * 34 * 4}
    ],
    "outputs": [{"name": "label"}],
}


def main(url: str) -> None:
    """Ends with a traceback, hence an exit code other than 0, unless a label comes back."""
    request = urllib.request.Request(
        f"http://{url}/v2/models/pose_classification/infer",
        json.dumps(FRAME).encode(),
        {"Content-Type": "application/json"},
    )
    # Docker may set a proxy in every container; this server is not behind it.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request, timeout=8) as answer:
        json.load(answer)["outputs"][0]["data"][0]


if __name__ == "__main__":
    main(*sys.argv[1:] or ["127.0.0.1:8000"])
