"""TensorRT engines from ONNX files: built, checked against ONNX Runtime, labelled.

Needs NumPy and ONNX Runtime; TensorRT is found at run time (:mod:`.find`).
"""
