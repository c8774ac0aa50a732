"""Image, Compose, Kubernetes and configuration: against their schemas and each other."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import check_jsonschema
import jsonschema
import kubernetes_validate
import pytest
import yaml

from streamml.cli.config import key_of, read_config
from streamml.cli.run import run
from streamml_connectors.health import Health
from streamml_connectors.http_request import is_ours
from streamml_connectors.page import StatusPage
from tests.integration.deployment import DEPLOY, ROOT, alerts, load

PORT = 9100

# -- the image ----------------------------------------------------------------------------


def instructions() -> list[tuple[str, str]]:
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", "")
    lines = [line.split(None, 1) for line in text.splitlines() if line and line[0] != "#"]
    return [(word.upper(), rest) for word, rest in lines]


def told(word: str) -> list[str]:
    """What stands behind an instruction, each time."""
    return [rest for found, rest in instructions() if found == word]


def test_the_image_takes_what_a_build_needs() -> None:
    copied = {
        name for rest in told("COPY") if not rest.startswith("--from") for name in rest.split()[:-1]
    }
    assert all((ROOT / name).exists() for name in copied)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    needed = {"pyproject.toml", "constraints.txt", project["project"]["readme"]}
    needed |= set(project["project"]["license-files"]) | {name.split("/")[0] for name in wheel}
    assert needed <= copied
    install = next(rest for rest in told("RUN") if "pip install" in rest)
    assert re.search(r"(-c|--constraint)[ =]constraints\.txt", install), "versions are pinned"
    assert set(re.search(r"\.\[([\w,]+)\]", install)[1].split(",")) >= {"kafka"}
    least = numbers(project["project"]["requires-python"])
    assert all(numbers(image) >= least for image in told("FROM"))


def numbers(version: str) -> tuple[int, ...]:
    """The first version in a text."""
    return tuple(map(int, re.search(r"\d+(\.\d+)+", version)[0].split(".")))


def test_the_image_runs_without_rights_and_is_probed_where_it_serves() -> None:
    words = [word for word, _ in instructions()]
    (user,) = told("USER")
    assert all(int(number) > 0 for number in user.split(":")), "Kubernetes must see it is not root"
    assert {"ENTRYPOINT", "CMD"} <= set(words[words.index("USER") :])
    assert str(PORT) in " ".join(told("EXPOSE")).split()
    (probe,) = told("HEALTHCHECK")
    address = re.search(r"http://127\.0\.0\.1:(\d+)(/\w+)", probe)
    assert address is not None
    assert int(address[1]) == PORT
    assert address[2] in served()


def served() -> set[str]:
    return {*StatusPage(Health()).routes(), "/metrics"}


# -- Compose ------------------------------------------------------------------------------


def test_compose_fits_its_schema() -> None:
    folder = Path(check_jsonschema.__file__).parent / "builtin_schemas/vendor"
    schema = json.loads((folder / "compose-spec.json").read_text())
    jsonschema.validate(load("compose.yaml"), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"services": {"a": {"imagge": "b"}}}, schema)


def test_compose_names_only_what_is_there() -> None:
    compose = load("compose.yaml")
    services, volumes = compose["services"], set(compose["volumes"])
    assert {"kafka", "consumer", "prometheus", "grafana"} <= set(services)
    used = set()
    for name, service in services.items():
        assert set(service.get("depends_on", ())) <= set(services), name
        for mount in service.get("volumes", ()):
            source = mount.split(":")[0]
            if source.startswith("."):
                assert (DEPLOY / source).exists(), mount
                assert mount.endswith(":ro"), mount
            else:
                used.add(source)
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), f"{name} is open to the network"
        if "build" not in service:
            assert re.fullmatch(r"[\w./-]+:v?[0-9.]+", service["image"]), "images are pinned"
    assert used == volumes
    build = services["consumer"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()
    waits = services["consumer"]["depends_on"]["topics"]["condition"]
    assert waits == "service_completed_successfully"
    assert "healthcheck" in services["kafka"]


def test_the_consumer_of_compose_may_write_only_to_its_volume() -> None:
    consumer = load("compose.yaml")["services"]["consumer"]
    assert consumer["read_only"] is True
    assert consumer["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in consumer["security_opt"]
    writable = {m.split(":")[1] for m in consumer["volumes"] if not m.endswith(":ro")}
    assert writable == {"/var/lib/streamml"}
    env = next(rest for word, rest in instructions() if word == "ENV")
    cache = re.search(r"NUMBA_CACHE_DIR=(\S+)", env)
    assert cache is not None
    assert cache[1].startswith("/var/lib/streamml/")


def test_the_stack_is_wired_together() -> None:
    services = load("compose.yaml")["services"]
    kafka = services["kafka"]["environment"]
    for config in configurations():
        host, port, topic = re.fullmatch(r"kafka://([\w-]+):(\d+)/(\w+)", config["source"]).groups()
        assert f"INSIDE://{host}:{port}" in kafka["KAFKA_ADVERTISED_LISTENERS"]
        assert host in services
        made = services["topics"]["command"][0]
        wanted = [topic] + [config[key] for key in config if key.endswith("-topic")]
        wanted += [config["labels-topic"]]
        assert set(wanted) <= set(re.search(r"for topic in (.*); do", made)[1].split())
        assert config["listen"] == f"0.0.0.0:{PORT}"
        assert config["snapshot-dir"].startswith("/var/lib/streamml/")
    scraped = load("prometheus/prometheus.yml")["scrape_configs"][0]
    assert scraped["static_configs"][0]["targets"] == [f"consumer:{PORT}"]
    assert is_ours(f"consumer:{PORT}", ())  # the Host header of a scrape
    assert f"127.0.0.1:{PORT}:{PORT}" in services["consumer"]["ports"]
    jobs = {match for rule in alerts() for match in re.findall(r'job="(\w+)"', rule["expr"])}
    assert jobs == {scraped["job_name"]}


# -- the configuration of the consumer ----------------------------------------------------


def configurations() -> list[dict[str, Any]]:
    inside = document("ConfigMap")["data"]["consumer.toml"]
    return [tomllib.loads((DEPLOY / "consumer.toml").read_text()), tomllib.loads(inside)]


def test_every_key_is_an_option_of_run() -> None:
    keys = {key_of(parameter) for parameter in run.params}
    for configuration in configurations():
        assert set(configuration) <= keys
    given = {*load("compose.yaml")["services"]["consumer"]["environment"]}
    (container,) = document("StatefulSet")["spec"]["template"]["spec"]["containers"]
    given |= {variable["name"] for variable in container["env"]}
    assert given <= {"STREAMML_" + key.upper().replace("-", "_") for key in keys if key}
    read = read_config(DEPLOY / "consumer.toml", run.params)
    assert read["listen"] == f"0.0.0.0:{PORT}"


# -- Kubernetes ---------------------------------------------------------------------------


def documents() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))


def document(kind: str) -> dict[str, Any]:
    return next(one for one in documents() if one["kind"] == kind)


@pytest.mark.parametrize("index", range(3))
def test_kubernetes_takes_it(index: int) -> None:
    kubernetes_validate.validate(documents()[index], "1.31", strict=True)


def test_kubernetes_refuses_a_slip() -> None:
    wrong = document("StatefulSet")
    wrong["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.31", strict=True)


def test_the_pod_is_probed_and_has_no_rights() -> None:
    assert [one["kind"] for one in documents()] == ["ConfigMap", "Service", "StatefulSet"]
    spec = document("StatefulSet")["spec"]
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    probes = {name: container[f"{name}Probe"]["httpGet"] for name in ("liveness", "readiness")}
    assert {name: probe["path"] for name, probe in probes.items()} == {
        "liveness": "/healthz",
        "readiness": "/readyz",
    }
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    for probe in (*probes.values(), container["startupProbe"]["httpGet"]):
        assert ports[probe["port"]] == PORT
        assert probe["path"] in served()
    assert pod["securityContext"]["runAsNonRoot"] is True
    user = next(rest for word, rest in instructions() if word == "USER")
    assert f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}" == user
    own = container["securityContext"]
    assert own["readOnlyRootFilesystem"] is True
    assert own["allowPrivilegeEscalation"] is False
    assert own["capabilities"] == {"drop": ["ALL"]}
    assert pod["automountServiceAccountToken"] is False


def test_the_parts_of_the_pod_fit() -> None:
    spec = document("StatefulSet")["spec"]
    labels = spec["template"]["metadata"]["labels"]
    service = document("Service")
    assert spec["selector"]["matchLabels"] == labels == service["spec"]["selector"]
    assert spec["serviceName"] == service["metadata"]["name"]
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    claimed = {claim["metadata"]["name"] for claim in spec["volumeClaimTemplates"]}
    there = {volume["name"] for volume in pod["volumes"]} | claimed
    mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert set(mounted) == there
    assert [mounted[name] for name in claimed] == ["/var/lib/streamml"]
    config = document("ConfigMap")
    volume = next(one for one in pod["volumes"] if "configMap" in one)
    assert volume["configMap"]["name"] == config["metadata"]["name"]
    (name,) = config["data"]
    path = Path(container["args"][container["args"].index("--config") + 1])
    assert path == Path(mounted[volume["name"]]) / name
    command = next(rest for word, rest in instructions() if word == "CMD")
    assert json.loads(command) == container["args"]
