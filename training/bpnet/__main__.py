"""`python -m training.bpnet` is the command `bpnet`."""

import sys

try:
    from training.bpnet.cli import main

    sys.exit(main())
except KeyboardInterrupt:  # while it loads; `main` tells of later ones
    sys.exit(130)
