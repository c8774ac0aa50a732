"""``python -m experiments.kafka_speed``."""

from experiments.kafka.speed import main

if __name__ == "__main__":
    raise SystemExit(main())
