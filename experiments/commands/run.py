"""``python -m experiments.run``."""

from experiments.bench.run import main

if __name__ == "__main__":
    raise SystemExit(main())
