"""Stand-ins for what needs an NVIDIA GPU: `trtexec` and `nvidia-smi`.

The `engine` of this trtexec is the ONNX file itself, and ONNX Runtime runs it. What is tested is
everything around TensorRT: finding it, the command lines it gets, the checks, the files.
"""

from __future__ import annotations

import sys
from pathlib import Path

TRTEXEC = """#!{python}
import json, os, sys
from pathlib import Path
import numpy as np
import onnxruntime

print("&&&& RUNNING TensorRT.trtexec [TensorRT v{version}] [b106] #", *sys.argv)
options = dict(word.lstrip("-").split("=", 1) for word in sys.argv[1:] if "=" in word)
with open({log!r}, "a") as log:
    log.write(json.dumps(sys.argv[1:]) + "\\n")
if "saveEngine" in options:
    Path(options["saveEngine"]).write_bytes(Path(options["onnx"]).read_bytes())
    Path(options["exportLayerInfo"]).write_text({layers!r})
    if {fails!r}:
        print("[11/21/2026-08:00:00] [I] Starting")
        print("[11/21/2026-08:00:00] [E] Error[4]: no kernel for node_conv2d_3", file=sys.stderr)
        print("[11/21/2026-08:00:00] [E] Engine could not be created", file=sys.stderr)
        sys.exit(1)
elif "loadEngine" in options:
    name, shape = options["shapes"].split(":")
    feed = np.fromfile(options["loadInputs"].split(":")[1], np.float32)
    feed = feed.reshape([int(size) for size in shape.split("x")])
    session = onnxruntime.InferenceSession(options["loadEngine"])
    outputs = [
        {{"name": o.name, "dimensions": "x".join(map(str, v.shape)),
         "values": ((1 + float('{error}')) * v).ravel().tolist()}}
        for o, v in zip(session.get_outputs(), session.run(None, {{name: feed}}))
    ]
    text = json.dumps(outputs).replace("NaN", "-nan").replace("Infinity", "inf")  # as C++ does
    Path(options["exportOutput"]).write_text(text)
"""
FP32 = '{"Layers": [{"Name": "conv", "Outputs": [{"Format/Datatype": "Row major linear FP32"}]}]}'
FP16 = '{"Layers": [{"Name": "conv", "Outputs": [{"Format/Datatype": "Channel major FP16"}]}]}'
INT8 = '{"Layers": [{"Inputs": [{"Format": "Thirty-two wide channel vectorized row major Int8"}]}]}'


def install(
    folder: Path,
    version: str = "110400",
    layers: str = FP32,
    error: float = 0.0,
    fails: bool = False,
) -> Path:
    """Write the programs into a folder; returns the file that keeps trtexec's command lines."""
    log = folder / "trtexec.log"
    script = TRTEXEC.format(
        python=sys.executable,
        version=version,
        log=str(log),
        layers=layers,
        error=error,
        fails=fails,
    )
    smi = '#!/bin/sh\ncase "$*" in *--id=0) echo 8.9 ;; *--id=2) echo 9.0 ;; *) echo none ;; esac\n'
    programs = {"trtexec": script, "nvidia-smi": smi}
    for name, text in programs.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return log
