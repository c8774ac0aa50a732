"""``python -m experiments.river_checks``."""

from experiments.checks.river_checks import main

if __name__ == "__main__":
    raise SystemExit(main())
