"""Measurements; each module prints a table and writes its figures to `results/`."""

import os

os.environ["no_proxy"] = "127.0.0.1"  # the servers under test; gRPC would ask a proxy for them
