"""``python -m experiments.embed_speed``."""

from experiments.embed.speed import main

if __name__ == "__main__":
    raise SystemExit(main())
