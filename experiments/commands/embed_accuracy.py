"""``python -m experiments.embed_accuracy``."""

from experiments.embed.accuracy import main

if __name__ == "__main__":
    raise SystemExit(main())
