"""``python -m experiments.fuzz``: a crash of compiled code says where it was."""

import faulthandler

from experiments.checks.fuzz import main

if __name__ == "__main__":
    faulthandler.enable()
    raise SystemExit(main())
