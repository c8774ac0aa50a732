"""``python -m experiments.start_weights``."""

from experiments.scores.start_weights import main

if __name__ == "__main__":
    raise SystemExit(main())
