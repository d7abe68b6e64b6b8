"""The decisions that are kept, and the lock of whoever decides."""

import os
from pathlib import Path

import pytest

from core.balance import autolog
from core.balance.auto import Line
from core.record.files import RefusedPath
from tests.balance.auto.building import NOW, a_line


def folder(workspace: Path) -> Path:
    return workspace / ".bluetop"


def keep(workspace: Path, *lines: Line) -> None:
    with autolog.deciding(str(workspace)) as first:
        assert first
        for line in lines:
            autolog.keep(str(workspace), line)


def test_decisions_come_back_newest_first(tmp_path: Path) -> None:
    assert autolog.recent(str(tmp_path)) == ()
    first = a_line(NOW, "would", trials=1, cleared_at=NOW, plan_id="f00dfeed", moves=3)._replace(
        peak_before=130.5, peak_after=90.0, why="two moves"
    )
    second = a_line(NOW + 300, unread=("CZ",))
    keep(tmp_path, first, second)
    assert autolog.recent(str(tmp_path)) == (second, first)
    assert autolog.recent(str(tmp_path), 1) == (second,)
    assert autolog.sentence(first) == "2026-05-28 20:26Z would apply: two moves"


def test_torn_and_foreign_lines_are_passed_over(tmp_path: Path) -> None:
    keep(tmp_path, a_line(NOW))
    with (folder(tmp_path) / "auto.jsonl").open("ab") as file:
        file.write(b'[1]\n{"schema": "bluetop.auto-log/1", "at": "x"}\n{"a": 1}\n{"schema": "blue')
    keep(tmp_path, a_line(NOW + 300))
    assert [line.at for line in autolog.recent(str(tmp_path))] == [NOW + 300, NOW]


def test_the_file_is_bounded_and_keeps_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autolog, "MOST_BYTES", 20_000)
    for number in range(200):
        keep(tmp_path, a_line(NOW + number))
    assert (folder(tmp_path) / "auto.jsonl").stat().st_size < 21_000
    found = autolog.recent(str(tmp_path), 1000)
    assert [line.at for line in found] == [NOW + 199 - n for n in range(len(found))]
    assert len(found) > 30
    assert sorted(os.listdir(folder(tmp_path))) == [".gitignore", "auto.jsonl", "auto.lock"]


def test_only_one_decides_at_a_time(tmp_path: Path) -> None:
    with autolog.deciding(str(tmp_path)) as first, autolog.deciding(str(tmp_path)) as second:
        assert (first, second) == (True, False)
    with autolog.deciding(str(tmp_path)) as again:
        assert again


@pytest.mark.parametrize("name", ["auto.lock", "auto.jsonl"])
@pytest.mark.parametrize("what", ["fifo", "link", "folder"])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str, what: str) -> None:
    folder(tmp_path).mkdir()
    path = folder(tmp_path) / name
    if what == "fifo":
        os.mkfifo(path)
    elif what == "link":
        path.symlink_to(tmp_path / "elsewhere")
    else:
        path.mkdir()
    with pytest.raises(OSError):  # noqa: PT011 - of several kinds, and all are told the same way
        keep(tmp_path, a_line(NOW))
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_leads_away_is_refused(tmp_path: Path) -> None:
    (tmp_path / "away").mkdir()
    (tmp_path / "workspace").mkdir()
    folder(tmp_path / "workspace").symlink_to(tmp_path / "away")
    with pytest.raises(RefusedPath):
        keep(tmp_path / "workspace", a_line(NOW))
    with pytest.raises(RefusedPath):
        autolog.recent(str(tmp_path / "workspace"))


def test_hostile_text_is_made_visible(tmp_path: Path) -> None:
    keep(tmp_path, a_line(NOW)._replace(why="\x1b[31mred\n", unread=("C\u202eA",)))
    (found,) = autolog.recent(str(tmp_path))
    assert "\x1b" not in autolog.sentence(found)
    assert "\u202e" not in "".join(found.unread or ())
