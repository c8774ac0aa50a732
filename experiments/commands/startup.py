"""``python -m experiments.startup``."""

from experiments.costs.startup import main

if __name__ == "__main__":
    raise SystemExit(main())
