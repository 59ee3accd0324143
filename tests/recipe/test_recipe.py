import dataclasses
import sys
import typing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.recipe import (
    AttentionSettings,
    BatchSettings,
    BridgeSettings,
    Data,
    DecoderSettings,
    DecodingSettings,
    EncoderSettings,
    EvaluationSettings,
    ModelSettings,
    Recipe,
    SourceTokenizerSettings,
    TargetTokenizerSettings,
    TeacherForcingSettings,
    TokenizerSettings,
    TrainingSettings,
    load_recipe,
)
from seq2seq.search import Beam
from seq2seq.settings import SettingsError, kinds, parse_value, sections, write_value
from seq2seq.settings.docstrings import meanings

TINY = Recipe("tiny", Data("corpus", "de", "en"))
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
word = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    bridge = st.sampled_from(["per_layer", "zero"]) | st.lists(st.lists(st.integers(-3, 3))).map(
        lambda table: tuple(map(tuple, table))
    )
    return Recipe(
        name=draw(st.from_regex(r"[a-z][a-z0-9_.-]*", fullmatch=True)),
        data=Data(draw(word), draw(word), draw(word), test=draw(text), hold_out=draw(st.integers(0, 9))),
        tokenizer=TokenizerSettings(
            symbols=tuple(draw(st.lists(text))),
            joint=False,
            source=SourceTokenizerSettings(
                draw(st.sampled_from(["as_tokenizer", "char"])), draw(st.just("as_tokenizer") | st.integers(8, 99))
            ),
            target=TargetTokenizerSettings(model=draw(text)),
        ),
        model=ModelSettings(
            residual_from=draw(st.just("none") | st.integers(0, 5)),
            encoder=EncoderSettings(
                units=tuple(draw(st.lists(st.integers(1, 999), min_size=1))),
                bidirectional=draw(st.sampled_from(["never", "all"]) | st.lists(st.booleans()).map(tuple)),
                dropout=draw(st.just("as_model") | st.floats(0, 0.9)),
            ),
            bridge=BridgeSettings(draw(bridge)),
        ),
        training=TrainingSettings(learning_rate=draw(st.floats(1e-30, 1e30))),
        seed=draw(st.integers(0, 2**32 - 1)),
    )


@given(recipes())
def test_toml_gives_the_same_recipe_again(recipe: Recipe) -> None:
    assert Recipe.from_text(recipe.to_toml()) == recipe


@pytest.mark.slow
@given(recipes(), recipes())
def test_changes_as_overrides_make_the_other_recipe(recipe: Recipe, other: Recipe) -> None:
    lines = other.to_toml().split("\n")
    assignments, section = [], ""
    for line in filter(None, lines):
        if line.startswith("["):
            section = line.strip("[]") + "."
        else:
            key, _, value = line.partition(" = ")
            assignments.append(f"{section}{key}={value}")
    assert recipe.override(assignments) == other
    assert other.changes(recipe.override(assignments)) == {}


