"""``python -m schemas.generate [--check]``."""

import argparse
import sys

from .files import FOLDER, drift, write


def main() -> int:
    """Write the documents, or name those that drifted. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="schemas.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 on drift")
    if not parser.parse_args().check:
        write(FOLDER)
        return 0
    drifted = drift(FOLDER)
    for name in drifted:
        sys.stderr.write(
            f"schemas/{name} is not what the code says: run python -m schemas.generate\n"
        )
    return 1 if drifted else 0


if __name__ == "__main__":
    sys.exit(main())
