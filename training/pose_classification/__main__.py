"""`python -m training.pose_classification`."""

import sys

from training.pose_classification.cli import main

sys.exit(main())
