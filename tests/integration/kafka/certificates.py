"""Who is trusted in tests: a user, and certificates of an authority made up for them."""

from __future__ import annotations

import subprocess
from pathlib import Path

__all__ = ["KEY_PASSWORD", "PASSWORD", "USER", "make_certificates"]

USER, PASSWORD = "operator", "s3cret-of-the-operator"
KEY_PASSWORD = "opens-the-key-file"
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")


def make_certificates(folder: Path) -> Path:
    """``ca.pem``, ``broker.pem`` (chain and key), ``client.pem``, ``client.key``, ``other.pem``.

    The client's key is encrypted with :data:`KEY_PASSWORD`; ``other.pem`` is an authority
    that signed none of them.
    """
    folder.mkdir(parents=True)
    for name in ("ca", "other"):
        authority = ("-x509", "-days", "2", "-subj", f"/CN={name}", "-nodes", *_KEY)
        openssl("req", *authority, "-keyout", f"{name}.key", "-out", f"{name}.pem", at=folder)
    sign(folder, "broker", "subjectAltName=IP:127.0.0.1", "-nodes")
    sign(folder, "client", "extendedKeyUsage=clientAuth", "-passout", f"pass:{KEY_PASSWORD}")
    chain, key = (folder / "broker.pem").read_text(), (folder / "broker.key").read_text()
    (folder / "broker.pem").write_text(chain + key)
    return folder


def sign(folder: Path, name: str, extension: str, *key: str) -> None:
    """A key and a certificate that the authority signed."""
    request = ("-subj", f"/CN={name}", "-addext", extension, *_KEY, *key)
    openssl("req", *request, "-keyout", f"{name}.key", "-out", f"{name}.csr", at=folder)
    by = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-copy_extensions", "copy")
    openssl("x509", "-req", "-days", "2", *by, "-in", f"{name}.csr", "-out", f"{name}.pem",
            at=folder)  # fmt: skip


def openssl(*arguments: str, at: Path) -> None:
    done = subprocess.run(
        ["openssl", *arguments], cwd=at, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
