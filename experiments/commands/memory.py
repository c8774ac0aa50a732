"""``python -m experiments.memory``."""

from experiments.costs.memory import main

if __name__ == "__main__":
    raise SystemExit(main())
