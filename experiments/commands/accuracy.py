"""``python -m experiments.accuracy``."""

from experiments.scores.accuracy import main

if __name__ == "__main__":
    raise SystemExit(main())
