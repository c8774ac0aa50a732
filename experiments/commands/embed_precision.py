"""``python -m experiments.embed_precision``."""

from experiments.embed.precision import main

if __name__ == "__main__":
    raise SystemExit(main())
