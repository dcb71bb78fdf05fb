import re

import pytest

from lambda_src import errors
from lambda_src.errors import PROBLEMS, InternalError, OctError, TooLarge, problem, status_of


def leaves(kind: type[OctError]) -> list[type[OctError]]:
    children = kind.__subclasses__()
    return [leaf for child in children for leaf in leaves(child)] if children else [kind]


def test_the_table_and_the_tree_name_the_same_problems():
    assert {leaf.slug for leaf in leaves(OctError)} == set(PROBLEMS)


def test_the_docstring_draws_every_error():
    assert all(leaf.__name__ in (errors.__doc__ or "") for leaf in leaves(OctError))


@pytest.mark.parametrize("slug", PROBLEMS)
def test_slugs_are_urn_safe_and_statuses_are_errors(slug):
    assert re.fullmatch(r"[a-z0-9-]+", slug)
    assert 400 <= PROBLEMS[slug].status <= 599


def test_a_problem_carries_its_limit_and_value():
    error = TooLarge("The body has 11 bytes; at most 10 are read.", limit=10, value=11)
    assert status_of(error) == 413
    assert problem(error) == {
        "type": "urn:oct:problem:too-large",
        "title": "Too many bytes",
        "status": 413,
        "detail": "The body has 11 bytes; at most 10 are read.",
        "limit": 10,
        "value": 11,
    }


def test_an_internal_error_says_nothing_of_its_cause():
    assert set(problem(InternalError())) == {"type", "title", "status", "detail"}
