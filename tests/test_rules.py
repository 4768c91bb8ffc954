"""The alert rules and the dashboard that we ship: Prometheus can read them, and they ask for what is told."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from daemon import gauges, metrics
from daemon.observed import Observed
from daemon.sounding import Counts, Home, Now
from daemon.vitals import Vitals
from tests import prometheus
from tests.builders import make_settings
from tests.prometheus import SHIPPED

RULES = SHIPPED / "topicwire.rules.yml"
DASHBOARD = SHIPPED.parent / "grafana" / "topicwire.json"
EXAMPLE = SHIPPED / "prometheus.example.yml"
OURS = re.compile(r"\b(?:topicwire|process|python)_[a-z_]+\b")
# What an expression asks of, that has such a label in the end.
LABELS = {
    "instance": r"^(?!.*without \(instance)",
    "receiver": "topicwire_deliver|topicwire_receiver",
    "worker": "topicwire_worker",
    "exported_job": "topicwire_job_",
    "place": "topicwire_disk",
    "topic": "topicwire_recall",
    "daemon": "topicwire_daemon",
}
GRAFANAS = {"$__rate_interval": "5m", "$job": "topicwire", "$topic": "energy"}


def rules() -> list[dict[str, Any]]:
    found = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    (group,) = found["groups"]
    assert isinstance(group["rules"], list)
    return group["rules"]


def dashboard() -> dict[str, Any]:
    found = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def panels() -> list[dict[str, Any]]:
    """Those that show something: rows part them."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def expressions() -> list[str]:
    """Of the dashboard, as Prometheus is asked."""
    found = [target["expr"] for panel in panels() for target in panel["targets"]]
    found += [each["expr"] for each in dashboard()["annotations"]["list"] if "expr" in each]
    return [_filled_in(expression) for expression in found]


def _filled_in(expression: str) -> str:
    for name, value in GRAFANAS.items():
        expression = expression.replace(name, value)
    return expression


