"""``python -m streamml``: the same as the ``streamml`` command."""

from streamml.cli import main

if __name__ == "__main__":
    main()
