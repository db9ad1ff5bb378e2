import doctest

from text_input import suggestions
from text_input.suggestions import nearest_words, suggestion


def test_nearest_words_are_limited_and_ordered_by_similarity() -> None:
    known = ["paris", "parish", "pariss", "havana"]
    assert nearest_words("pariss", known) == ["pariss", "paris", "parish"]
    assert nearest_words("pariss", known, 1) == ["pariss"]
    assert nearest_words("zzz", known) == []


def test_a_suggestion_without_a_similar_word_lists_all_words_or_says_what_else_to_do() -> None:
    assert suggestion("zzz", iter(["a", "b"])) == "use one of 'a', 'b'"
    assert suggestion("zzz", ["a", "b"], "add it") == "add it"
    assert suggestion("havanna", iter(["havana"]), "add it") == "did you mean 'havana'?"


def test_examples_in_the_docstrings_are_correct() -> None:
    result = doctest.testmod(suggestions)
    assert (result.attempted, result.failed) == (2, 0)
