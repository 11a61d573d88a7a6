"""The report: its figures are those of the run's files, and nothing in it is more than text."""

from __future__ import annotations

import re
import shutil
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from influence_core.errors import ConfigError, RunError, ScoreError
from influence_core.exporting import Place, export_curated
from influence_core.noise.reviewed import precision, wilson
from influence_core.noise.table import find_noise, read_noise, suspected
from influence_core.pruning.experiment import open_experiment
from influence_core.pruning.figures import Findings
from influence_core.pruning.recommend import recommend
from influence_core.pruning.trust import shortfall
from influence_core.report import page
from influence_core.report.page import render_report, write_report
from influence_core.report.pruning_picture import LEFT, RIGHT, WIDTH
from influence_core.report.settings import ReportSettings
from influence_core.selection.curate import curate
from influence_core.selection.select import SelectionSettings
from influence_core.store.export import write_export
from influence_core.store.exported import exports_folder
from influence_core.store.files import write_parquet
from influence_core.store.review import Reviews
from influence_core.store.run import Run
from tests.factory import HOSTILE_TEXTS, make_run, read
from tests.report.document import DRAWN, WRITTEN, Document, parsed
from tests.report.evidence import add_experiment, make_evidence


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("reported")
    make_evidence(root, rows=400, classes=6)
    make_evidence(root, "hostile", rows=160, hostile=True)
    return root


@pytest.fixture
def run(made: Path, runs_root: Path) -> Run:
    return Run(shutil.copytree(made / "told", runs_root / "told"))


@pytest.fixture
def hostile(made: Path, runs_root: Path) -> Run:
    return Run(shutil.copytree(made / "hostile", runs_root / "hostile"))


def told(run: Run, **settings: object) -> Document:
    return parsed(render_report(run, ReportSettings(**settings)))


def joined(run: Run) -> pd.DataFrame:
    examples = run.examples(["id", "text", "label", "split"])
    return run.scores().join(examples[["text", "label"]], on="row")


