"""Asks every ensemble for one answer; Triton stays `ready` when a Python model has died."""

import json
import sys
import urllib.error
import urllib.request

POSES = {
    "inputs": [
        {"name": "keypoints", "datatype": "FP32", "shape": [1, 1, 34, 4], "data": [0.0] * 34 * 4}
    ],
    "outputs": [{"name": "label"}],
}
PHOTO = {
    "inputs": [{"name": "rgb", "datatype": "UINT8", "shape": [8, 8, 3], "data": [0] * 8 * 8 * 3}],
    "outputs": [{"name": "scores"}],
}
MAIN = "pose_classification"
OTHERS = {f"{MAIN}_25dbp": POSES, f"{MAIN}_2dbp": POSES, "bodypose": PHOTO}  # where served


def ask(url: str, model: str, request: dict) -> None:
    """Wait for an answer of the model; that its queue is full is one.

    Raises:
        OSError: None came, or an error.
    """
    post = urllib.request.Request(
        f"http://{url}/v2/models/{model}/infer",
        json.dumps(request).encode(),
        {"Content-Type": "application/json"},
    )
    # Docker may set a proxy in every container; this server is not behind it.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(post, timeout=8) as answer:
            json.load(answer)["outputs"][0]["data"]
    except urllib.error.HTTPError as error:
        if error.code != 503:  # a model that has died is a 500
            raise


def main(url: str) -> None:
    """Ends with a traceback, hence an exit code other than 0, unless all ensembles answer."""
    ask(url, MAIN, POSES)
    for model, request in OTHERS.items():
        try:
            ask(url, model, request)
        except urllib.error.HTTPError as error:
            if error.code != 404:  # it is there
                raise


if __name__ == "__main__":
    main(*sys.argv[1:] or ["127.0.0.1:8000"])
