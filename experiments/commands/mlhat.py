"""``python -m experiments.mlhat``."""

from experiments.scores.mlhat import main

if __name__ == "__main__":
    raise SystemExit(main())