class TestFigures:
    def test_data(self, run: Run) -> None:
        said = told(run).said
        examples = run.examples(["label", "split"])
        train = examples[examples["split"] == "train"]
        sizes = train["label"].value_counts()
        assert f"{len(train):,} labelled texts to learn from, in {len(sizes)} classes" in said
        ratio = sizes.max() / sizes.min()
        assert f"The largest has {ratio:.1f} times the rows of the smallest" in said
        assert f"{(examples['split'] == 'test').sum()} for test" in said

    def test_accuracy_of_the_model(self, run: Run) -> None:
        found = pd.read_parquet(run.predictions_file)
        test = found[found["split"] == "test"]
        assert f"{test['correct'].mean():.1%} of {len(test)} unseen texts" in told(run).said

    def test_what_matters(self, run: Run) -> None:
        scores = joined(run)
        most = round(0.1 * len(scores))
        hardest = scores[scores["pvi_rank"] <= most]["label"].value_counts()
        classes = next(n for n in range(1, len(hardest) + 1) if 2 * hardest.iloc[:n].sum() >= most)
        document = told(run, score="pvi")
        assert (
            f"At least half of the hardest {most} rows lie in {classes} of 6 classes"
            in document.said
        )
        sizes = scores["label"].value_counts()
        share = (hardest / sizes).fillna(0)
        low, _ = wilson(hardest.reindex(sizes.index, fill_value=0).to_numpy(), sizes.to_numpy())
        first = sizes.index[low.argmax()]
        assert f"The hardest is “{first}”: {share[first]:.0%} of its rows" in document.said
        at = document.cells.index(first, document.cells.index("Among the hardest"))
        assert document.cells[at + 2] == f"{share[first]:.0%}"

    @pytest.mark.parametrize("score", ["vog", "pvi"])
    def test_hardest_and_easiest_examples(self, run: Run, score: str) -> None:
        document = told(run, score=score, examples=4)
        scores = joined(run).sort_values(f"{score}_rank")
        cells = iter(document.cells)
        for text in [*scores["text"].iloc[:4], *scores["text"].iloc[::-1].iloc[:4]]:
            assert text in cells, f"{text!r} is missing or out of order"

    def test_wrong_labels_and_decisions(self, run: Run) -> None:
        document = told(run)
        report = read_noise(run)
        wrong, rows = report.facts.wrong, len(report.table)
        assert (
            f"About {wrong.share:.1%} of the labels look wrong "
            f"({100 * wrong.low:.1f}–{wrong.high:.1%}): some {round(wrong.share * rows)} of {rows}"
        ) in document.said
        standing = Reviews(run).standing()
        found = precision(standing.values())
        assert (
            f"People decided about {found.reviewed} rows: {found.wrong} labels turned out wrong "
            f"({found.share:.0%}, {100 * found.low:.0f}–{found.high:.0%})"
        ) in document.said
        top = report.table[report.table["rank"] <= round(wrong.share * rows)]
        counted = top["label"].value_counts()
        at = document.cells.index("Suspicious")
        shown = dict(zip(document.cells[at + 3 :: 4], document.cells[at + 4 :: 4], strict=False))
        first = counted.index[0]
        assert shown[first] == str(counted.iloc[0])

    def test_suspects_come_in_their_order(self, run: Run) -> None:
        document = told(run, examples=6)
        texts = run.examples(["text"])["text"]
        cells = iter(document.cells[document.cells.index("Rather") :])
        for row in read_noise(run).table["row"].iloc[:6]:
            assert texts[row] in cells

    def test_what_can_go(self, run: Run) -> None:
        document = told(run, tolerance=0.2)
        findings = Findings(open_experiment(run, "measured"))
        advice = recommend(findings, 0.2)
        best = max(advice, key=lambda one: (one.fraction or 0, one.loss.mean))
        assert best.curve.name == "el2n-class-easy"
        loss = best.loss
        assert (
            f"{best.fraction:.0%} of the rows can go: dropping them costs "
            f"{-100 * loss.mean:.1f} points of accuracy"
        ) in document.said
        random = findings.against_random(findings.points[2])
        at = document.cells.index("Easiest rows by EL2N, within each class")
        shown = document.cells[at + 1 : at + 6]
        assert shown[:2] == [f"{best.fraction:.0%}", f"{best.fraction:.0%}"]
        assert shown[2].startswith(f"−{-100 * loss.mean:.1f} (−{-100 * loss.low:.1f} to ")
        assert shown[4] == f"+{100 * random.mean:.1f}"
        whole = findings.curves().set_index("curve").loc["full", "accuracy"]
        assert f"of {whole:.1%} by models of all rows" in document.said
        assert "measured on fully trained models: 21 models, 3 seeds each" in document.said

    def test_nothing_may_go_where_every_way_costs_too_much(self, run: Run) -> None:
        document = told(run, tolerance=0.0)
        assert "At best, dropping 20% of the rows costs" in document.said
        doubt = "A loss of more than the 0.0 points allowed cannot be ruled out"
        assert doubt in document.said
        at = document.cells.index("Rows at random")
        assert document.cells[at + 1] == "none"

    def test_lines_lie_where_the_figures_say(self, run: Run) -> None:
        findings = Findings(open_experiment(run, "measured"))
        random = findings.curves().query("curve == 'random'").sort_values("fraction")
        marks = [one for tag, one in told(run).elements if tag == "circle"]
        drawn = [one for one in marks if one["class"] == "style-none"][:2]
        across = [float(one["cx"]) for one in drawn]
        expected = [LEFT + share / 0.5 * (WIDTH - RIGHT - LEFT) for share in random["fraction"]]
        assert across == pytest.approx(expected, abs=0.11)
        first, last = (float(one["cy"]) for one in drawn)
        assert (first < last) == (random["accuracy"].iloc[0] > random["accuracy"].iloc[1])

    def test_selections(self, run: Run) -> None:
        cells = told(run).cells
        at = cells.index("odd-ones")
        assert cells[at + 1 : at + 3] == ["3", "to be asked <b>about</b>"]


