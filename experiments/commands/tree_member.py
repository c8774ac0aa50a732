"""``python -m experiments.tree_member``."""

from experiments.scores.tree_member import main

if __name__ == "__main__":
    raise SystemExit(main())
