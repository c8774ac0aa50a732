"""``python -m experiments.mutants``."""

from experiments.checks.mutants import main

if __name__ == "__main__":
    raise SystemExit(main())
