"""Settings and how their broken rules are worded."""

from __future__ import annotations

import pytest

from influence_core.config import RunSettings, TrainingSettings, validated
from influence_core.errors import ConfigError


def test_broken_rules_have_the_shape_of_the_house() -> None:
    with pytest.raises(ConfigError) as caught:
        validated(RunSettings, {"training": {"epochs": 0, "dropout": 1}, "model": {"dropout": 2}})
    assert str(caught.value).splitlines() == [
        "'dropout' must be less than 1; got 2.",
        "'epochs' must be greater than or equal to 1; got 0.",
        "There is no setting 'dropout'.",
    ]


def test_a_field_goes_by_the_name_that_the_user_sees() -> None:
    with pytest.raises(ConfigError, match="'ENCODER_LR' must be greater than 0"):
        validated(TrainingSettings, {"encoder_lr": 0}, naming=str.upper)
