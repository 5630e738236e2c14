"""The code of docs/how-to/monitoring.md runs, and its table and alerts name what there is."""

import json
import logging
import re
import subprocess
import sys
from pathlib import Path

import prometheus_client
import pytest
import yaml

from holysheep_core.observers.measures import ALL
from support.metrics import of_text
from support.services import service

PAGE = (Path(__file__).parents[2] / "docs/how-to/monitoring.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
[ALERTS] = re.findall(r"^```yaml\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
[COMMANDS] = re.findall(r"^```bash\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture
def quiet_log():
    log = logging.getLogger("holysheep")
    before = list(log.handlers), log.level
    yield
    log.handlers[:], log.level = before


@pytest.fixture
def any_port(monkeypatch):
    """Port 9464 may be taken where the tests run."""
    started, start = [], prometheus_client.start_http_server

    def on_a_free_port(_port):
        started.append(start(0))
        return started[-1]

    monkeypatch.setattr(prometheus_client, "start_http_server", on_a_free_port)
    yield
    for server, thread in started:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.usefixtures("quiet_log", "any_port")
def test_its_code_runs_in_order(play, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)  # where its event log is
    monkeypatch.setenv("HOLYSHEEP_API_KEY", "any-key")
    monkeypatch.setenv("HOLYSHEEP_BASE_URL", play(text="Hello, too.").base_url)
    names = {"__name__": "page"}
    for number, block in enumerate(BLOCKS):
        exec(compile(block, f"block {number}", "exec"), names)
    printed = capsys.readouterr()
    assert printed.out.count("Hello, too.") == 4
    ended = json.loads(printed.err.splitlines()[-1])
    assert ended["event"] == "CallEnded"
    exposed = of_text(prometheus_client.generate_latest(names["registry"]).decode())
    assert exposed["holysheep_calls"].samples


def test_its_table_has_every_metric_with_its_labels():
    rows = re.findall(
        r"^\| `(\w+)` \| `([\w.]+)`, (\w+) \| (.*?) \| (.*?) \|$", PAGE, flags=re.MULTILINE
    )
    ending = {"counter": "_total"}
    assert rows == [
        (
            each.prometheus_name + ending.get(each.kind, ""),
            each.name,
            each.kind,
            ", ".join(f"`{label}`" for label in each.labels),
            each.about,
        )
        for each in ALL
    ]


def test_its_alerts_name_metrics_that_exist(tmp_path):
    rules = yaml.safe_load(ALERTS)["groups"][0]["rules"]
    known = {each.prometheus_name for each in ALL}
    assert len(rules) == 3
    for rule in rules:
        named = re.findall(r"\b(?:holysheep|gen_ai)_\w+?(?=_total|_bucket)", rule["expr"])
        assert named
        assert set(named) <= known


def test_prometheus_can_read_its_alerts(tmp_path):
    (tmp_path / "alerts.yml").write_text(ALERTS, encoding="utf-8")
    command = [service("promtool"), "check", "rules", tmp_path / "alerts.yml"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_its_commands_have_the_options_they_name():
    for line in COMMANDS.splitlines():
        command = line.partition("#")[0].split()
        shown = subprocess.run(
            [sys.executable, "-m", "holysheep_core.cli", command[1], "--help"],
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        for option in re.findall(r"--\w+", line.partition("#")[0]):
            assert option in shown.stdout, line
