"""Where configuration files are found, how they are merged, and what is said about wrong ones."""

import pytest

from core.config import Settings, View, files_in_force, load
from core.configfile import all_keys, duration_s, examine
from core.errors import ConfigError
from core.tomllines import lines_of


@pytest.fixture
def home(tmp_path):
    (tmp_path / "bluetop").mkdir()
    return tmp_path


def environ(home, **more):
    return {"XDG_CONFIG_HOME": str(home), **more}


def faults_of(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return examine((str(path),)).faults


def test_own_file_then_overlay_are_merged_over_the_defaults(home):
    (home / "bluetop/config.toml").write_text('[ui]\ntheme = "dawn"\nmouse = false\n')
    (home / "bluetop/settings.toml").write_text('[ui]\ntheme = "mono"\n')
    settings = load(None, environ(home))
    assert (settings.ui.theme, settings.ui.mouse) == ("mono", False)
    assert settings.poll == Settings().poll


def test_named_file_wins_over_environment_and_home(home, tmp_path):
    (home / "bluetop/config.toml").write_text('[ui]\ntheme = "home"\n')
    for name in ("env", "named"):
        (tmp_path / f"{name}.toml").write_text(f'[ui]\ntheme = "{name}"\n')
    env = environ(home, BLUETOP_CONFIG=str(tmp_path / "env.toml"))
    assert load(None, environ(home)).ui.theme == "home"
    assert load(None, env).ui.theme == "env"
    assert load(str(tmp_path / "named.toml"), env).ui.theme == "named"


def test_current_directory_is_never_looked_at(home, tmp_path, monkeypatch):
    (tmp_path / "config.toml").write_text('[ui]\ntheme = "trap"\n')
    monkeypatch.chdir(tmp_path)
    assert load(None, environ(home)).ui.theme == Settings().ui.theme


def test_relative_xdg_directory_is_ignored():
    assert files_in_force(None, {"XDG_CONFIG_HOME": "here"}) == ()


@pytest.mark.parametrize("how", ["--config", "BLUETOP_CONFIG"])
def test_a_named_file_that_is_missing_is_an_error(home, how):
    missing = str(home / "none.toml")
    with pytest.raises(ConfigError, match=rf"^{how} names .*none.toml, which does not exist; "):
        load(
            *(missing, environ(home)) if how == "--config" else (None, environ(home, BLUETOP_CONFIG=missing))
        )


def test_message_names_file_line_key_value_and_next_step(home):
    path = home / "bluetop/config.toml"
    path.write_text("# mine\n\n[poll]\n# none\nhost_interval_s = 0\n")
    with pytest.raises(ConfigError) as caught:
        load(None, environ(home))
    assert str(caught.value) == (
        f"{path}:5: poll.host_interval_s is 0; it must be a number of seconds from 0.1 to 3600; "
        "change it, or remove the line for 1.0"
    )
    assert caught.value.exit_status == 2


def test_all_faults_are_found_and_the_message_says_how_many_more(home):
    (home / "bluetop/config.toml").write_text('[poll]\nhost_interval_s = "x"\n[ui]\nmouse = 3\ntheme = ""\n')
    with pytest.raises(ConfigError, match=r"and 2 more: `bluetop config validate` lists them"):
        load(None, environ(home))


CASES = [
    ("[poll]\nhost_intervl_s = 1\n", 2, "poll.host_intervl_s", "did you mean host_interval_s?"),
    ("[ui]\nhost_interval_s = 1\n", 2, "ui.host_interval_s", "did you mean poll.host_interval_s?"),
    ("[pol]\nhost_interval_s = 1\n", 1, "pol", "did you mean poll?"),
    ("poll = 3\n", 1, "poll", "write [poll]"),
    ("[ui]\nmouse = 'yes'\n", 2, "ui.mouse", "remove the line for true"),
    ("[ui]\nascii = 'maybe'\n", 2, "ui.ascii", 'one of "auto", "always", "never"'),
    ("[queues]\nmax_bytes = -1\n", 2, "queues.max_bytes", "a whole number, 1 or more"),
    ("[queues]\nmax_bytes = true\n", 2, "queues.max_bytes", "a whole number, 1 or more"),
    ("[poll]\ndeadline_s = nan\n", 2, "poll.deadline_s", "a number above 0 (seconds)"),
    ("[poll]\ndeadline_s = inf\n", 2, "poll.deadline_s", "a number above 0 (seconds)"),
    ("[watch]\npatterns = ['(']\n", 2, "watch.patterns", "a list, each a regular expression"),
    ("[watch.agents]\nCA = '['\n", 2, "watch.agents.CA", "a regular expression"),
    ("[[kpi]]\nname = 'cpu'\ntarget = '~ 3'\n", 3, "kpi[0].target", 'such as "< 80"'),
    ("[[kpi]]\nname = 'cpu'\nwindow = '5 parsecs'\n", 3, "kpi[0].window", '"250ms", "15s", "5m"'),
    ("[[kpi]]\nname = 'new'\n", 1, "kpi[0]", "add metric and target"),
    ("[[kpi]]\ntarget = '< 3'\n", 1, "kpi[0]", 'add a line such as name = "cpu"'),
    ("[[kpi]]\nname='cpu'\n[[kpi]]\nname='cpu'\n", 4, "kpi[1].name", "line 2 has that name too"),
    ("kpi = 3\n", 1, "kpi", "write [[kpi]]"),
    ("[[kpi]]\nname='cpu'\nmetric='cpu_percnt'\n", 3, "kpi.cpu.metric", "did you mean cpu_percent?"),
    ("[[kpi]]\nname='cpu'\nscope='agent'\n", 3, "kpi.cpu.scope", 'write scope = "host"'),
    ("[[kpi]]\nname='cpu'\nwindow=0\n", 3, "kpi.cpu.window", 'write window = "60s"'),
    ("[tuning.thresholds]\ncpu_low_percent = 90\n", 2, "tuning.thresholds.cpu_low_percent", "must be below"),
    ("tuning.thresholds.cpu_low_percent = 90\n", 1, "tuning.thresholds.cpu_low_percent", "must be below"),
    ("[ui]\ncolumns = ['Agent']\n", 2, "ui.columns", "a list, each the name of a column in small letters"),
    ("[ui]\ncolumns = 'agent'\n", 2, "ui.columns", "a list, each the name of a column"),
    ("[ui]\nviews = 3\n", 2, "ui.views", "write [ui.views]"),
    ("[ui.views]\nbusy = 3\n", 2, "ui.views.busy", "write [ui.views.busy]"),
    ("[ui.views.busy]\nfilter = 3\n", 2, "ui.views.busy.filter", "a filter of at most 2000 characters"),
    ("[ui.views.busy]\nfliter = ''\n", 2, "ui.views.busy.fliter", "did you mean filter?"),
    ("[ui.views.'a.b']\nsort = ''\n", 1, "ui.views.a.b", "its name must be 1 to 40 letters"),
    ("[ui.views.'']\nsort = ''\n", 1, "ui.views.", "its name must be 1 to 40 letters"),
    ("[ui]\n\nmouse = tru\n", 3, "", "is not TOML: Invalid value"),
    ("[ui]\nmouse = true\nmouse = false\n", 3, "", "is not TOML: Cannot overwrite a value"),
]


@pytest.mark.parametrize(("text", "line", "key", "said"), CASES)
def test_fault_is_located_and_says_what_is_allowed(tmp_path, text, line, key, said):
    faults = faults_of(tmp_path, text)
    assert len(faults) == 1
    fault = faults[0]
    assert (fault.line, fault.key) == (line, key)
    assert said in fault.sentence()
    assert "\n" not in fault.sentence()


RULE = "[[rule]]\nname='mine'\nmetric='cpu_percent'\nthreshold=80\n"
REJECTED = [
    (
        "[[rule]]\nname='mine'\nmetric='happiness'\nthreshold=3\n",
        3,
        "rule.mine.metric",
        "set enabled = false",
    ),
    (RULE + "wat=1\n", 5, "rule mine, wat", "is not a setting"),
    (RULE + "op='~'\n", 5, "rule mine, op", "it must be one of"),
    (RULE + "severity='bad'\n", 5, "rule mine, severity", "it must be one of"),
    (RULE + "for='-5s'\n", 5, "rule mine, for", "it must be seconds"),
    (RULE + "for=-5\n", 5, "rule mine, for", "it must be seconds"),
    (RULE + "repeat=inf\n", 5, "rule mine, repeat", "it must be seconds"),
    (RULE.replace("80", "nan"), 4, "rule mine, threshold", "a finite number"),
    (RULE + "clear=81\n", 5, "rule mine, clear", "above the threshold 80"),
    (RULE + "op='<'\nclear=79\n", 6, "rule mine, clear", "below the threshold 80"),
    (RULE + "op='=='\nclear=80\n", 6, "rule mine, clear", "a rule with == has none"),
    (RULE + "aggregate='avg'\nwindow=0\n", 6, "rule mine, window", "needs a window above 0"),
    (RULE + "summary='{subject.name}'\n", 5, "rule mine, summary", "is no placeholder"),
    (RULE + "summary='{0}'\n", 5, "rule mine, summary", "is no placeholder"),
    (RULE + "summary='{value!r}'\n", 5, "rule mine, summary", "write {value}"),
    (RULE + "summary='{value:>9999}'\n", 5, "rule mine, summary", "no format of a number"),
    (RULE + "summary='{subject:.0f}'\n", 5, "rule mine, summary", "no format of a number"),
    (RULE + "recommendation='{'\n", 5, "rule mine, recommendation", "see the placeholders"),
    (RULE + RULE, 6, "rule mine, name", "line 2 has that name too"),
    ("[[rule]]\nmetric='cpu_percent'\nthreshold=1\n", 1, "rule[0]", "it has no name"),
    ("[[rule]]\nname='mine'\nthreshold=1\n", 1, "rule mine", "is new and lacks metric"),
]


@pytest.mark.parametrize(("text", "line", "key", "said"), REJECTED)
def test_a_rule_that_cannot_be_used_is_named_and_stops_nothing_else(tmp_path, text, line, key, said):
    path = tmp_path / "config.toml"
    path.write_text(text + "[[rule]]\nname='good'\nmetric='cpu_percent'\nthreshold=70\n[ui]\nmouse=false\n")
    loaded = examine((str(path),))
    assert loaded.faults == ()
    (fault,) = loaded.rejected
    assert (fault.line, fault.key) == (line, key)
    assert said in fault.sentence()
    assert loaded.settings is not None
    assert not loaded.settings.ui.mouse
    assert "good" in [rule.name for rule in loaded.settings.rules]


def test_a_wrong_change_of_a_shipped_rule_leaves_it_as_it_is(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("[[rule]]\nname='cpu_critical'\nseverity='high'\nclear=95\n")
    loaded = examine((str(path),))
    assert len(loaded.rejected) == 1
    assert loaded.settings == Settings()


def test_hostile_text_in_a_value_is_shown_harmless(tmp_path):
    (fault,) = faults_of(tmp_path, '[ui]\ntheme = "\\u001b]0;x\\u0007"\n')
    assert "\x1b" not in fault.sentence()
    assert "\\x1b" in fault.sentence()


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe[ui]", b"[ui]\nmouse = " + b"[" * 100_000, b"x" * 2_000_000, b"[ui]\nmouse = " + b"9" * 5_000],
)
def test_any_bytes_give_a_fault_and_never_an_exception(tmp_path, content):
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    assert len(examine((str(path),)).faults) == 1


def test_only_a_newline_ends_a_line_when_lines_are_counted(tmp_path):
    (fault,) = faults_of(tmp_path, '[workspace]\npath = "a\u2028b\u0085c"\n[ui]\nmouse = 3\n')
    assert fault.line == 4


def test_directory_and_fifo_are_refused_without_waiting(tmp_path):
    import os

    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path, tmp_path / "fifo"):
        (fault,) = examine((str(path),)).faults
        assert "it is not a file" in fault.sentence()


def test_a_kpi_of_a_shipped_name_changes_only_what_it_gives(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('[[kpi]]\nname = "cpu"\ntarget = "< 70"\nwindow = "90s"\n')
    settings = examine((str(path),)).settings
    assert settings is not None
    cpu, memory = settings.kpi[0], settings.kpi[1]
    assert (cpu.target, cpu.critical, cpu.window_s, cpu.aggregate) == ("< 70", "> 95", 90.0, "avg")
    assert memory == Settings().kpi[1]
    assert len(settings.kpi) == len(Settings().kpi)


def test_a_kpi_of_a_new_name_is_added_and_one_can_be_turned_off(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        '[[kpi]]\nname = "load"\nmetric = "load_1m"\ntarget = "< 4"\n[[kpi]]\nname = "success"\nenabled = false\n'
    )
    settings = examine((str(path),)).settings
    assert settings is not None
    names = [kpi.name for kpi in settings.kpis]
    assert names[-1] == "load"
    assert "success" not in names


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("250ms", 0.25), ("15s", 15), ("5m", 300), ("4h", 14400), ("1d", 86400), (7, 7), ("7", 7)],
)
def test_durations_are_seconds_or_text(value, seconds):
    assert duration_s(value) == seconds