def promtool(*arguments: str | Path, folder: Path = SHIPPED) -> str:
    """What it says; it fails where promtool does."""
    done = subprocess.run(
        [prometheus.promtool(), *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """The names of all series that a daemon may tell."""
    settings = make_settings(tmp_path_factory.mktemp("told") / "home")
    vitals = Vitals(busy=lambda: {"inbox": 0.0}, hears_desks=lambda: True, model=lambda: "20260305T120000Z-1")
    observed = Observed()
    observed.receiver("desk")
    observed.registry.register(metrics._Process(settings, vitals))
    counts = Counts(1, {"done": 1}, {("desk", "sent"): 1}, {("clicks", "taken"): 1}, {("energy", "right"): 1})
    gone = {"name": "south", "state": "gone", "unseen_seconds": 9.0, "leads": []}
    one = {"backup": 1.0}
    now = Now(1.0, {"desk": 1.0}, frozenset({"desk"}), 1, one, one, one, {"backup": True}, {}, True, [gone])
    nothing: Any = SimpleNamespace(topic=None, recall=None)
    quality: Any = SimpleNamespace(overall=nothing, topics=(), open=0)
    home = Home(False, 1, 1.0, 0, 0, {"desk": False}, {}, 1, (1.0, 1), 1)
    families = [
        *observed.registry.collect(),
        *gauges.of_counts(counts, {"energy"}),
        *gauges.of_now(now),
        *gauges.of_home(home),
        *gauges.of_quality(quality),
        gauges.gauge("ledger_up", "", {(): 1}),
    ]
    return frozenset(_series(families)) | {
        "process_resident_memory_bytes",
        "process_cpu_seconds_total",
        "process_start_time_seconds",
        "process_open_fds",
        "process_max_fds",
    }


def _series(families: Iterable[Any]) -> Iterator[str]:
    for family in families:
        if family.type == "counter":
            yield f"{family.name}_total"
        elif family.type == "histogram":
            yield from (f"{family.name}{end}" for end in ("_bucket", "_count", "_sum"))
        else:
            yield family.name


# The rules


def test_promtool_takes_the_rules_and_the_example() -> None:
    assert f"SUCCESS: {len(rules())} rules found" in promtool("check", "rules", RULES.name)
    assert "is valid prometheus config" in promtool("check", "config", EXAMPLE.name)


@pytest.mark.parametrize("file", sorted(SHIPPED.glob("*.test.yml")), ids=lambda file: file.stem)
def test_each_rule_fires_when_it_should_and_not_before(file: Path) -> None:
    assert "SUCCESS" in promtool("test", "rules", file.name)


def test_every_rule_has_a_test_of_firing() -> None:
    tests = [yaml.safe_load(file.read_text(encoding="utf-8"))["tests"] for file in SHIPPED.glob("*.test.yml")]
    fired = {
        sample["labels"]
        for test in [each for file in tests for each in file]
        for look in test["promql_expr_test"]
        for sample in look["exp_samples"]
    }
    quiet = [rule["alert"] for rule in rules() if f'{{alertname="{rule["alert"]}"}}' not in fired]
    assert quiet == []


def test_what_a_rule_says_when_it_fires_names_what_is_wrong() -> None:
    """A label that is not there is an empty word, and a template that fails says so in its place."""
    said = [
        f"{rule['alert']}: {text}"
        for rule in rules()
        for text in rule["annotations"].values()
        for name in re.findall(r"\$labels\.([a-z_]+)", text)
        if not re.search(LABELS[name], rule["expr"])
    ]
    assert said == []


def test_every_rule_says_how_bad_it_is_and_what_to_do() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert len(rule["annotations"]["summary"]) < 120
        description = rule["annotations"]["description"]
        assert re.search(
            r"`(topicwired?|classifier|systemctl|journalctl) |mount that|Make room", description
        ), rule["alert"]
        assert description.rstrip().endswith("."), rule["alert"]
    assert len({rule["alert"] for rule in rules()}) == len(rules())


def test_the_commands_that_a_rule_names_are_there() -> None:
    """The first word after the program, as `--help` lists them."""
    said = " ".join(rule["annotations"]["description"] for rule in rules())
    for program, known in (
        ("topicwired", _commands("daemon.cli")),
        ("classifier", _commands("classifier.cli")),
    ):
        named = set(re.findall(rf"`{program} ([a-z-]+)", said))
        assert named
        assert named <= known


def _commands(module: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-m", module, "--help"], capture_output=True, text=True, timeout=100, check=True
    )
    return set(re.findall(r"[a-z-]+", done.stdout))


def test_rules_ask_only_for_what_is_told(told: frozenset[str]) -> None:
    asked = {name for rule in rules() for name in OURS.findall(rule["expr"])}

    assert asked
    assert asked - told == set()


# The dashboard


def test_promtool_can_read_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    records = [
        {"record": f"dashboard:{number}", "expr": expression}
        for number, expression in enumerate(expressions())
    ]
    file = tmp_path / "dashboard.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": records}]}), encoding="utf-8")

    assert f"SUCCESS: {len(records)} rules found" in promtool("check", "rules", file)


def test_the_dashboard_asks_only_for_what_is_told(told: frozenset[str]) -> None:
    asked = {name for expression in expressions() for name in OURS.findall(expression)}

    assert len(asked) > 30
    assert asked - told == set()


def test_every_panel_has_a_number_of_its_own_a_title_a_unit_and_a_description() -> None:
    numbers = [panel["id"] for panel in dashboard()["panels"]]
    assert len(set(numbers)) == len(numbers)
    for panel in panels():
        assert panel["title"], panel["id"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["description"].endswith("."), panel["title"]


def test_the_dashboard_names_no_data_source_of_its_own() -> None:
    sources = {json.dumps(found) for found in _all(dashboard(), "datasource")}

    grafanas_own = {"type": "grafana", "uid": "-- Grafana --"}
    assert sources == {
        json.dumps({"type": "prometheus", "uid": "${datasource}"}),
        json.dumps(grafanas_own),
    }
    names = [variable["name"] for variable in dashboard()["templating"]["list"]]
    assert names == ["datasource", "job", "topic"]


def _all(value: Any, key: str) -> Iterator[Any]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == key:
                yield inner
            yield from _all(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _all(inner, key)


def test_panels_lie_side_by_side() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells
