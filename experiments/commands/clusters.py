"""``python -m experiments.clusters``."""

from experiments.scores.clusters import main

if __name__ == "__main__":
    raise SystemExit(main())
