"""What becomes of a delegated issue."""

WAYS = {
    "open": {"in_progress", "dismissed"},
    "in_progress": {"open", "done", "dismissed"},
    "done": set(),
    "dismissed": {"open"},
}


def may_move(before: str, after: str) -> bool:
    """Whether a task may go from one state to another."""
    return after in WAYS[before]


def priority(impact: int) -> str:
    """How soon it is to be done, from what it costs per month, in cents."""
    if impact >= 100_000:
        return "today"
    if impact >= 10_000:
        return "this week"
    return "when there is time"
