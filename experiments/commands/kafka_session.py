"""``python -m experiments.kafka_session``."""

from experiments.kafka.session import main

if __name__ == "__main__":
    raise SystemExit(main())
