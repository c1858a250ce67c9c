"""The tasks of the command `bpnet`, a module each: `add` declares its flags and `run`, the task."""
