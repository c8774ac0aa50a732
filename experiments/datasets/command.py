"""The datasets of the benchmark: ``python -m experiments.datasets list | check | get NAME``."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from experiments.datasets.data import data_dir
from experiments.datasets.fetch import download, unpack
from experiments.datasets.registry import Dataset, datasets, find, sha256_of, streams
from streamml.errors import DataError

__all__ = ["check_one", "get", "main"]


def check_one(row: Dataset, directory: Path) -> str:
    """What is wrong with a dataset's files; empty where all is well."""
    path = row.path(directory)
    if path is None:
        return f"missing: {Path(row.folder or directory) / row.file}"
    directory = Path(row.folder or directory)
    if row.sha256 and (found := sha256_of(path)) != row.sha256:
        return f"another file: sha256 of {path} is {found}, pinned is {row.sha256}"
    if row.xml and not (directory / row.xml).is_file():
        return f"missing: {directory / row.xml}"
    if row.xml_sha256 and sha256_of(directory / row.xml) != row.xml_sha256:
        return f"another file: {directory / row.xml} is not the pinned one"
    return "" if row.sha256 else "there, but no checksum is pinned"


def get(row: Dataset, directory: Path) -> str:
    """Download what is missing of a dataset; gives what was done.

    Raises
    ------
    DataError
        There is no address, no network, or what came is not the pinned file.
    """
    wrong = check_one(row, directory)
    if not wrong.startswith("missing"):
        return wrong or f"{row.name} is there and is the pinned file"
    if row.path(directory) is not None:
        raise DataError(f"{wrong}; it is small and comes with the benchmark's data: copy it there.")
    if not row.address and row.folder:
        raise DataError(f"{wrong}; its table names no address: put it there.")
    if not row.address:
        raise DataError(
            f"{wrong}; no address is known for this very file: look for {row.name} at "
            f"{row.repository} and put it there."
        )
    directory.mkdir(parents=True, exist_ok=True)
    directory = Path(row.folder or directory)
    archive = directory / row.address.rpartition("/")[2]
    if not archive.is_file():
        download(row.address, archive, click.echo)
    target = directory / row.file
    if archive.suffix.lower() == ".zip":
        unpack(archive, target)
    else:
        archive.replace(target)
    found = sha256_of(target)
    if row.sha256 and found != row.sha256:
        raise DataError(
            f"{target} was downloaded from {row.address} but is not the pinned file (sha256 "
            f"{found}): its rows may be the same with another header; results will say so."
        )
    return f"{row.name} is at {target}, sha256 {found}"


@click.group()
def main() -> None:
    """List, check and download the datasets of STREAMML_DATA."""


@main.command("list")
def list_all() -> None:
    """Every dataset: size, whether it is here, and the published comparison's name."""
    table = Table(title=f"datasets in {data_dir()}")
    for column in ("name", "events", "features", "labels", "cardinality", "23", "here", "published",
                   "file and order against the published ones"):  # fmt: skip
        table.add_column(column)
    for row in datasets().values():
        here = "yes" if row.path(data_dir()) else "no"
        cardinality = "" if row.cardinality is None else f"{row.cardinality:.3f}"
        table.add_row(row.name, *(str(n or "") for n in (row.instances, row.features, row.labels)),
                      cardinality, "yes" if row.one_of_23 else "", here, row.published,
                      row.compared)  # fmt: skip
    console = Console(width=150)
    console.print(table)
    console.print("synthetic: " + ", ".join(f"{name}@SEED" for name in streams()))


@main.command()
@click.argument("names", nargs=-1)
def check(names: tuple[str, ...]) -> None:
    """Verify the checksums of NAMES, or of everything that is here."""
    bad = 0
    for name in names or datasets():
        row = find(name)
        if not isinstance(row, Dataset):
            click.echo(f"{name}: synthetic, nothing to check")
            continue
        wrong = check_one(row, data_dir())
        click.echo(f"{name}: {wrong or 'ok'}")
        absent_is_fine = not names and wrong.startswith("missing") and not row.sha256
        bad += bool(wrong) and bool(row.sha256 or names) and not absent_is_fine
    if bad:
        raise click.ClickException(f"{bad} of the datasets are missing or not the pinned files.")


@main.command("get")
@click.argument("names", nargs=-1, required=True)
def get_them(names: tuple[str, ...]) -> None:
    """Download NAMES into STREAMML_DATA; a download that broke off goes on."""
    for name in names:
        row = find(name)
        if not isinstance(row, Dataset):
            click.echo(f"{name} is synthetic: nothing to download")
            continue
        click.echo(get(row, data_dir()))
