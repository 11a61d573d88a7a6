from influence_core.scores.registry import SCORES
from influence_core.scores.table import _FORMULAS


def test_every_score_of_the_registry_can_be_computed():
    assert set(_FORMULAS) == set(SCORES)