@pytest.mark.parametrize("value", ["-5s", "5 parsecs", "", True, None, float("nan"), "1e400"])
def test_what_is_no_duration_is_refused(value):
    with pytest.raises(ValueError, match=r"."):
        duration_s(value)


def test_lines_are_found_through_arrays_dotted_keys_and_multi_line_text():
    text = 'a.b = 1\nt = """\n[x]\ny = 2\n"""\n[[k]]\nn = 1\n[[k]]\n[k.sub]\n"q r" = 1\n'
    lines = lines_of(text)
    assert lines[("a", "b")] == 1
    assert lines[("t",)] == 2
    assert ("x",) not in lines
    assert lines[("k", 0, "n")] == 7
    assert lines[("k", 1)] == 8
    assert lines[("k", 1, "sub", "q r")] == 10


def test_all_keys_names_sections_and_lists():
    keys = all_keys()
    assert "tuning.thresholds.cpu_high_percent" in keys
    assert "kpi.window" in keys


def test_views_of_several_files_are_put_together_and_one_name_is_one_view(home):
    (home / "bluetop/config.toml").write_text(
        '[ui.views."long queues"]\nfilter = "wait>9"\nsort = "pending"\n[ui.views.quiet]\n'
    )
    (home / "bluetop/settings.toml").write_text(
        '[ui]\ncolumns = ["agent", "p95"]\n[ui.views."long queues"]\nfilter = "wait>99"\ndescending = true\n'
    )
    ui = load(None, environ(home)).ui
    assert ui.columns == ("agent", "p95")
    assert ui.views == {
        "long queues": View("agents", "wait>99", "pending", True),
        "quiet": View(),
    }
    assert Settings().ui.views == {}
