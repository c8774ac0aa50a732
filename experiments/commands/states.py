"""``python -m experiments.states``."""

from experiments.checks.states import main

if __name__ == "__main__":
    raise SystemExit(main())
