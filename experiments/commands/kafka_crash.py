"""``python -m experiments.kafka_crash``."""

from experiments.kafka.crash import main

if __name__ == "__main__":
    raise SystemExit(main())
