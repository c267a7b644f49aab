import pytest

from sentinel.money import cents, dollars

AMOUNTS = [0, 1, 9, 10, 99, 100, 101, 999, 1000, 12345, 99999, 100000, 1234567, 100000000]
AMOUNTS += [n * 7919 for n in range(1, 47)]


@pytest.mark.parametrize("amount", AMOUNTS)
def test_an_amount_comes_back(amount):
    assert cents(dollars(amount)) == amount


@pytest.mark.parametrize("amount", AMOUNTS[1:])
def test_a_debt_comes_back(amount):
    assert cents(dollars(-amount)) == -amount


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "$0.00"),
        (5, "$0.05"),
        (50, "$0.50"),
        (100, "$1.00"),
        (123456, "$1,234.56"),
        (1234567, "$12,345.67"),
        (100000000, "$1,000,000.00"),
        (-5, "-$0.05"),
        (-123456, "-$1,234.56"),
    ],
)
def test_an_amount_is_written_like_this(amount, text):
    assert dollars(amount) == text


@pytest.mark.parametrize("text", ["", "$", "one", "$1.2", "$1.234", "$1.x0", "1-2", "$1,234.5", "--", "$.50", "-"])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(ValueError, match="no amount"):
        cents(text)
