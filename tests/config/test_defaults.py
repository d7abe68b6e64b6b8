"""The defaults: structs, the shipped config.toml and the numbers of the product are the same."""

import re
import subprocess
import sys
import tomllib

import msgspec

from core.config import Settings, holds, load, parse_condition
from core.configfile import all_keys, examine, shipped_text
from core.metrics import METRICS
from core.queues import Limits


def test_shipped_file_and_struct_defaults_are_equal(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(shipped_text())
    loaded = examine((str(path),))
    assert loaded.faults == ()
    assert loaded.settings == Settings()


def test_shipped_file_gives_every_setting():
    shipped = tomllib.loads(shipped_text())
    for key in all_keys():
        if key.startswith(("webhook.", "hook.")):
            assert f"# {key.rpartition('.')[2]} = " in shipped_text()  # an example: none is shipped
            continue
        node = shipped
        for part in key.split("."):
            node = node[0] if isinstance(node, list) else node
            assert part in node, key
            node = node[part]
    for entry in shipped["kpi"]:
        assert set(entry) == set(msgspec.to_builtins(Settings().kpi[0]))
    first, *rest = shipped["rule"]  # the first says it all, the others what is not the default
    assert set(first) == set(msgspec.to_builtins(Settings().rule[0]))
    assert all(set(entry) <= set(first) for entry in rest)


def test_every_setting_outside_the_lists_has_one_comment_of_its_own():
    lines = shipped_text().splitlines()
    for number, line in enumerate(lines):
        if line.startswith("[[kpi]]"):
            break
        if re.match(r"^\w+ = ", line):
            assert lines[number - 1].startswith("# "), line
            assert not lines[number - 2].startswith("# "), line


def test_every_key_of_the_lists_is_explained_before_the_list():
    text = shipped_text()
    for name, key in (("kpi", "rule"), ("rule", None)):
        intro = text[: text.index(f"[[{name}]]")]
        if key is None:
            intro = intro[intro.index("# Alert rules.") :]
        for field in tomllib.loads(text)[name][0]:
            assert re.search(rf"^#   {field} ", intro, re.M), (name, field)


def test_numbers_of_the_product_are_the_defaults():
    s = Settings()
    kpis = {k.name: (k.target, k.critical) for k in s.kpi}
    assert kpis["cpu"] == ("< 80", "> 95")
    assert kpis["memory"] == ("< 75", "> 90")
    assert kpis["disk_io"][0] == "< 50"
    assert kpis["open_files"][0] == "< 100"
    assert kpis["completion"][0] == "< 2"
    assert kpis["efficiency"][0] == "> 80"
    assert kpis["queue"][0] == "< 10"
    assert kpis["success"][0] == "> 95"
    rules = {r.name: (r.op, r.threshold, r.severity) for r in s.rule}
    assert rules["cpu_critical"] == (">", 90, "critical")
    assert rules["memory_high"] == (">", 85, "high")
    assert rules["queue_length"] == (">", 15, "medium")
    assert rules["efficiency_low"] == ("<", 60, "low")
    assert (s.workload.hours, s.workload.overloaded_percent, s.workload.underused_percent) == (8, 80, 30)
    t = s.tuning
    assert (t.max_concurrent_tasks, t.cache_ttl_seconds, t.resource_check_interval) == (5, 300, 5)
    assert (t.task_timeout_hours, t.max_retry_attempts) == (4, 3)
    assert (t.file_operation_batch_size, t.metrics_aggregation_interval) == (100, 3600)
    assert (t.high.max_concurrent_tasks, t.high.cache_ttl_seconds) == (3, 60)
    assert (t.low.max_concurrent_tasks, t.low.cache_ttl_seconds) == (8, 600)
    assert (t.thresholds.cpu_high_percent, t.thresholds.cpu_low_percent) == (80, 40)
    assert (t.thresholds.memory_high_percent, t.thresholds.memory_low_percent) == (75, 50)
    assert (s.cache.l1_ttl_s, s.cache.l2_ttl_s, s.cache.l3_ttl_s) == (60, 300, 3600)
    assert (s.poll.host_interval_s, s.poll.queue_interval_s) == (1, 1)


def test_every_enabled_kpi_and_rule_names_a_metric_that_is_measured():
    for entry in (*Settings().kpis, *Settings().rules):
        assert entry.scope in (METRICS[entry.metric].scope, "")


def test_limits_of_the_queues_are_those_of_the_readers():
    assert Limits(**msgspec.structs.asdict(Settings().queues)) == Limits()


def test_conditions_are_read_and_hold():
    assert parse_condition(" <= 80.5 ") == ("<=", 80.5)
    assert holds(3, "<", 4)
    assert holds(4, "<=", 4)
    assert holds(4, ">=", 4)
    assert not holds(4, ">", 4)


def test_without_a_file_neither_toml_nor_the_checker_is_imported():
    code = (
        "import sys; from core.config import load; load(None, {'XDG_CONFIG_HOME': '/nonexistent'});"
        "bad = {'tomllib', 'core.configfile', 'argparse', 'asyncio', 'subprocess', 're', 'rich'} & set(sys.modules);"
        "print(sorted(bad))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(eval(run.stdout)) <= {"re"}  # msgspec's own business


def test_load_without_files_gives_the_defaults(tmp_path):
    assert load(None, {"XDG_CONFIG_HOME": str(tmp_path)}) == Settings()
