from pathlib import Path

import pytest

from seq2seq.analysis.comparison import plan_grid, plan_named
from seq2seq.analysis.comparison.plan import read_choices
from seq2seq.recipe import SettingsError
from tests.letters import RECIPE


def test_a_grid_has_every_combination_and_names_what_is_refused() -> None:
    plan = plan_grid(RECIPE, ["model.bridge.mode=per_layer,mean,last", "model.encoder.reverse=true,false"])
    assert [variant.name for variant in plan.variants] == [
        "mode=per_layer reverse=true",
        "mode=per_layer reverse=false",
        "mode=mean reverse=true",
        "mode=mean reverse=false",
    ]
    assert plan.variants[2].recipe == RECIPE.override(["model.bridge.mode=mean", "model.encoder.reverse=true"])
    assert plan.variants[2].folder == "mode=mean_reverse=true"
    assert [each.name for each in plan.refused] == ["mode=last reverse=true", "mode=last reverse=false"]
    assert "model.bridge.mode" in plan.refused[0].reason


def test_without_a_setting_to_vary_the_recipe_is_the_only_variant() -> None:
    (variant,) = plan_grid(RECIPE, []).variants
    assert (variant.name, variant.recipe, variant.with_seed(4).seed) == ("letters", RECIPE, 4)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a.b=1,2", ["1", "2"]),
        ("a.b=[1, 2],[3]", ["[1, 2]", "[3]"]),
        ("a.b=[[0], [1, 2], []],mean", ["[[0], [1, 2], []]", "mean"]),
        ('a.b="x,y",z', ['"x,y"', "z"]),
        ("a.b = 1 , 2", ["1", "2"]),
        ('a.b=["a]b"],["c"]', ['["a]b"]', '["c"]']),
        (r'a.b="\",",["\"]"]', [r'"\","', r'["\"]"]']),
        ("a.b='x,y',['z,']", ["'x,y'", "['z,']"]),
        ("a.b=don't,won't", ["don't", "won't"]),
        ('a.b="",x', ['""', "x"]),
    ],
)
def test_commas_inside_brackets_and_quotes_belong_to_a_value(text: str, values: list[str]) -> None:
    assert read_choices(text) == ("a.b", values)


@pytest.mark.parametrize("text", ["a.b", "=1", "a.b=", "a.b= , 1", "a.b=1,,2", "a.b=1,2,"])
def test_what_is_no_setting_with_values_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"by section\.key=value,value; .* Received: " + text):
        read_choices(text)


@pytest.mark.parametrize("text", ["a.b=[1", "a.b=1],[2", "a.b=[[1],[2]"])
def test_brackets_close(text: str) -> None:
    with pytest.raises(SettingsError, match="Every bracket that opens closes"):
        read_choices(text)


def test_a_setting_is_varied_in_one_place() -> None:
    with pytest.raises(SettingsError, match=r"Received: more than one of model\.dropout\. Join them"):
        plan_grid(RECIPE, ["model.dropout=0.1", "model.dropout=0.2,0.3"])


def test_what_changes_the_sentences_that_are_set_aside_is_not_compared() -> None:
    held_out = RECIPE.override(["data.test=", "data.hold_out=2"])
    for varied in ("data.path=corpus,other", 'data.validation="",valid', "data.hold_out=2,3"):
        plan = plan_grid(held_out, [varied])
        assert len(plan.variants) == 1 and varied.partition("=")[0] in plan.refused[0].reason


def test_variants_are_named_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "variants.toml"
    file.write_text(
        '["as it is"]\n[reversed]\nmodel.encoder.reverse = true\n[wide.model.encoder]\nunits = [8]\n[no]\nsed = 1\n'
    )
    plan = plan_named(RECIPE, file)
    assert {variant.name: variant.assignments for variant in plan.variants} == {
        "as it is": (), "reversed": ("model.encoder.reverse=true",), "wide": ("model.encoder.units=[8]",)
    }  # fmt: skip
    assert plan.variants[0].folder == "as_it_is"
    assert "Did you mean seed?" in plan.refused[0].reason


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "with nothing"), ("seed = 1", "with seed"), ("[", "A list of variants is a TOML file")],
)
def test_a_file_that_names_no_variants_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "variants.toml").write_text(text)
    with pytest.raises(SettingsError, match=message):
        plan_named(RECIPE, tmp_path / "variants.toml")


@pytest.mark.parametrize("varied", ["seed=1,2", "name=a,b"])
def test_what_is_given_otherwise_is_not_varied(varied: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="How many seeds each is trained with is said by --seeds"):
        plan_grid(RECIPE, [varied])
    (tmp_path / "variants.toml").write_text("[a]\nseed = 3\n")
    with pytest.raises(SettingsError, match="Received: seed"):
        plan_named(RECIPE, tmp_path / "variants.toml")


def test_one_recipe_under_two_names_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"'dropout=0\.2' and 'dropout=0\.20', which have the same"):
        plan_grid(RECIPE, ["model.dropout=0.2,0.20"])


@pytest.mark.parametrize(
    "varied",
    ["evaluation.lowercase=false,true", "data.hold_out=3,4", "data.test=other,another", "data.source=lower,upper"],
)
def test_what_could_not_be_compared_is_refused_before_it_is_trained(varied: str) -> None:
    plan = plan_grid(RECIPE, [varied])
    assert len(plan.variants) == 1 and plan.first == plan.variants[0].name
    assert "on the same test sentences, by one measure. Received: " + varied.partition("=")[0] in plan.refused[0].reason


def test_other_metrics_and_training_text_can_be_compared() -> None:
    metrics = "evaluation.metrics=['bleu', 'chrf'],['chrf']"
    assert len(plan_grid(RECIPE, [metrics, "data.sample=5,6"]).variants) == 4


def test_variants_have_a_metric_that_all_have() -> None:
    plan = plan_grid(RECIPE, ["evaluation.metrics=['bleu', 'chrf'],['chrf', 'ter'],['bleu', 'ter'],['ter', 'chrf']"])
    assert [variant.recipe.evaluation.metrics for variant in plan.variants] == [
        ("bleu", "chrf"), ("chrf", "ter"), ("ter", "chrf")
    ]  # fmt: skip
    (refused,) = plan.refused
    assert 'evaluation.metrics=["bleu", "ter"], where those before it have chrf. Add one of these' in refused.reason


def test_a_folder_has_a_name_that_file_systems_take() -> None:
    folder = plan_grid(RECIPE, ["data.path=" + "語" * 110]).variants[0].folder
    assert 100 < len(folder.encode()) <= 120 and folder.endswith("語")


def test_two_variants_cannot_share_a_folder() -> None:
    with pytest.raises(SettingsError, match=r"'dropout=0\.1' and 'dropout=0\.1'.*Leave one out"):
        plan_grid(RECIPE, ["model.dropout=0.1,0.1"])
