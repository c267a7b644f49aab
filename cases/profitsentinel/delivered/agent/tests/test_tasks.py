import pytest

from sentinel.tasks import WAYS, may_move, priority

ALLOWED = {
    ("open", "in_progress"),
    ("open", "dismissed"),
    ("in_progress", "open"),
    ("in_progress", "done"),
    ("in_progress", "dismissed"),
    ("dismissed", "open"),
}


@pytest.mark.parametrize("after", WAYS)
@pytest.mark.parametrize("before", WAYS)
def test_only_the_ways_that_are_meant_are_open(before, after):
    assert may_move(before, after) == ((before, after) in ALLOWED)


@pytest.mark.parametrize(
    ("impact", "when"),
    [
        (0, "when there is time"),
        (1, "when there is time"),
        (9_999, "when there is time"),
        (10_000, "this week"),
        (10_001, "this week"),
        (99_999, "this week"),
        (100_000, "today"),
        (100_001, "today"),
        (10**9, "today"),
    ],
)
def test_what_costs_more_is_sooner(impact, when):
    assert priority(impact) == when


def test_what_is_done_stays_done():
    assert not any(may_move("done", after) for after in WAYS)


def test_an_unknown_state_is_a_mistake():
    with pytest.raises(KeyError):
        may_move("lost", "open")
