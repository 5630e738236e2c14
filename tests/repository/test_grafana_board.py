"""The Grafana board names metrics and labels that exist, and has what Grafana needs of a board."""

import json
import re
import subprocess
from pathlib import Path

from prometheus_client import CollectorRegistry

from holysheep_core import PrometheusMetrics
from holysheep_core.observers.measures import ALL
from support.metrics import families
from support.services import service

PATH = Path(__file__).parents[2] / "docs/grafana/holysheep.json"
BOARD = json.loads(PATH.read_text("utf-8"))
PANELS = BOARD["panels"]
TARGETS = [(panel["title"], target) for panel in PANELS for target in panel["targets"]]
EXPRESSIONS = [target["expr"] for _, target in TARGETS]
VARIABLES = {each["name"]: each for each in BOARD["templating"]["list"]}
_NAME = re.compile(r"\b(?:holysheep|gen_ai)_\w+")


def exposed():
    """Names of samples, with the labels of each."""
    registry = CollectorRegistry()
    PrometheusMetrics(registry=registry)
    endings = {
        "counter": ["_total"],
        "gauge": [""],
        "histogram": ["_bucket", "_sum", "_count"],
    }
    assert set(families(registry)) >= {each.prometheus_name for each in ALL}
    return {
        each.prometheus_name + ending: {name.replace(".", "_") for name in each.labels}
        | ({"le"} if ending == "_bucket" else set())
        for each in ALL
        for ending in endings[each.kind]
    }


def selectors(expression):
    """Return the metrics of an expression, with the labels that each is selected by."""
    for name, braces in re.findall(r"\b((?:holysheep|gen_ai)_\w+)\{([^}]*)\}", expression):
        yield name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", braces))


def test_every_metric_and_label_of_an_expression_exists():
    known = exposed()
    for expression in EXPRESSIONS:
        found = dict(selectors(expression))
        assert found, expression
        for name, labels in found.items():
            assert name in known, expression
            assert labels <= known[name], expression
        grouped = re.findall(r"\bby \(([^)]*)\)", expression)
        for label in {each.strip() for group in grouped for each in group.split(",")}:
            assert any(label in known[name] for name in found), expression


def test_every_word_that_looks_like_a_metric_is_a_metric_or_a_label():
    known = exposed()
    words = set(known) | {label for labels in known.values() for label in labels}
    text = json.dumps([EXPRESSIONS, [target["legendFormat"] for _, target in TARGETS]])
    assert set(_NAME.findall(text)) <= words
    for each in VARIABLES.values():
        assert set(_NAME.findall(str(each["query"]))) <= words


def test_every_metric_is_on_the_board():
    text = json.dumps(EXPRESSIONS)
    assert [each.name for each in ALL if each.prometheus_name not in text] == []


def test_a_legend_names_labels_that_its_expression_keeps():
    for title, target in TARGETS:
        for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
            assert re.search(rf"\bby \([^)]*\b{label}\b", target["expr"]), title


def test_the_data_source_is_a_variable():
    assert VARIABLES["datasource"]["type"] == "datasource"
    assert VARIABLES["datasource"]["query"] == "prometheus"
    for panel in PANELS:
        for each in (panel, *panel["targets"]):
            assert each["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    used = set(re.findall(r"\$(\w+)", " ".join(EXPRESSIONS)))
    assert used - {"__rate_interval", "__range"} <= set(VARIABLES)


def test_it_has_what_grafana_needs_of_a_board():
    assert BOARD["title"]
    assert BOARD["uid"] == "holysheep"
    assert BOARD["schemaVersion"] >= 36
    assert "id" not in BOARD  # a number of one Grafana's own database
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    for panel in PANELS:
        assert panel["type"] in ("timeseries", "stat")
        assert panel["title"]
        assert panel["description"]
        assert [each["refId"] for each in panel["targets"]] == ["A", "B", "C"][
            : len(panel["targets"])
        ]


def test_no_panel_lies_on_another():
    taken = {}
    for panel in PANELS:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]


def test_prometheus_can_read_every_expression(tmp_path):
    promtool = service("promtool")
    plain = [
        each.replace("$__rate_interval", "5m").replace("$__range", "6h") for each in EXPRESSIONS
    ]
    rules = [{"record": f"board:{number}", "expr": each} for number, each in enumerate(plain)]
    path = tmp_path / "rules.yml"  # JSON is YAML
    path.write_text(json.dumps({"groups": [{"name": "board", "rules": rules}]}))
    done = subprocess.run([promtool, "check", "rules", path], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
