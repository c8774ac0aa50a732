"""``python -m experiments.golden``."""

from experiments.checks.golden import main

if __name__ == "__main__":
    raise SystemExit(main())
