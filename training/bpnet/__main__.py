"""`python -m training.bpnet` is the command `bpnet`."""

import sys

from training.bpnet.cli import main

sys.exit(main())
