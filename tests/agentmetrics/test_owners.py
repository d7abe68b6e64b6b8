"""Whose a task is that several agents have."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.agentmetrics.owners import Claim, Holders, owner, shared

RULES = [
    # who wins, who loses, and the word for what decided
    (Claim("B", True, False, 1.0), Claim("A", False, True, 9.0), None),
    (Claim("B", True, True, 1.0), Claim("A", True, False, 9.0), "unfinished there"),
    (Claim("B", True, False, 9.0), Claim("A", True, False, 1.0), "the later one"),
    (Claim("B", True, True, 9.0), Claim("A", True, True, None), "the later one"),
    (Claim("A", True, True, 5.0), Claim("B", True, True, 5.0), "the first by name"),
    (Claim("B", False, False, 1.0), Claim("A", False, True, 9.0, moved=True), None),
    (Claim("B", False, False, 9.0), Claim("A", False, True, 1.0), None),
]


@pytest.mark.parametrize(("winner", "loser", "why"), RULES)
def test_the_rules_in_their_order(winner, loser, why):
    for pair in ([winner, loser], [loser, winner]):
        assert owner(pair) == winner
        row = shared("T", pair)
        assert (row and row.why) == why


def test_a_task_in_one_queue_file_only_is_not_shared():
    assert shared("T", [Claim("A", True), Claim("B", False)]) is None


CLAIMS = st.builds(Claim, st.sampled_from("ABCD"), st.booleans(), st.booleans(),
                   st.none() | st.floats(0, 9), st.booleans())  # fmt: skip


@given(st.lists(CLAIMS, min_size=1, max_size=4, unique_by=lambda claim: claim.agent))
def test_the_owner_does_not_depend_on_who_is_asked_first(claims):
    assert len({owner(order) for order in itertools.permutations(claims)}) == 1


def test_holders_tell_who_has_what_another_has_too():
    holders = Holders()
    holders.add("A", ["1", "2"])
    holders.add("B", ["2", "3"])
    holders.add("A", ["2", "2"])
    assert [holders.contested_by(name) for name in "ABC"] == [{"2"}, {"2"}, set()]