class TestEvidence:
    def test_estimates_are_told_from_measurements(self, run: Run) -> None:
        add_experiment(run, "guessed", "probe")
        document = told(run)
        assert "By estimate, " in document.said
        assert document.said.index("Measured: measured") < document.said.index("Estimated: guessed")
        assert "the scores come from a probe" in document.said
        assert "estimates of what a fully trained model would say" in document.said

    def test_an_estimate_that_is_no_guide_says_so(self, runs_root: Path) -> None:
        run = make_run(runs_root, "tuned", mode="finetune")
        experiment = add_experiment(run, "guessed", "probe")
        metrics = run.manifest().metrics
        run.update(metrics={**metrics, "test": {**metrics["test"], "accuracy": 1.0}})
        found = shortfall(experiment, Findings(experiment))
        assert found is not None
        document = told(run)
        assert "By an estimate that may not hold, " in document.said
        assert found.words in document.said
        assert "order the ways much as full training does" not in document.said

    def test_rows_kept_in_an_earlier_review_are_not_undecided(self, small_run: Run) -> None:
        first = find_noise(small_run).table["row"].iloc[0]
        examples = read(small_run.examples_file)
        kept = ["keep" if row == first else None for row in range(len(examples))]
        reviewed = examples.append_column("review_action", pa.array(kept, pa.string()))
        write_parquet(small_run.examples_file, reviewed)
        assert told(small_run).said.count("kept in an earlier review") == 1

    def test_commands_name_no_folder_of_the_machine(self, small_run: Run) -> None:
        settings = small_run.manifest().settings
        data = settings.data.model_copy(update={"source": "/home/ada/a.csv,user/set,b.csv"})
        small_run.update(settings=settings.model_copy(update={"data": data}))
        assert "influence run a.csv,user/set,b.csv --name small" in told(small_run).said

    def test_exports_in_the_run_s_folder_can_be_repeated(self, small_run: Run) -> None:
        curated = curate(small_run, SelectionSettings(fraction=0.3))
        for name in ("first cut", "second"):
            export_curated(small_run, curated, Place(exports_folder(small_run) / name))
        said = told(small_run).said
        first = said.index("influence export small 'first cut' --format jsonl --fraction 0.3")
        assert first < said.index("influence export small second --format jsonl --fraction 0.3")
        assert str(small_run.path) not in said

    @pytest.mark.parametrize("command", ["python curate.py", "influence export", "it's mine"])
    def test_commands_of_other_programs_are_passed_over(self, small_run: Run, command: str) -> None:
        rows = curate(small_run, SelectionSettings(fraction=0.3)).kept
        write_export(small_run, rows, exports_folder(small_run) / "mine", "jsonl", command=command)
        assert command not in told(small_run).said

    def test_an_end_full_of_wrong_labels_says_so(self, run: Run) -> None:
        last = suspected(run)
        wrong = set(read_noise(run).table["id"].iloc[:last])
        scores = joined(run).sort_values("el2n_rank")
        hardest, easiest = (set(part["id"]) for part in (scores.head(8), scores.tail(8)))
        assert hardest <= wrong
        assert len(wrong & easiest) < 3
        said = told(run, score="el2n", examples=8).said
        assert "These 8 labels are likely wrong. A wrong label alone" in said
        assert "need not mean learnt" not in said
        order = scores["el2n_rank"].to_numpy()[::-1]
        turned = scores.assign(el2n_rank=order).sort_values("row")["el2n_rank"].to_numpy()
        table = read(run.scores_file)
        place = table.column_names.index("el2n_rank")
        write_parquet(run.scores_file, table.set_column(place, "el2n_rank", pa.array(turned)))
        said = told(run, score="el2n", examples=8).said
        assert "These 8 labels are likely wrong. Easy by EL2N need not" in said

    def test_a_run_without_scores_says_what_to_run(self, runs_root: Path) -> None:
        run = make_run(runs_root, "bare", scored=False)
        document = told(run)
        for command in (
            "influence run --resume --name bare",
            "influence noise bare",
            "influence prune bare",
            "influence noisy bare",
        ):
            assert document.said.count(command) == 1
        assert "The hardest" not in document.said
        with pytest.raises(RunError, match="has no scores yet"):
            told(run, score="vog")

    def test_a_run_with_scores_alone(self, small_run: Run) -> None:
        document = told(small_run)
        assert "Not computed yet" in document.said
        assert "Not measured yet" in document.said
        assert "The hardest" in document.said

    def test_an_unknown_score_is_refused(self, small_run: Run) -> None:
        with pytest.raises(ScoreError, match="has no score 'grand'"):
            told(small_run, score="grand")

    def test_an_old_judgement_of_the_labels_says_so(self, run: Run) -> None:
        assert "computes it anew" not in told(run).said
        run.update()
        assert "computes it anew" in told(run).said

    def test_pairs_show_both_texts(self, runs_root: Path) -> None:
        run = make_run(runs_root, "pairs", rows=120, pairs=True)
        document = told(run, examples=1)
        row = joined(run).sort_values("vog_rank")["row"].iloc[0]
        both = run.examples(["text", "text_pair"]).loc[row]
        assert f"{both['text']}{both['text_pair']}" in document.cells


