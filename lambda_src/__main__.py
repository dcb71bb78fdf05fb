"""`python -m lambda_src`: the same answers as a command."""

import sys

from lambda_src.cli.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
