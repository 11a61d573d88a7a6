"""Settings as options."""

from __future__ import annotations

from influence_core.cli.commands import load
from influence_core.cli.options import chosen
from influence_core.cli.run import build_settings
from influence_core.config import (
    ComputeSettings,
    DataSettings,
    ModelSettings,
    RunSettings,
    ScoringSettings,
    TrainingSettings,
)


class TestOptions:
    def test_every_setting_is_an_option_described_by_its_field(self) -> None:
        options = {parameter.name: parameter for parameter in load("run").params}
        parts = (DataSettings, ModelSettings, TrainingSettings, ScoringSettings, ComputeSettings)
        for model in parts:
            for name, described in model.model_fields.items():
                address = f"{model.__name__}.{name}"
                option = {"DataSettings.source": "data", "DataSettings.seed": "data_seed"}
                assert options[option.get(address, name)].help == described.description

    def test_options_become_settings(self) -> None:
        given = {
            "data": "a.csv",
            "label": "domain",
            "data_seed": 3,
            "seed": 4,
            "head_widths": "32, 16",
            "scores": "vog,el2n",
            "mode": "finetune",
        }
        settings = build_settings(given)
        assert (settings.data.source, settings.data.label) == ("a.csv", "domain")
        assert (settings.data.seed, settings.training.seed) == (3, 4)
        assert settings.model.head_widths == (32, 16)
        assert settings.scoring.scores == ("vog", "el2n")
        assert settings.training.mode == "finetune"

    def test_what_is_not_typed_is_not_chosen(self) -> None:
        assert chosen(TrainingSettings, {"epochs": 3, "label": "x"}) == {"epochs": 3}
        assert build_settings({"data": "a.csv"}) == RunSettings(data=DataSettings(source="a.csv"))
