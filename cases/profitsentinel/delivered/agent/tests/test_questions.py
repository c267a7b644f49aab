import itertools

import pytest

from sentinel.questions import CAUSES, most_likely, question

SKUS = ["SKU-1", "SKU-2", "A", "paint 5l", "ß-42", "0", "NAIL/10", "x" * 40]


@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize("sku", SKUS)
def test_a_question_names_the_article_and_the_cause(sku, cause):
    asked = question(sku, cause)
    assert sku in asked
    assert cause in asked
    assert asked.endswith("?")


@pytest.mark.parametrize(("more", "less"), itertools.permutations(CAUSES, 2))
def test_the_cause_with_more_points_wins(more, less):
    assert most_likely({more: 2, less: 1}) == more


@pytest.mark.parametrize(("first", "second"), itertools.combinations(CAUSES, 2))
def test_of_equals_the_first_wins(first, second):
    assert most_likely({second: 1, first: 1}) == first


@pytest.mark.parametrize("cause", CAUSES)
def test_one_answer_decides(cause):
    assert most_likely({cause: 1}) == cause


def test_without_an_answer_it_is_the_first():
    assert most_likely({}) == CAUSES[0]


def test_an_unknown_cause_is_a_mistake():
    with pytest.raises(KeyError):
        question("SKU-1", "weather")
