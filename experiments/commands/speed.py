"""``python -m experiments.speed``."""

from experiments.costs.speed import main

if __name__ == "__main__":
    raise SystemExit(main())
