"""`python -m training.common.engine`; `scripts/build_engine.sh` sets up what it needs."""

import sys

try:
    from training.common.engine.cli import main

    sys.exit(main())
except KeyboardInterrupt:  # while it loads; `main` tells of later ones
    sys.exit(130)
