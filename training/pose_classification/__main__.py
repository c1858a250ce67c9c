"""`python -m training.pose_classification`."""

import sys

try:
    from training.pose_classification.cli import main

    sys.exit(main())
except KeyboardInterrupt:  # while it loads; `main` tells of later ones
    sys.exit(130)
