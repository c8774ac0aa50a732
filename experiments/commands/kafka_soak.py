"""``python -m experiments.kafka_soak``."""

from experiments.kafka.soak import main

if __name__ == "__main__":
    raise SystemExit(main())
