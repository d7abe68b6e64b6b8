"""Making one move: lock both agents, look again whether it still is right, write it down, destination first.

What apply and undo do for each move, in this order and no other. Not for the plan as a whole: that is
`core.balance.apply` and `core.balance.undo`.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from core.balance.doing import (
    ABORTED,
    BUSY,
    CHANGED,
    CONFLICT,
    FINISHED,
    LOCKED,
    OVERWRITTEN,
    REMOVED_COPY,
    RESTORED,
    UNFINISHED,
    UNREADABLE,
    UNWRITABLE,
    Recovery,
    Refused,
    Skipped,
)
from core.balance.facts import ACTIVE, NOTHING, Agent, agent_of, may_receive, task_of
from core.balance.journal import Intent, Journal, is_agent_name
from core.balance.judge import Case, refuse_stale
from core.balance.locks import Held
from core.balance.options import ANY, Options
from core.balance.orphans import Orphan, Orphans
from core.balance.resolve import RETRIES, Outcome, Wish, Writer, former_place, resolved
from core.balance.rewrite import (
    Gap,
    RewriteFailed,
    fitted,
    gap_at,
    inside,
    mark_origin,
    marked,
    place_for,
    put_in,
    taken_out,
)
from core.balance.room import Loaded, Room
from core.balance.sheet import Sheet
from core.balance.strict import NotStandard
from core.balance.swap import Replaced, refuse_same, remove, sync, temporary
from core.balance.world import World
from core.text import clean_line


class Order(NamedTuple):
    """One move that is asked for. `expected` is the utilisation of the receiver that the plan foresaw, or None.

    `former` is there for a move that takes one back: then the task becomes what it was, where it was.
    """

    seq: int
    task_id: str
    source: str
    receiver: str
    fingerprint: str
    expected: float | None = None
    former: Intent | None = None


class Mover:
    """Makes the moves of one plan, one after the other. What becomes of each is in the journal and here."""

    def __init__(self, room: Room, journal: Journal, options: Options, world: World) -> None:
        self._room, self._journal = room, journal
        self._options, self._world = options, world
        self._orphans = Orphans(room, journal.plan_id)
        self._writer = Writer(room, journal.plan_id, self._keep, self._orphans.lost)
        self._intent: Intent | None = None
        self._facts: dict[str, tuple[bytes, Agent]] = {}
        self.applied: list[Intent] = []
        self.skipped: list[Skipped] = []
        self.recovered: list[Recovery] = []
        self.broken = ""
        """Why no further move may be made: the journal cannot be written, or the file system refuses."""
        self.left = False
        """Whether a move is left to recovery."""

    def move(self, order: Order) -> None:
        """Make one move, or say why not."""
        try:
            if not (is_agent_name(order.source) and is_agent_name(order.receiver)):
                raise Refused(UNREADABLE, "it names what can be no agents")
            for agent in (order.source, order.receiver):
                self._room.until_quiet(agent)
            with self._room.locked(order.source, order.receiver) as locks:
                left = self._move(order, locks)
            if left is not None:
                self._look_again(order, left)
        except Refused as error:
            self.skip(order, error.code, str(error))

    def skip(self, order: Order, code: str, detail: str) -> None:
        """Note that a move is not made."""
        row = Skipped(order.seq, order.task_id, code, detail)
        self.skipped.append(row)
        self._note("skipped", **row.data())

    def close(self) -> None:
        """Look no more at the files that were swapped out."""
        self._orphans.close()

    # -- one move ------------------------------------------------------------------------------

    def _move(self, order: Order, locks: Held) -> Intent | None:
        """Make the move; its intent, if then nobody could tell where the task is."""
        intent: Intent | None = None
        self._writer.touched = False
        for _ in range(RETRIES + 1):
            try:
                source, receiver = self._room.read(order.source), self._room.read(order.receiver)
                refuse_same(source.queue, receiver.queue)
                if self._writer.touched and receiver.sheet.places(order.task_id):
                    break  # it got there all the same
                intent, wishes = self._prepared(order, source, receiver)
                self._announce(intent)
                if self._written(wishes, intent, locks):
                    break
            except Refused as error:
                if self._writer.touched and self._may_be_there(order):
                    break
                if error.code != BUSY:
                    raise
            except OSError as error:
                if self._may_be_there(order):
                    break
                raise Refused(UNWRITABLE, reason(error)) from error
        else:
            if not (self._writer.touched and self._may_be_there(order)):
                if not locks.is_ours():
                    raise Refused(LOCKED, "another program removed a lock file that was held")
                raise Refused(
                    BUSY,
                    f"{order.source} or {order.receiver} was changed by others meanwhile, again and again",
                )
        assert intent is not None  # nothing is touched before there is one
        try:
            self._orphans.carry(self._writer, locks, intent)
            self._take(order, intent, resolved(self._room, intent, self._writer, locks, was_moved=True))
        except (Refused, OSError):
            return intent
        return None

    def _announce(self, intent: Intent) -> None:
        """Write down what is about to be done.

        Raises:
            Refused: that cannot be, and so nothing is done any more.
        """
        self._intent = intent
        try:
            self._journal.add("intent", **intent._asdict())
        except OSError as error:
            self.broken = f"the journal cannot be written: {error.strerror or error}"
            raise Refused(UNWRITABLE, self.broken) from error

    def _prepared(self, order: Order, source: Loaded, receiver: Loaded) -> tuple[Intent, tuple[Wish, Wish]]:
        """What is about to be done, as things stand now.

        Raises:
            Refused: the move is not right any more.
        """
        giver, taker = self._agent(source), self._agent(receiver)
        case = Case(order, source.sheet, receiver.sheet, giver, taker, self._options, self._world)
        place, hours_from, hours_to = refuse_stale(case)
        row, text, stamp = source.sheet.tasks[place], source.sheet.element(place), self._room.stamp()
        former = order.former
        try:
            if former is None:
                task = marked(text, stamp, mark_origin(row) or order.source, self._journal.plan_id)
                placed = fitted(task, source.sheet, receiver.sheet)
                index, gap = place_for(receiver.sheet, row.get("priority")), None
            else:
                placed, index = former.text, former_place(receiver.sheet, former)
                gap = Gap(former.before, former.after)
            inner = "" if former is None else former.inner
            wishes = (
                Wish(receiver, put_in(receiver.sheet, index, placed, stamp, gap)),
                Wish(source, taken_out(source.sheet, place, stamp, inner)),
            )
        except (RewriteFailed, NotStandard) as error:
            raise Refused(UNWRITABLE, str(error)) from error
        around = gap_at(source.sheet, place)
        intent = Intent(
            order.seq, order.task_id, order.source, order.receiver, stamp, text, placed, place,
            _id_at(source.sheet, place - 1), _id_at(source.sheet, place + 1), around.before, around.after,
            inside(receiver.sheet), giver.state, is_fit(giver, row),
            source.sheet.has_done(order.task_id), source.queue.sha256, receiver.queue.sha256, hours_from, hours_to,
        )  # fmt: skip
        return intent, wishes

    def _written(self, wishes: tuple[Wish, Wish], intent: Intent, locks: Held) -> bool:
        """Write destination and source; False if the destination was changed by others meanwhile.

        Raises:
            Refused, OSError: it could not be written.
        """
        to, out = wishes
        plan_id, made = self._journal.plan_id, []
        try:
            # Both, and the intent, are on the disk before anything changes: a full disk is met here.
            for wish in wishes:
                made.append(temporary(wish.loaded.queue, wish.made.data, plan_id))
            self._journal.sync(*made)
            if not self._writer.put(to, made[0], locks):
                return False
            self._inserted(to, intent)
            if self._writer.put(out, made[1], locks):
                sync(out.loaded.folder, to.loaded.folder)
        finally:
            for path in made:
                remove(path)
        return True

    def _inserted(self, to: Wish, intent: Intent) -> None:
        """The destination is on the disk, and noted, before the source is touched.

        Raises:
            OSError: it cannot be said that it is.
        """
        self._note("inserted", seq=intent.seq, sha256=hashlib.sha256(to.made.data).hexdigest())
        if self.broken:
            sync(to.loaded.folder)
        else:
            self._journal.sync(to.loaded.folder)

    def _look_again(self, order: Order, intent: Intent) -> None:
        """Look with new locks where the task is: a moment ago that could not be told."""
        try:
            with self._room.locked(order.source, order.receiver) as locks:
                outcome = resolved(self._room, intent, self._writer, locks, was_moved=True)
        except (Refused, OSError) as error:
            self._leave(intent, error)
            return
        self._take(order, intent, outcome)

    def _leave(self, intent: Intent, error: Exception) -> None:
        """Where a task is cannot be told now: recovery is to see to it."""
        where = f"{intent.task_id} may be with {intent.source}, with {intent.receiver}, or with both"
        self.left = True
        if isinstance(error, OSError):
            self.broken = self.broken or clean_line(f"{where}: {reason(error)}")
        if intent in self.applied:
            self.applied.remove(intent)
        detail = f"{where} ({reason(error)}); `bluetop optimize --recover` brings it to its end"
        self.skipped.append(Skipped(intent.seq, intent.task_id, UNFINISHED, clean_line(detail)))

    def _take(self, order: Order, intent: Intent, outcome: Outcome) -> None:
        code, detail, stands = outcome
        if stands and code in (FINISHED, REMOVED_COPY):
            self._note("removed", seq=order.seq)
            self.applied.append(intent)
            return
        self._note("recovered", seq=order.seq, code=code, detail=detail, stands=stands)
        if code in (RESTORED, CONFLICT):
            self.recovered.append(Recovery(self._journal.plan_id, order.seq, order.task_id, code, detail))
        why = CHANGED if code == REMOVED_COPY else code if code == CONFLICT else OVERWRITTEN
        if code == ABORTED:
            detail = f"another writer put an older file back; {detail}"
        self.skipped.append(Skipped(order.seq, order.task_id, why, detail))

    # -- the look after all moves --------------------------------------------------------------

    def look_back(self) -> None:
        """After the last move: whether what was moved still is where it was put; if not, put it right."""
        for intent in list(self.applied):
            try:
                if self._is_well(intent):
                    continue
                with self._room.locked(intent.source, intent.receiver) as locks:
                    self._note("reopened", seq=intent.seq)
                    outcome = resolved(self._room, intent, self._writer, locks, was_moved=True)
            except (Refused, OSError) as error:
                self._leave(intent, error)
                continue
            code, detail, stands = outcome
            self._note("recovered", seq=intent.seq, code=code, detail=detail, stands=stands)
            if code == FINISHED:
                continue
            self.recovered.append(Recovery(self._journal.plan_id, intent.seq, intent.task_id, code, detail))
            if not stands:
                self.applied.remove(intent)
                self.skipped.append(Skipped(intent.seq, intent.task_id, OVERWRITTEN, detail))
        self._orphans.look()
        self.recovered += self._orphans.told

    def _is_well(self, intent: Intent) -> bool:
        source, receiver = self._room.read(intent.source), self._room.read(intent.receiver)
        return len(receiver.sheet.places(intent.task_id)) == 1 and not source.sheet.places(intent.task_id)

    # -- small things --------------------------------------------------------------------------

    def _agent(self, loaded: Loaded) -> Agent:
        name, data = loaded.queue.agent, loaded.sheet.data
        known = self._facts.get(name)
        if known is None or known[0] != data:
            known = self._facts[name] = (data, agent_of(name, loaded.sheet.document))
        return known[1]

    def _may_be_there(self, order: Order) -> bool:
        """Whether the receiver has the task by now, as far as can be told."""
        try:
            return bool(self._room.read(order.receiver).sheet.places(order.task_id))
        except Refused:
            return True  # nobody knows: it is looked at again, and left to recovery if need be

    def _keep(self, agent: str, replaced: Replaced, made: Sheet) -> None:
        assert self._intent is not None  # nothing is replaced before there is one
        self._orphans.keep(Orphan(agent, replaced, made, self._intent))

    def _note(self, record: str, **values: Any) -> None:
        """Write down what has happened. Where that fails, recovery finds out from the files; but no more is begun."""
        try:
            self._journal.add(record, **values)
        except OSError as error:
            self.broken = self.broken or f"the journal cannot be written: {error.strerror or error}"


def is_fit(owner: Agent, row: Mapping[str, Any]) -> bool:
    """Whether a task's owner would be given it, were it not the owner."""
    return owner.state == ACTIVE and may_receive(owner, task_of(0, row), NOTHING, ANY)


def _id_at(sheet: Sheet, index: int) -> str:
    """The id of an element of `tasks`, if it has one of its own."""
    if not 0 <= index < len(sheet.tasks):
        return ""
    row = sheet.tasks[index]
    found = row.get("task_id") if isinstance(row, dict) else None
    return found if isinstance(found, str) and len(sheet.places(found)) == 1 else ""


def reason(error: Exception) -> str:
    """What an error says, without its number and the name of a file."""
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