def test_toml_keeps_defaults_of_what_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "tiny.toml"
    path.write_text(
        'name = "tiny"\n[data]\npath = "corpus"\nsource = "de"\ntarget = "en"\n[model.attention]\nkind = "dot"\n'
    )
    assert load_recipe(path) == dataclasses.replace(TINY, model=ModelSettings(attention=AttentionSettings("dot")))
    # Not taken for what a run stored before there were pools.
    some = "\n[batches]\nsize = 9\nunit = 'sentences'\nmax_source_length = 9\nmax_target_length = 9\n"
    path.write_text(path.read_text() + some + "[decoding]\n[evaluation]\n[training]\n")
    assert load_recipe(path).batches.pool == BatchSettings().pool


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        ("model.attention.kind=dot", "dot"),
        ('model.attention.kind="dot"', "dot"),
        ("model.encoder.units=512", (512,)),
        ("model.encoder.units=512,256", (512, 256)),
        ("model.encoder.units=[512, 256]", (512, 256)),
        ("model.bridge.mode=last_layer", "last_layer"),
        ("model.bridge.mode=[[0],[1,-1],[]]", ((0,), (1, -1), ())),
        ("model.encoder.bidirectional=true,false", (True, False)),
        ("model.residual_from=1", 1),
        ("training.learning_rate=1e-4", 1e-4),
        ("training.clip_norm=5", 5.0),
        ("data.source=no", "no"),
        ("data.source=5", "5"),
        ("data.test=", ""),
        ("data.path=a=b", "a=b"),
        ("evaluation.metrics=bleu,chrf", ("bleu", "chrf")),
        ("evaluation.metrics=[bleu, chrf]", ("bleu", "chrf")),
        ("seed=7", 7),
    ],
)
def test_override_types_a_value_by_its_setting(assignment: str, expected: object) -> None:
    recipe: object = TINY.override([assignment])
    for name in assignment.partition("=")[0].split("."):
        recipe = getattr(recipe, name)
    assert recipe == expected
    assert type(recipe) is type(expected)


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("model.atention=dot", r"no setting model\.atention\. Did you mean model\.attention\.kind\?"),
        ("attention=dot", r"Did you mean model\.attention\?"),
        ("modle.attention=dot", r"no setting modle\. Did you mean model\?"),
        ("name.x=1", r"no setting name"),
        ("model=dot", r"model is a section; change one of its settings: architecture, width, embedding, "),
        ("model.unit=8", r"no setting model\.unit\. Did you mean model\.encoder\.units\?"),
        ("model.decoder.bidirectional=all", r"Did you mean model\.encoder\.bidirectional\?"),
        ("model.attention.kind", r"changed by section\.key=value\. Received: model\.attention\.kind\."),
        (
            "model.attention.kind=dott",
            r'one of "none", "dot".*Received: model\.attention\.kind="dott"\. Did you mean "dot"\?',
        ),
        (
            "model.bridge.mode=per-layer",
            r'or a list.*Received: model\.bridge\.mode="per-layer"\. Did you mean "per_layer"\?',
        ),
        ("model.encoder.units=0", r"a list, each item a whole number from 1 up\. Received: model\.encoder\.units=0\."),
        ("model.encoder.units=[]", r"at least one layer\. Received: model\.encoder\.units=\[\]"),
        ("model.dropout=1", r"a number from 0 to below 1\. Received: model\.dropout=1\."),
        ("training.learning_rate=0", r"a number above 0\. Received: training\.learning_rate=0\."),
        ("training.learning_rate=inf", r"a number above 0"),
        ("training.epochs=2.5", r"a whole number from 1 up\. Received: training\.epochs=2\.5\."),
        ("training.epochs=true", r"a whole number from 1 up\. Received: training\.epochs=true\."),
        ("data.streaming=1", r"true or false\. Received: data\.streaming=1\."),
        ("training.schedule_factor=1", r"above 0 to below 1\. Received: training\.schedule_factor=1\."),
        ("training.schedule_start=3", r'belongs to the schedule luong\. .*=3\.0, training\.schedule="constant"'),
        ("training.schedule_factor=0.7", r"belongs to the schedule luong or plateau"),
        ("data.validation=", r'to validate on\. Received: data\.validation="", data\.hold_out=0'),
        ("tokenizer.source_model=x.model", r"both sides or for none"),
        ("tokenizer.source.model=x.model", r"both sides or for none"),
        (
            "tokenizer.source.kind=char",
            r'cut in one way\..*joint=true, tokenizer\.source\.kind="char", tokenizer\.target\.kind="unigram"\.',
        ),
        ("tokenizer.target.kind=chr", r'Received: tokenizer\.target\.kind="chr"\. Did you mean "char"\?'),
        ("tokenizer.target.vocab_size=7", r"from 8 up\. Received: tokenizer\.target\.vocab_size=7"),
        ("tokenizer.source.joint=true", r"no setting tokenizer\.source\.joint\. Did you mean tokenizer\.joint\?"),
        ("decoding.kind=greedy", r"no setting decoding\.kind\. Did you mean decoding\.search\.kind\?"),
        ("evaluation.metrics=blue", r'Received: evaluation\.metrics="blue"\. Did you mean "bleu"\?'),
        ("name=a/b", r'name must be letters, digits.*Received: name="a/b"'),
    ],
)
def test_what_is_refused(assignment: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        TINY.override([assignment])


def test_python_values_are_checked_and_kept_as_tuples() -> None:
    assert EncoderSettings(units=[64, 64]).units == (64, 64)  # type: ignore[arg-type]
    with pytest.raises(
        SettingsError, match=r'"first", "all", or a list.* Received: model\.encoder\.bidirectional=true'
    ):
        EncoderSettings(bidirectional=True)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match=r"beam_size must be .* Received: beam_size=0"):
        DecodingSettings(Beam(0))
    with pytest.raises(SettingsError, match=r"batches must be a BatchSettings\. Received: batches=64"):
        Recipe("tiny", TINY.data, batches=64)  # type: ignore[arg-type]


