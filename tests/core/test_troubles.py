"""What hangs and how the prober is, as news: told once, and taken back."""

from core.prober.client import Prober
from core.prober.guard import Guard
from core.troubles import HELPER, Watch
from tests.fakes import FakeClock


class Scene:
    def __init__(self, workspace: str | None = "/w", mounts: tuple[str, ...] = ()) -> None:
        self.clock = FakeClock()
        self.prober = Prober(self.clock)
        self.guard = Guard(self.prober, self.clock, mounts=list)
        self.watch = Watch(self.prober, self.guard, workspace, lambda path: path in mounts)

    def bar(self, path: str) -> None:
        # What `Guard.check` does when the prober stands still at this path.
        self.guard._bans.hung(path, self.clock.now())

    def told(self) -> list[tuple[str, str, str]]:
        return [(t.kind, t.name, t.state) for t in self.watch.news(self.clock.now())]


def test_while_all_is_well_there_is_no_news():
    assert Scene().told() == []


def test_a_path_that_hangs_is_told_once_and_taken_back_when_it_answers():
    scene = Scene()
    scene.bar("/w/postbox/CA/outbox.json")
    assert scene.told() == [("path", "/w/postbox/CA/outbox.json", "hung")]
    scene.clock.advance(1)
    assert scene.told() == []
    scene.guard._bans.settle(scene.guard._bans.all()[0], True, scene.clock.now())
    assert scene.told() == [("path", "/w/postbox/CA/outbox.json", "gone")]
    assert scene.told() == []


def test_what_hangs_is_told_with_the_moment_it_last_answered():
    scene = Scene()
    began = scene.clock.now()
    scene.clock.advance(5)
    scene.guard._bans.hung("/w/postbox/CA/outbox.json", scene.clock.now(), began)
    assert [trouble.since for trouble in scene.watch.news(scene.clock.now())] == [began]


def test_a_mount_and_the_workspace_are_called_so():
    scene = Scene(mounts=("/mnt/x",))
    scene.bar("/mnt/x")
    scene.bar("/w")
    assert scene.told() == [("mount", "/mnt/x", "hung"), ("workspace", "/w", "hung")]


def test_names_are_fit_for_a_terminal():
    scene = Scene()
    scene.bar("/mnt/\x1b]0;x\x07")
    assert scene.told() == [("path", "/mnt/\\x1b]0;x\\x07", "hung")]


def test_a_helper_that_cannot_run_is_told_with_its_reason():
    scene = Scene()
    scene.prober.problem = "the helper process cannot be started: no room"
    news = scene.watch.news(scene.clock.now())
    assert [(t.name, t.state, t.detail) for t in news] == [(HELPER, "hung", scene.prober.problem)]
    scene.prober.problem = ""
    assert scene.told() == [("helper", HELPER, "ok")]
