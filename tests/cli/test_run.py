"""`influence run` and `influence demo`, over a pretended pipeline."""

from __future__ import annotations

import signal

import pytest

from influence_core.cli.run import build_settings
from influence_core.config import ComputeSettings, RunSettings
from influence_core.errors import DataError
from influence_core.store.run import Finding, create_run, open_run
from tests.cli.conftest import Influence, Pretended


class TestRun:
    def test_a_run_ends_with_a_summary(self, influence: Influence, pipeline: Pretended) -> None:
        answer = influence("run", "data.csv", "--name", "first", "--epochs", "3")
        assert answer.code == 0
        assert "accuracy 0.9375, macro f1 0.9000, rows 16" in answer.out
        assert str(open_run("first").path) in answer.out
        assert "influence app" in answer.out
        [(kind, name, settings)] = pipeline.calls
        assert (kind, name) == ("run", "first")
        assert settings is not None
        assert (settings.data.source, settings.training.epochs) == ("data.csv", 3)

    def test_progress_goes_to_stderr_as_plain_lines(
        self, influence: Influence, pipeline: Pretended
    ) -> None:
        answer = influence("run", "data.csv")
        assert "training: 2 steps" in answer.err
        assert "training: done in" in answer.err
        assert "3 rows have no [red]label[/red] \\x1b[31m" in answer.err
        assert "\x1b" not in answer.err + answer.out
        assert "training:" not in answer.out

    def test_json_is_all_that_stdout_gets(self, influence: Influence, pipeline: Pretended) -> None:
        facts = influence("run", "data.csv", "--name", "first", "--json").json
        assert isinstance(facts, dict)
        assert facts["metrics"]["test"]["accuracy"] == 0.9375
        assert facts["path"] == str(open_run("first").path)

    def test_a_user_error_is_one_message_and_code_2(
        self, influence: Influence, pipeline: Pretended
    ) -> None:
        finding = Finding(level="error", check="label", message="rows 3, 9: no label", count=2)
        pipeline.error = DataError("'label' must be a column; got 'x'.", (finding,))
        answer = influence("run", "data.csv")
        assert answer.code == 2
        assert "'label' must be a column; got 'x'." in answer.err
        assert "rows 3, 9: no label" in answer.err
        assert "Traceback" not in answer.err

    def test_a_bug_is_loud_and_code_1(self, influence: Influence, pipeline: Pretended) -> None:
        pipeline.error = ZeroDivisionError("unforeseen")
        assert influence("run", "data.csv").code == 1

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_stops_kindly_and_is_resumable(
        self, influence: Influence, pipeline: Pretended, number: int
    ) -> None:
        pipeline.signal = number
        answer = influence("run", "data.csv", "--name", "stopped")
        assert answer.code == 130
        assert "Stopping at the next step" in answer.err
        assert "goes on with --resume" in answer.err
        assert "Traceback" not in answer.err
        pipeline.signal = None
        assert influence("run", "--resume").code == 0
        assert pipeline.calls[-1][:2] == ("resume", "stopped")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["run"], "'data' must name what to train on"),
            (["run", "x.csv", "--epochs", "0"], "'epochs' must be greater than or equal to 1"),
            (["run", "x.csv", "--epochs", "many"], "'--epochs'"),
            (["run", "x.csv", "--mode", "magic"], "'--mode'"),
            (["run", "x.csv", "--name", "../x"], "'name' must be 1 to 64 letters"),
            (["run", "x.csv", "--name", "x" * 300], "'name' must be 1 to 64 letters"),
            (["run", "x.csv", "--nonsense"], "No such option: --nonsense"),
            (["run", "--resume", "--name", "ghost"], "There is no run named 'ghost'"),
            (["run", "--resume"], "There is no unfinished run"),
            (["rum"], "Did you mean 'run'"),
            (["show", "ghost"], "There is no run named 'ghost'"),
            (["show", "../../etc"], "'name' must be"),
            (["app", "--port", "0"], "'--port'"),
        ],
    )
    def test_bad_requests_start_nothing(
        self, influence: Influence, pipeline: Pretended, arguments: list[str], message: str
    ) -> None:
        answer = influence(*arguments)
        assert (answer.code, answer.out) == (2, "")
        assert message in answer.err
        assert "Traceback" not in answer.err
        assert pipeline.calls == []

    def test_resume_takes_the_same_options_and_refuses_others(
        self, influence: Influence, pipeline: Pretended
    ) -> None:
        create_run("half", build_settings({"data": "data.csv", "epochs": 3}))
        same = ("run", "data.csv", "--epochs", "3", "--name", "half", "--resume")
        assert influence(*same).code == 0
        other = influence("run", "data.csv", "--epochs", "4", "--name", "half", "--resume")
        assert other.code == 2
        assert "'epochs' must stay 3" in other.err
        assert [call[0] for call in pipeline.calls] == ["resume"]

    def test_resume_may_divide_the_work_anew(
        self, influence: Influence, pipeline: Pretended
    ) -> None:
        create_run("half", build_settings({"data": "data.csv", "backend": "ray"}))
        assert influence("run", "--name", "half", "--resume", "--workers", "3").code == 0
        ((_, _, settings),) = pipeline.calls
        assert settings is not None
        assert settings.compute == ComputeSettings(workers=3, backend="ray")


class TestDemo:
    def test_the_demo_is_made_once(self, influence: Influence, pipeline: Pretended) -> None:
        assert influence("demo").code == 0
        assert influence("demo").code == 0
        assert [call[:2] for call in pipeline.calls] == [("run", "demo")]

    def test_a_half_made_demo_goes_on(self, influence: Influence, pipeline: Pretended) -> None:
        create_run("demo", RunSettings())
        assert influence("demo").code == 0
        assert [call[:2] for call in pipeline.calls] == [("resume", "demo")]
