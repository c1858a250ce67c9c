"""`python client/tao_client.py`, from any folder, installed or not."""

import sys
from pathlib import Path

# Python puts this file's folder first on the path; what we import is one level up.
sys.path[0] = str(Path(__file__).resolve().parents[1])

if __name__ == "__main__":
    try:
        from client.cli import main

        sys.exit(main())
    except KeyboardInterrupt:  # while it loads; `main` tells of later ones
        sys.exit(130)
