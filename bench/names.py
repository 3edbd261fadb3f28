# SPDX-License-Identifier: MIT
"""K: which rows, in pytest's own words."""

from _pytest.mark.expression import Expression


def matches(name, expression):
    """Whether a row's name fits pytest's -k expression; an empty one takes all."""
    if not expression:
        return True
    return Expression.compile(expression).evaluate(lambda word, **_: word.lower() in name.lower())


def selected(cases, expression):
    """The cases whose names fit."""
    return [case for case in cases if matches(case.name, expression)]
