"""How an execution's tool calls are shown."""


def tool_name(call: dict) -> str:
    return call.get("name") or "unnamed tool"
