"""The report of the benchmark: ``python -m experiments.report`` writes a page and a summary."""

from __future__ import annotations

from pathlib import Path

import click

from experiments.bench.report.markdown import markdown
from experiments.bench.report.page import page
from experiments.bench.run import DEFAULT_RESULTS
from experiments.bench.store import load_all
from experiments.datasets.data import reference_dir
from streamml.errors import StreamMLError

__all__ = ["main", "write"]


def write(results: Path, html: Path, reference: Path) -> list[Path]:
    """Write the page, and the Markdown summary beside it."""
    found = list(load_all(results))
    if not found:
        raise click.ClickException(f"{results} holds no results: python -m experiments.run first.")
    html.parent.mkdir(parents=True, exist_ok=True)
    html.write_text(page(found, reference), encoding="utf-8")
    beside = html.with_suffix(".md")
    beside.write_text(markdown(found, reference))
    return [html, beside]


@click.command()
@click.option("--results", type=click.Path(file_okay=False, path_type=Path),
              default=DEFAULT_RESULTS, show_default=True)  # fmt: skip
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path),
              help="The page; by default report.html beside the results.")  # fmt: skip
@click.option("--reference", type=click.Path(file_okay=False, path_type=Path),
              help="Published figures; by default STREAMML_REFERENCE.")  # fmt: skip
def main(results: Path, out: Path | None, reference: Path | None) -> None:
    """Make the report of what has been run so far."""
    try:
        for path in write(results, out or results / "report.html", reference or reference_dir()):
            click.echo(f"{path}: {path.stat().st_size / 1024:,.0f} KiB")
    except StreamMLError as error:
        raise click.ClickException(str(error)) from error
