"""``python -m experiments.datasets``: an error is one sentence."""

import sys

import click

from experiments.datasets.command import main
from streamml.errors import StreamMLError

if __name__ == "__main__":
    try:
        main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except StreamMLError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)
