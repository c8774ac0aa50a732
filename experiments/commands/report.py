"""``python -m experiments.report``."""

from experiments.bench.report.command import main

if __name__ == "__main__":
    raise SystemExit(main())
