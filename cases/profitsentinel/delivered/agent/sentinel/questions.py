"""The questions of a diagnostic session."""

CAUSES = ("receiving", "theft", "damage", "counting", "pricing")


def question(sku: str, cause: str) -> str:
    """What is asked about one article and one possible cause."""
    if cause not in CAUSES:
        raise KeyError(cause)
    return f"Is {cause} what explains the difference of {sku}?"


def most_likely(answers: dict[str, int]) -> str:
    """The cause with the most points; of equals the first in the list."""
    return max(CAUSES, key=lambda cause: (answers.get(cause, 0), -CAUSES.index(cause)))
