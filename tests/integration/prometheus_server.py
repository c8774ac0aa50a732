"""Debian's Prometheus as a server, with the deployed configuration, and its API."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
import yaml

from tests.conftest import needs
from tests.integration.deployment import DEPLOY, load

SUBSTITUTES = {"$instance": ".*", "$__rate_interval": "15s"}


def until(found: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    """The first true answer of another process, which tells nobody when it has one."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.2)):
        try:
            if answer := found():
                return answer
        except URLError:
            pass
        pause.wait(0.2)
    pytest.fail(f"never: {what}")


def get(url: str) -> tuple[int, Any]:
    try:
        with urlopen(url, timeout=10) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


@contextmanager
def prometheus_server(target: str, folder: Path) -> Iterator[str]:
    """The server, only faster than deployed and at this HOST:PORT; gives the API's address."""
    server = shutil.which("prometheus")
    needs("prometheus is missing: apt-get install prometheus", server)
    config = load("prometheus/prometheus.yml")
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["scrape_configs"][0]["static_configs"][0]["targets"] = [target]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    shutil.copy(DEPLOY / "prometheus/rules.yml", folder)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with subprocess.Popen(
        [
            server,
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            ready = f"http://127.0.0.1:{port}/-/ready"
            until(lambda: urlopen(ready, timeout=10).read(), "Prometheus is ready")
            yield f"http://127.0.0.1:{port}/api/v1"
        finally:
            process.terminate()


def query(api: str, expression: str) -> list[dict[str, Any]]:
    for name, value in SUBSTITUTES.items():
        expression = expression.replace(name, value)
    status, body = get(f"{api}/query?{urlencode({'query': expression})}")
    assert status == 200, f"{expression}: {body['error']}"
    return body["data"]["result"]


def value(api: str, expression: str) -> float:
    found = query(api, expression)
    return float(found[0]["value"][1]) if found else 0.0