class TestSafety:
    def test_texts_and_labels_of_a_dataset_stay_text(self, hostile: Run) -> None:
        document = told(hostile, examples=50)
        assert document.tags == WRITTEN | DRAWN
        for label in hostile.manifest().dataset.label_names:
            assert label in document.said
        assert "<script>alert('x')</script>" in document.said
        assert not [name for _, one in document.elements for name in one if name[:2] == "on"]

    def test_characters_that_turn_text_around_are_replaced(self, hostile: Run) -> None:
        html = render_report(hostile, ReportSettings(examples=50))
        assert "\u202e" not in html
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", html)

    def test_nothing_is_loaded_and_nothing_runs(self, hostile: Run) -> None:
        document = told(hostile, examples=50)
        assert document.addresses == []
        policy = next(
            one["content"]
            for tag, one in document.elements
            if tag == "meta" and one.get("http-equiv") == "Content-Security-Policy"
        )
        assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")

    @pytest.mark.parametrize("name", ["run", "hostile"])
    def test_a_masked_report_holds_no_text(self, name: str, request: pytest.FixtureRequest) -> None:
        run: Run = request.getfixturevalue(name)
        document = told(run, mask_texts=True, examples=50)
        labels = set(run.manifest().dataset.label_names)
        texts = {page.wording.excerpt(text) for text in run.examples(["text"])["text"]} - labels
        assert texts.isdisjoint(document.cells)
        long = [text for text in texts if len(text) > 9]
        assert len(long) > 50
        assert not [text for text in long if text in document.said]
        assert run.examples(["id"])["id"][0][:4] in document.said
        assert "Texts are left out of this copy" in document.said

    def test_hostile_texts_are_those_that_the_test_means(self) -> None:
        assert any("<script>" in text for text in HOSTILE_TEXTS)
        assert any("\u202e" in text for text in HOSTILE_TEXTS)


class TestForm:
    def test_500_classes_stay_small_and_say_how_many_are_left_out(self, runs_root: Path) -> None:
        run = make_run(runs_root, "wide", rows=3_000, classes=500)
        html = render_report(run)
        document = parsed(html)
        assert len(html.encode()) < 200_000
        listed = [cell for cell in document.cells if "classes between" in cell]
        assert listed == ["490 classes between"] * 2

    def test_headings_descend_without_a_gap(self, run: Run) -> None:
        levels = [int(tag[1]) for tag, _ in told(run).elements if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))

    def test_pictures_are_named_or_hidden(self, run: Run) -> None:
        pictures = [one for tag, one in told(run).elements if tag == "svg"]
        assert len(pictures) > 20
        assert all(one.get("aria-label") or one.get("aria-hidden") == "true" for one in pictures)

    def test_same_run_same_report(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("influence_core.report.contents.now", lambda: "2026-01-01T00:00:00")
        assert render_report(run) == render_report(run)


class TestFile:
    def test_only_an_earlier_report_is_replaced(self, small_run: Run, tmp_path: Path) -> None:
        path = write_report(small_run, tmp_path / "new" / "told.html")
        assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
        with pytest.raises(ConfigError, match="holds a report already"):
            write_report(small_run, path)
        path.write_text(path.read_text(encoding="utf-8") + "<!-- old -->", encoding="utf-8")
        write_report(small_run, path, overwrite=True)
        assert "<!-- old -->" not in path.read_text(encoding="utf-8")
        other = tmp_path / "other.html"
        other.write_text("<p>mine</p>")
        with pytest.raises(ConfigError, match="be a new file"):
            write_report(small_run, other, overwrite=True)
        assert other.read_text() == "<p>mine</p>"

    @pytest.mark.parametrize("name", ["told.txt", "told", "a\0b.html"])
    def test_other_names_are_refused(self, small_run: Run, tmp_path: Path, name: str) -> None:
        with pytest.raises(ConfigError, match="'output' must"):
            write_report(small_run, tmp_path / name)

    def test_a_failure_leaves_what_was_there(
        self, small_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = write_report(small_run, tmp_path / "told.html")
        before = path.read_bytes()

        def fail(_: object) -> str:
            raise RunError("no")

        monkeypatch.setattr(page, "_rendered", fail)
        with pytest.raises(RunError):
            write_report(small_run, path, overwrite=True)
        assert path.read_bytes() == before
        assert [one.name for one in tmp_path.glob(".partial-*")] == []

    def test_without_a_destination_it_is_named_after_the_run(
        self, small_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert write_report(small_run) == tmp_path / "small-report.html"

    def test_the_home_of_nobody_is_a_folder_like_any_other(
        self, small_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "~nobody-here").mkdir()
        written = write_report(small_run, "~nobody-here/report.html")
        assert written == tmp_path / "~nobody-here" / "report.html"
