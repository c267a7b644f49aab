"""What the workers do with an event."""


def enhance(ticket: dict) -> dict:
    calls = ticket.get("tool_calls") or []
    return {"ticket": ticket["id"], "calls": [call["name"] for call in calls]}
