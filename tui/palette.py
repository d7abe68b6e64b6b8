"""The command palette (`:`): every action of the key table by name, views, themes, and the agents to jump to."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, cast

from textual.await_complete import AwaitComplete
from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.fuzzy import Matcher
from textual.widgets import Button, Input

from tui.keys import keys_of
from tui.screens.base import BluetopScreen

if TYPE_CHECKING:
    from tui.app import BluetopApp

_MOVES = ("cursor", "page", "edge", "next_pane", "app.palette", "enter")
_JUMPS = 200


class Palette(CommandPalette):
    """Textual's palette, with two of its mistakes mended.

    Its list fails on page keys as long as it has options but no room for them. And a second enter or click
    that is on its way when the first has closed it would close the screen below, or the last one there is.
    """

    def dismiss(self, result: None = None) -> AwaitComplete:
        """Leave, once."""
        return super().dismiss(result) if self.app.screen is self else AwaitComplete()

    def _select_or_command(self, event: Input.Submitted | Button.Pressed | None = None) -> None:
        if self.app.screen is self:
            super()._select_or_command(event)

    def _action_command_list(self, action: str) -> None:
        if self.query_one(CommandList).scrollable_content_region:
            super()._action_command_list(action)


class Actions(Provider):
    """Rows of the key table that work on the screen the palette was opened from."""

    async def search(self, query: str) -> Hits:
        """Actions and agents whose name matches."""
        matcher = self.matcher(query)
        async for name, help_text, action in self._all():
            score = matcher.match(name)
            if score > 0:
                yield Hit(score, _highlighted(matcher, name), lambda a=action: self._run(a), name, help_text)

    async def discover(self) -> Hits:
        """All actions, before anything is typed."""
        async for name, help_text, action in self._all(agents=False):
            yield DiscoveryHit(Content(name), lambda a=action: self._run(a), name, help_text)

    async def _all(self, agents: bool = True) -> AsyncIterator[tuple[str, str, str]]:
        owner = cast("BluetopApp", self.app)
        seen: set[str] = set()
        read_only = owner.read_only or getattr(self.screen, "preview_only", False)
        for row in keys_of(getattr(self.screen, "kind", "dashboard"), read_only):
            if row.action.split("(")[0] not in _MOVES and row.action not in seen:
                seen.add(row.action)
                yield row.label, f"{row.help}  [{row.shown}]".replace("[", "(").replace("]", ")"), row.action
        if isinstance(self.screen, BluetopScreen):
            for saved, _ in self.screen.views_here():
                told = saved.help or (f"/{saved.filter}" if saved.filter else "Everything")
                yield f"view: {saved.name}", told.replace("[", "(").replace("]", ")"), f"view {saved.name}"
        for name in owner.theme_names:
            yield f"theme {name}", "Use this theme", f"use_theme {name}"
        if agents:
            for view in owner.shown.agents[:_JUMPS]:
                yield (
                    f"agent {view.queue.agent}",
                    f"{view.state}: open its tasks",
                    f"agent {view.queue.agent}",
                )

    async def _run(self, action: str) -> None:
        owner = cast("BluetopApp", self.app)
        if action.startswith("agent "):
            owner.open_agent(action[6:])
        elif action.startswith("view "):
            cast(BluetopScreen, self.screen).use_view(action[5:])
        elif action.startswith("use_theme "):
            owner.use_theme(action[10:])
        else:
            await self.screen.run_action(action)


def _highlighted(matcher: Matcher, name: str) -> Content:
    """`Matcher.highlight` would read the name of an agent as markup, and run what it says when clicked."""
    content = Content(name)
    for at in matcher.fuzzy_search.match(matcher.query, name)[1]:
        if not name[at].isspace():
            content = content.stylize(matcher.match_style, at, at + 1)
    return content
