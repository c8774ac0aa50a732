"""``python -m experiments.snapshots``."""

from experiments.costs.snapshots import main

if __name__ == "__main__":
    raise SystemExit(main())