def test_a_side_of_the_tokenizer_says_what_is_another() -> None:
    changed = TINY.override(["tokenizer.joint=false", "tokenizer.kind=word", "tokenizer.source.kind=char"])
    assert [side.kind for side in changed.tokenizer.sides()] == ["char", "word"]
    assert [side.symbols for side in changed.override(["tokenizer.symbols=<a>"]).tokenizer.sides()] == [("<a>",)] * 2
    with pytest.raises(SettingsError, match=r'source\.model="x", tokenizer\.source\.kind="char"\. Leave kind out'):
        changed.override(["tokenizer.source.model=x"])


def test_a_bad_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    cases = [
        ("name =\n", r"bad\.toml is not TOML: .*line 1"),
        ('name = "x"', r"bad\.toml: the recipe needs data\. Received: name"),
        ('name = "x"\ndata = 3', r"bad\.toml: data is a section, \[data\]\. Received: data=3"),
        ('name = "x"\n[data]\npath = "c"', r"bad\.toml: \[data\] needs source, target\. Received: path"),
        ('name = "x"\n[data]\npath = "c"\nsource = 1\ntarget = "en"', r"bad\.toml: data\.source must be"),
        ("seed = 2\n[dta]\n", r"bad\.toml: There is no setting dta\. Did you mean data\?"),
    ]
    for content, message in cases:
        path.write_text(content)
        with pytest.raises(SettingsError, match=message):
            load_recipe(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match=r"TOML file in UTF-8 or a Python file"):
        load_recipe(path)
    with pytest.raises(FileNotFoundError, match=r"There is no recipe file"):
        load_recipe(tmp_path / "absent.toml")
    with pytest.raises(FileNotFoundError, match=r"There is no recipe file"):
        load_recipe(tmp_path / "absent.py")


