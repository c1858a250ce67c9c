"""`python -m training.common.engine`; `scripts/build_engine.sh` sets up what it needs."""

import sys

from training.common.engine.cli import main

sys.exit(main())
