"""Look-up tables: codes to numbers, and what was last known."""

import numpy as np
import pytest
from few_patients import MISSING, VISITS, scores_of, tokens_of

from dpsynth.privacy.scores import Scores, looked_up

TABLES = (np.array([[1.0], [2.0]]), np.array([[10.0, 11.0], [20.0, 21.0], [30.0, 31.0]]))


def test_scores_stand_end_to_end():
    found = looked_up(TABLES, np.array([[1, 0], [0, 2]]))
    np.testing.assert_array_equal(found, [[2, 10, 11], [1, 30, 31]])
    visits = looked_up(TABLES, np.array([[[1, 0], [0, 2]]]))
    assert visits.shape == (1, 2, 3)


def test_padding_counts_as_the_first_code_and_no_table_as_nothing():
    np.testing.assert_array_equal(looked_up(TABLES, np.array([[-1, -1]])), [[1, 10, 11]])
    assert looked_up((), np.zeros((5, 0), dtype=int)).shape == (5, 0)


def test_facts_hold_the_number_of_visits_where_it_is_counted():
    held = {"turn": np.zeros((3, 2, 1)), "visit": (), "blank": (), "scale": np.ones(4)}
    counted = Scores(static=TABLES, counted=True, **held)
    sexes, lengths = np.array([[0], [1]]), np.array([2, 0])
    np.testing.assert_array_equal(counted.facts(sexes, lengths), [[1, 30, 31], [2, 10, 11]])
    silent = Scores(static=TABLES[:1], counted=False, **held)
    np.testing.assert_array_equal(silent.facts(sexes, lengths), [[1], [2]])
    assert (counted.widths, silent.widths) == ((3, 1, 0), (1, 1, 0))


def test_what_is_missing_carries_on_what_was_known():
    # Pain may be missing (code 3); drug never is. Known before the first visit: missing, code 0.
    scores = scores_of(0)
    tokens = tokens_of([(0, [(1, 2), (MISSING, 1), (2, 0)]), (1, [])])
    before = [[MISSING, 0], [1, 2], [1, 1], [2, 0], [2, 0]]
    np.testing.assert_array_equal(scores.carried(tokens)[0], before)
    np.testing.assert_array_equal(scores.carried(tokens)[1], [[MISSING, 0]] * (VISITS + 1))


def test_carrying_one_visit_on_is_what_carrying_all_does():
    scores = scores_of(0)
    visits = [(1, 2), (MISSING, 1), (0, 0), (MISSING, 2)]
    known, found = scores.nothing(1), []
    for codes in visits:
        found.append(known)
        known = scores.carry(known, np.array([codes]))
    np.testing.assert_array_equal(
        scores.carried(tokens_of([(0, visits)]))[0], np.concatenate([*found, known])
    )


@pytest.mark.parametrize("gone", range(3))
def test_nobody_changes_anothers_vectors(gone):
    scores = scores_of(1)
    three = tokens_of([(0, [(1, 2)]), (1, [(MISSING, 0), (0, 1)]), (1, [])])
    rest = np.delete(np.arange(3), gone)
    few = three.take(rest)
    np.testing.assert_array_equal(scores.carried(few), scores.carried(three)[rest])
    np.testing.assert_array_equal(
        scores.facts(few.static, few.length), scores.facts(three.static, three.length)[rest]
    )
