"""Money in cents, as people write it."""


def dollars(cents: int) -> str:
    """1234567 is $12,345.67."""
    sign = "-" if cents < 0 else ""
    return f"{sign}${abs(cents) // 100:,}.{abs(cents) % 100:02d}"


def cents(text: str) -> int:
    """The way back; anything but an amount is a ValueError."""
    sign = -1 if text.startswith("-") else 1
    whole, point, rest = text.lstrip("-").removeprefix("$").replace(",", "").partition(".")
    if not whole.isdigit() or (point and (len(rest) != 2 or not rest.isdigit())):
        raise ValueError(f"{text!r} is no amount")
    return sign * (int(whole) * 100 + int(rest or 0))
