"""A sink of one's own: says aloud when a label that matters is predicted."""

from __future__ import annotations

from streamml.baselines import NoChange
from streamml.service import Service
from streamml.streams import DemoStream
from streamml.types import EventBatch, Predictions


class Bell:
    """Rings for one label: prints the event's id."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.rung = 0

    def write(self, batch: EventBatch, predictions: Predictions) -> None:
        column = batch.schema.labels.find(self.label)
        for row, event in enumerate(batch.ids):
            if column in predictions.row(row):
                self.rung += 1
                if self.rung <= 3:
                    print(f"{self.label}: event {event}")

    def close(self) -> None:
        """Nothing is open."""


if __name__ == "__main__":
    bell = Bell("alpha")
    Service(DemoStream(), NoChange(), predictions=bell, limit=1_000).run()
    print(f"rang {bell.rung} times in 1000 events")
