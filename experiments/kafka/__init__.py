"""The consumer on a real Apache Kafka: whole sessions, crashes, long runs, speed."""