def test_a_file_may_begin_with_the_mark_of_an_editor(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(TINY.to_toml(), encoding="utf-8-sig")
    assert Recipe.from_toml(tmp_path / "tiny.toml") == TINY


def test_a_recipe_script_gives_its_recipe(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text("from seq2seq.recipe import Data, Recipe\nrecipe = Recipe('tiny', Data('corpus', 'de', 'en'))\n")
    assert load_recipe(script) == TINY
    script.write_text("recipe = 3\n")
    with pytest.raises(SettingsError, match=r"module-level `recipe = Recipe\(\.\.\.\)`\. Received: .*recipe=3"):
        load_recipe(script)


def test_a_recipe_script_may_have_types_and_files_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "sizes_beside_it.py").write_text("HIDDEN = 24\n")
    (tmp_path / "typed.py").write_text(
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\n"
        "from sizes_beside_it import HIDDEN\n"
        "from seq2seq.recipe import Data, ModelSettings, Recipe\n"
        "@dataclass\n"
        "class Widths:\n"
        "    hidden: int = HIDDEN\n"
        "recipe = Recipe('typed', Data('corpus', 'de', 'en'), model=ModelSettings(embedding=Widths().hidden))\n"
    )
    before = sys.path.copy()
    assert load_recipe(tmp_path / "typed.py").model.embedding == 24
    assert sys.path == before


def test_a_path_may_name_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    data = Data("$CORPORA/multi30k", "de", "en")
    monkeypatch.setenv("CORPORA", "/corpora")
    assert data.place() == "/corpora/multi30k"
    monkeypatch.delenv("CORPORA")
    with pytest.raises(SettingsError, match=r"CORPORA .* not set.*--data"):
        data.place()
    with pytest.raises(SettingsError, match=r"variable CORPORA "):
        Data("${CORPORA}/multi30k", "de", "en").place()


def test_every_setting_is_documented() -> None:
    for _, cls in sections(Recipe):
        assert kinds(cls).keys() <= meanings(cls).keys(), cls.__name__


@given(text)
def test_any_text_is_read_as_that_text_or_its_quoted_form(value: str) -> None:
    assert parse_value(write_value(value), str) == value
    if value.lstrip()[:1] not in ("'", '"'):
        assert parse_value(value, str) == value


def test_settings_of_other_sections_do_not_leak() -> None:
    assert kinds(BatchSettings).keys() == {"size", "unit", "max_source_length", "max_target_length", "pool"}


def test_what_is_not_measured_cannot_decide() -> None:
    recipe = Recipe("tiny", Data("corpus", "de", "en"), evaluation=EvaluationSettings(metrics=("ter",)))
    for monitor in ("", "loss", "ter", "val_ter"):
        assert recipe.override([f"training.monitor={monitor}"]).training.monitor == monitor
    with pytest.raises(SettingsError, match=r'perplexity, accuracy, ter: .* Received: training\.monitor="bleu"'):
        recipe.override(["training.monitor=bleu"])


def test_schedules_may_have_settings() -> None:
    recipe = TINY.override(["training.schedule=luong", "training.schedule_start=8", "training.schedule_every=0.5"])
    assert (recipe.training.schedule_start, recipe.training.schedule_every) == (8.0, 0.5)
    recipe = TINY.override(["training.schedule_patience=3", "training.schedule=plateau"])
    assert recipe.training.schedule_patience == 3


def test_names_of_modes_are_those_of_the_parts() -> None:
    from seq2seq.layers import CELLS, attention, bridge, stack
    from seq2seq.metrics import METRICS
    from seq2seq.models.architectures import ARCHITECTURES
    from seq2seq.models.teacher_forcing import RISES
    from seq2seq.text import tokenizer
    from seq2seq.training.optimizers import OPTIMIZERS
    from seq2seq.training.schedules import SCHEDULES

    model, training, text = kinds(ModelSettings), kinds(TrainingSettings), kinds(TokenizerSettings)
    bridged = kinds(BridgeSettings)
    assert names(bridged["mode"]) == set(bridge.MODES)
    assert names(bridged["to"]) == set(bridge.TO)
    assert names(bridged["directions"]) == set(bridge.DIRECTIONS)
    assert names(bridged["merge"]) == set(bridge.MERGES)
    assert names(bridged["states"]) == set(bridge.STATES)
    assert names(bridged["project"]) == set(bridge.PROJECT)
    assert names(bridged["activation"]) == set(bridge.ACTIVATIONS)
    assert names(bridged["align"]) == set(bridge.ALIGN)
    assert names(bridged["missing"]) == set(bridge.MISSING)
    assert names(kinds(AttentionSettings)["kind"]) == {"none", *attention.ATTENTIONS}
    assert names(kinds(EncoderSettings)["bidirectional"]) == set(stack.BIDIRECTIONAL)
    assert names(model["cell"]) == set(CELLS)
    for side in (EncoderSettings, DecoderSettings):
        assert names(kinds(side)["cell"]) == {"as_model", *CELLS}
    assert names(model["architecture"]) == {"", *ARCHITECTURES}
    assert names(training["optimizer"]) == set(OPTIMIZERS)
    assert names(training["schedule"]) == set(SCHEDULES)
    assert names(kinds(TeacherForcingSettings)["schedule"]) == set(RISES)
    assert names(text["kind"]) == set(tokenizer.KINDS)
    assert names(text["normalization"]) == set(tokenizer.NORMALIZATIONS)
    for side in (SourceTokenizerSettings, TargetTokenizerSettings):
        assert names(kinds(side)["kind"]) == {"as_tokenizer", *tokenizer.KINDS}
        assert names(kinds(side)["normalization"]) == {"as_tokenizer", *tokenizer.NORMALIZATIONS}
    assert names(typing.get_args(kinds(EvaluationSettings)["metrics"])[0]) == set(METRICS)


def names(kind: object) -> set[str]:
    """The names that a setting takes."""
    if typing.get_origin(kind) is typing.Literal:
        return set(typing.get_args(kind))
    return set().union(*(names(part) for part in typing.get_args(kind) if typing.get_origin(part) is typing.Literal))
