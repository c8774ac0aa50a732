"""``python -m experiments.parity``."""

from experiments.bench.parity import main

if __name__ == "__main__":
    raise SystemExit(main())
