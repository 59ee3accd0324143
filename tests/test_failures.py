"""What can go wrong, case by case: a sentence that names the place and the way out, the right status, nothing left."""

import errno
import gzip
import json
import os
import re
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from seq2seq.commands.command import main
from seq2seq.recipe import Data, EncoderSettings, ModelSettings, Recipe, load_recipe
from seq2seq.runs import running
from seq2seq.settings import SettingsError
from seq2seq.text.corpus import CorpusError, corpus_from_pairs, hold_out
from seq2seq.text.reading import read_corpus
from seq2seq.text.tokenizer import Tokenizer
from seq2seq.training.run_folder import open_run_folder

GOLDEN = Path(__file__).with_name("golden") / "format-2.s2s"
DATA = '[data]\npath = "corpus"\nsource = "de"\ntarget = "en"\nhold_out = 1\nvalidation = ""\ntest = ""\n'
RECIPE = f'name = "r"\n{DATA}'
LINES = b"eins\nzwei\ndrei\nvier\n"
CORPUS = {"corpus/train.de": LINES, "corpus/train.en": LINES}
Files = Mapping[str, bytes | str]


class Case(NamedTuple):
    """A command that fails.

    Attributes:
        name: What is wrong.
        command: The command, its parts with spaces between.
        status: Its exit status.
        message: Pattern of what it says.
        files: What lies in the folder where it is called.
        prepare: Anything else that is to be done there before.
    """

    name: str
    command: str
    status: int
    message: str
    files: Files = MappingProxyType({})
    prepare: Callable[[pytest.MonkeyPatch], object] | None = None


def recipe(name: str, text: str, message: str, status: int = 2) -> Case:
    """A recipe that is refused; its file is named."""
    return Case(f"recipe: {name}", "describe r.toml", status, message, {"r.toml": text})


def setting(assignment: str, message: str, status: int = 2) -> Case:
    """A setting of the command line that is refused."""
    return Case(f"--set {assignment}", f"describe r.toml --set {assignment}", status, message, {"r.toml": RECIPE})


def corpus(name: str, files: Files, message: str, data: str = DATA, status: int = 1) -> Case:
    """Text that cannot be trained on."""
    return Case(f"corpus: {name}", "train r.toml", status, message, {"r.toml": f'name = "r"\n{data}', **files})


def model(name: str, data: bytes, message: str, status: int = 1) -> Case:
    """A file that is no translator of this version."""
    return Case(f"model: {name}", "translate m.s2s", status, message, {"m.s2s": data})


def zipped(members: Files) -> bytes:
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        file.seek(0)
        return file.read()


def golden(**about: Any) -> bytes:
    """The golden file with another ``about.json``."""
    with zipfile.ZipFile(GOLDEN) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return zipped(members | {"about.json": json.dumps(json.loads(members["about.json"]) | about)})


def full(patch: pytest.MonkeyPatch) -> None:
    """A disk without space, as a file notices when it is brought to the disk."""

    def fsync(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    patch.setattr(os, "fsync", fsync)


def read_only(patch: pytest.MonkeyPatch) -> None:
    """Folders in which nothing can be made; tests may run as root, whom permissions do not stop."""

    def mkstemp(prefix: str = "", suffix: str = "", dir: Any = None) -> Any:
        raise PermissionError(errno.EACCES, "Permission denied", f"{dir}/{prefix}xyz{suffix}")

    def mkdir(path: Path, *arguments: Any, **options: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    patch.setattr(tempfile, "mkstemp", mkstemp)
    patch.setattr(Path, "mkdir", mkdir)


RUN = {"r.toml": RECIPE, **CORPUS, "runs/r/recipe.toml": RECIPE, "runs/r/run.json": "{}"}

USAGE = [
    Case("no command", "", 2, "usage: seq2seq"),
    Case("a command misspelt", "trian r.toml", 2, "invalid choice: 'trian' .*Did you mean 'train'"),
    Case(
        "an option misspelt", "translate m.s2s --beam-sise 2", 2, "arguments: --beam-sise 2. Did you mean '--beam-size'"
    ),
    Case("a search misspelt", "translate m.s2s --search gredy", 2, "invalid choice: 'gredy' .*Did you mean 'greedy'"),
    Case("no model", "translate", 2, "required: MODEL"),
    Case("no recipe", "train", 2, "required: RECIPE"),
    Case("an unknown option", "translate m.s2s --fast", 2, "unrecognized arguments: --fast"),
    Case("n best of nothing", "translate m.s2s --n-best 0", 2, "needs a whole number from 1 up. Received: 0"),
    Case("half a beam", "translate m.s2s --beam-size 1.5", 2, "needs a whole number from 1 up. Received: 1.5"),
    Case("a batch in words", "translate m.s2s --batch-size ten", 2, "needs a whole number from 1 up. Received: ten"),
    Case("a digit that is none", "translate m.s2s --batch-size ²", 2, "needs a whole number from 1 up. Received: ²"),
    Case(
        "more translations than hypotheses",
        "translate m.s2s --n-best 5 --beam-size 2",
        2,
        "has to be as wide. Received: --n-best 5 --beam-size 2",
        {"m.s2s": b""},
    ),
    Case("a negative penalty", "translate m.s2s --length-penalty -1", 2, "needs a number from 0 up. Received: -1"),
    Case("a penalty in words", "translate m.s2s --length-penalty nan", 2, "needs a number from 0 up. Received: nan"),
    Case("no reference", "evaluate m.s2s --source x", 2, "required: --target"),
    Case("a seed in words", "train r.toml --seed one", 2, "invalid int value: 'one'"),
    Case("no such model", "translate m.s2s", 2, "There is no model file. Received: m.s2s. Name the model.s2s"),
    Case("no such model to measure", "evaluate m.s2s --source x --target x", 2, "no model file", {"x": "a\n"}),
    Case("a folder for a model", "translate runs", 2, "There is no model file. Received: runs", {"runs/m.s2s": b""}),
    Case("no such input", "translate m.s2s --input x", 2, "no file to translate. Received: --input x"),
    Case("a folder as input", "translate m.s2s --input x", 2, "no file to translate", {"x/y": b""}),
    Case(
        "a file and a text",
        "translate m.s2s Haus --input x",
        2,
        "two things to translate. Received: TEXT and",
        {"x": ""},
    ),
    Case(
        "a file for a text",
        "translate m.s2s x",
        2,
        r"There is a file of this name, which may be what is meant. Received: TEXT x. .*--input x",
        {"x": "a\n"},
    ),
    Case("one stream for two", "evaluate m.s2s --source - --target -", 2, "Standard input is one text"),
    Case("output over input", "translate m.s2s --input x --output ./x", 2, "would overwrite the input", {"x": "a\n"}),
    Case("no such source", "evaluate m.s2s --source x --target x", 2, "no such text file. Received: x"),
    Case(
        "a metric misspelt",
        "evaluate m.s2s --source x --target x --metrics blue",
        2,
        r'--metrics must be a list, each item one of "bleu", .*Received: --metrics=\["blue"\]\. Did you mean "bleu"',
    ),
    Case(
        "a run that has not ended",
        "translate runs/r",
        2,
        "no model file yet.*Received: runs/r.*or go on with --resume; its recipe is runs/r/recipe.toml",
        {"runs/r/recipe.toml": RECIPE},
    ),
    Case("nothing to describe", "describe x.toml", 2, "no such recipe or model file. Received: x.toml"),
    Case("a folder to describe", "describe x", 2, "no such recipe or model file. Received: x", {"x/y": b""}),
    Case("no such recipe", "train x.toml", 2, "There is no recipe file x.toml. Give a TOML file, or"),
    Case("no such recipe script", "train x.py", 2, "There is no recipe file x.py"),
    Case("a folder for a recipe", "train x", 2, "There is no recipe file x", {"x/y": b""}),
    Case("nothing to benchmark", "benchmark x.toml", 2, "no such .* Received: x.toml"),
    Case("no text to benchmark", "benchmark m.s2s --input x", 2, "no such .* Received: x", {"m.s2s": zipped({})}),
    Case(
        "settings of a model to benchmark",
        "benchmark m.s2s --set seed=1 --steps 2",
        2,
        "Received: --set --steps with",
        {"m.s2s": zipped({})},
    ),
    Case(
        "settings of a model",
        "describe m.s2s --set seed=1",
        2,
        "settings of a trained model are what they are",
        {"m.s2s": zipped({"x": b""})},
    ),
    Case(
        "a contradiction to be verified",
        "verify-resume r.toml --steps 2 --kill-at 1 --out x",
        2,
        "per_layer passes encoder layer i to decoder layer i",
        {"r.toml": f"{RECIPE}[model.encoder]\nunits = [8]\n"},
    ),
    Case(
        "a negative seed",
        "train r.toml --seed -1",
        2,
        "seed must be a whole number from 0 to 4294967295",
        {"r.toml": RECIPE},
    ),
    setting("seed=4294967296", "seed must be a whole number from 0 to 4294967295. Received: seed=4294967296"),
    setting("training.skip_not_finite=-1", "training.skip_not_finite must be a whole number from 0 up"),
    setting("seed", "changed by section.key=value. Received: seed"),
    setting("model.depth=2", "There is no setting model.depth. .*has: architecture, width, embedding"),
    setting("model.cell=GRU", r'Received: model.cell="GRU"\. Did you mean "gru"\?'),
    setting("evaluation.metrics=BLEU", r'Received: evaluation.metrics=.*"BLEU".*Did you mean "bleu"\?'),
    setting("modle.encoder=2", "There is no setting modle. Did you mean model?"),
    setting("model.atention=dot", "no setting model.atention. Did you mean model.attention?"),
    setting(
        "model.attention.kind=dto", 'model.attention.kind must be one of .* Received: .*"dto". Did you mean "dot"?'
    ),
    setting("model.dropout=1", "model.dropout must be a number from 0 to below 1. Received: model.dropout=1"),
    setting("model.dropout=nan", "model.dropout must be a number from 0 to below 1"),
    setting("training.learning_rate=0", "training.learning_rate must be a number above 0"),
    setting("training.learning_rate=inf", "training.learning_rate must be a number above 0"),
    setting("training.epochs=many", 'whole number from 1 up. Received: training.epochs="many"'),
    setting("batches.size=0", "batches.size must be a whole number from 1 up. Received: batches.size=0"),
    setting("model.encoder.units=[]", "A stack needs at least one layer. Received: model.encoder.units=\\[\\]"),
    setting("model=3", "model is a section; change one of its settings"),
    setting("evaluation.metrics=bleu,chfr", "evaluation.metrics must be a list.*chfr"),
    setting("training.monitor=ter", "what is not measured cannot decide"),
    setting("model.encoder.units=[8]", "per_layer passes encoder layer i to decoder layer i"),
    setting("model.architecture=gnmt2016 --set model.tied=all --set tokenizer.joint=false", "needs one vocabulary"),
    setting("model.width=0.5", "A width is a factor for those of an architecture. Received: model.width=0.5"),
]

RECIPES = [
    recipe("empty", "", r"r.toml: the recipe needs name, data. Received: nothing"),
    recipe("no name", DATA, r"r.toml: the recipe needs name. Received: data"),
    recipe("no data", 'name = "r"\n', r"r.toml: the recipe needs data. Received: name"),
    recipe("no place of the data", 'name = "r"\n[data]\nsource = "a"\ntarget = "b"\n', r"\[data\] needs path"),
    recipe("an unknown key", f"{RECIPE}[model]\nlayers = 2\n", r"r.toml: There is no setting model.layers"),
    recipe("a key misspelt", f"{RECIPE}[model]\nencodr = [2]\n", r"r.toml: .*Did you mean model.encoder.units\?"),
    recipe("a key in the wrong section", f"dropout = 0.1\n{RECIPE}", r"no setting dropout. Did you mean model.dropout"),
    recipe("an unknown section", f"{RECIPE}[modle]\nx = 1\n", r"There is no setting modle. Did you mean model\?"),
    recipe("a value for a section", f"model = 3\n{RECIPE}", r"model is a section, \[model\]. Received: model=3"),
    recipe(
        "text for a number",
        f'seed = "7"\n{RECIPE}',
        r'seed must be a whole number from 0 to 4294967295. Received: seed="7"',
    ),
    recipe(
        "true for a number",
        f"seed = true\n{RECIPE}",
        r"seed must be a whole number from 0 to 4294967295. Received: seed=true",
    ),
    recipe("a date for a number", f"seed = 2020-01-01\n{RECIPE}", r"seed must be a whole number"),
    recipe("a number for text", f"{RECIPE}[model.attention]\nkind = 1\n", r"model.attention.kind must be one of"),
    recipe("a number for text, by an old name", f"{RECIPE}[model]\nattention = 1\n", r"model.attention.kind must be"),
    recipe("a share too large", f"{RECIPE}[model]\ndropout = 1.0\n", r"r.toml: model.dropout must be .* below 1"),
    recipe("not a number", f"{RECIPE}[training]\nlearning_rate = nan\n", r"learning_rate must be a number above 0"),
    recipe(
        "a layer of no units", f"{RECIPE}[model.encoder]\nunits = [0]\n", r"encoder.units must be a list, each item"
    ),
    recipe("a bridge of text", f'{RECIPE}[model.bridge]\nmode = [["a"]]\n', r"model.bridge.mode must be"),
    recipe("a name with a slash", f'name = "../r"\n{DATA}', r"name must be letters, digits.*it names the run folder"),
    recipe("no validation", RECIPE.replace("hold_out = 1\n", ""), r"A run needs sentences to validate on"),
    recipe("one tokenizer of two", f'{RECIPE}[tokenizer]\nsource_model = "x"\n', r"for both sides or for none"),
    recipe("no TOML", 'name = "r\n', r"r.toml is not TOML: .*line 1"),
    recipe("a key twice", f'name = "a"\n{RECIPE}', r"r.toml is not TOML: .*line 2"),
    recipe("NUL", f"{RECIPE}\x00", r"r.toml is not TOML: "),
    recipe("YAML", "name: r\ndata:\n  path: x\n", r"r.toml is not TOML: "),
    Case("recipe: no text", "describe r.toml", 2, "TOML file in UTF-8 or a Python file.*r.toml", {"r.toml": b"\xff"}),
    recipe("brackets without an end", f"seed = {'[' * 5000}", r"r.toml is not TOML"),
    recipe("a number without an end", f"seed = {'9' * 5000}\n{RECIPE}", r"r.toml is not TOML"),
    Case("script: no recipe", "train r.py", 2, r"module-level `recipe = .* r.py with recipe=None", {"r.py": "x = 1\n"}),
    Case("script: another recipe", "train r.py", 2, r"Received: r.py with recipe=5", {"r.py": "recipe = 5\n"}),
    Case("script: no Python", "train r.py", 2, r"r.py, line 2: SyntaxError", {"r.py": "x = 1\nrecipe = (\n"}),
    Case("script: an error", "train r.py", 2, r"r.py, line 2: ZeroDivisionError", {"r.py": "x = 1\nrecipe = 1 / 0\n"}),
    Case(
        "script: a bad setting",
        "train r.py",
        2,
        r"r.py, line 2: NoSuchSettingError: model.dropout must be",
        {"r.py": "from seq2seq.recipe import *\nrecipe = Recipe('r', None, model=ModelSettings(dropout=2.0))"},
    ),
]

TABLE = DATA.replace('"corpus"', '"t"')
DATES = TABLE.replace('"t"', '"dates"').replace('"de"', '"source"').replace('"en"', '"fr"')
CORPORA = [
    corpus("nowhere", {}, r"path='corpus', which is not there. Check the spelling"),
    corpus("an empty folder", {"corpus/x": b""}, r"A folder needs the split that was named.*There is instead: 'x'"),
    corpus("another split", {"corpus/dev.de": LINES, "corpus/dev.en": LINES}, r"instead the split: 'dev'"),
    corpus("one language", {"corpus/train.de": LINES, "corpus/x.en": b""}, r"'train.de' has no partner in 'en'"),
    corpus("several that fit", {**CORPUS, "corpus/train.tsv": b"de\ten\n"}, r"several fit: .*Name the split by more"),
    corpus("unequal lines", {**CORPUS, "corpus/train.en": b"one\n"}, r"train.de with 4 lines, .*train.en with 1 lines"),
    corpus("no UTF-8", {**CORPUS, "corpus/train.en": b"a\nb\nc\n\xe4\n"}, r"train.en, line 4, byte 1 .*iconv"),
    corpus("UTF-16", {**CORPUS, "corpus/train.en": LINES.decode().encode("utf-16")}, r"train.en, line 1, byte .*UTF-8"),
    corpus(
        "NUL", {**CORPUS, "corpus/train.en": b"a\nb\x00\nc\nd\n"}, r"NUL characters.*train.en, line 2, byte 2 .*UTF-16"
    ),
    corpus("nothing", {"corpus/train.de": b"", "corpus/train.en": b""}, r"at least one pair .*corpus/train: 0 pairs"),
    corpus("blank lines", {"corpus/train.de": b"\n \n", "corpus/train.en": b"\n\n"}, r"at least one pair.*2 empty"),
    corpus(
        "torn gzip",
        {"corpus/train.de.gz": gzip.compress(LINES)[:-9], "corpus/train.en": LINES},
        r"whole gzip data.*de.gz",
    ),
    corpus("no gzip", {"corpus/train.de.gz": LINES, "corpus/train.en": LINES}, r"whole gzip data.*train.de.gz"),
    corpus("dates into a language", {}, r"one of ar, bn, .* Received: target='fr'. Name the target 'target'", DATES),
    corpus(
        "a contradiction, before any text is looked for",
        {},
        "per_layer passes encoder layer i to decoder layer i",
        f"{DATA}[model]\nencoder = [8]\n",
        status=2,
    ),
    corpus("too few to set aside", CORPUS, r"4 distinct sources in", DATA.replace("hold_out = 1", "hold_out = 9")),
    corpus("no such column", {"t/train.tsv": b"de\tfr\na\tb\n"}, r"column 'en', .*train.tsv.*'de', 'fr'", TABLE),
    corpus("a ragged table", {"t/train.tsv": b"de\ten\na\tb\nc\n"}, r"train.tsv, line 3 with 1 columns", TABLE),
    corpus("an open quote", {"t/train.csv": b'de,en\n"a,b\n'}, r"quotes closed.*train.csv, line", TABLE),
    corpus("NUL in a table", {"t/train.csv": b"de,en\na\x00,b\n"}, r"train.csv, line 2, byte 2", TABLE),
    corpus("no JSON", {"t/train.jsonl": b'{"de": "a", "en": "b"}\n{"de": \n'}, r"train.jsonl, line 2", TABLE),
    corpus("JSON but a list", {"t/train.jsonl": b"[1, 2]\n"}, r"JSON object per line.*line 1, list", TABLE),
    corpus("JSON without an end", {"t/train.jsonl": b"[" * 10**5}, r"train.jsonl, line 1", TABLE),
    corpus(
        "JSON with a list for text", {"t/train.jsonl": b'{"de": [], "en": ""}\n'}, r"text in every row.*line 1", TABLE
    ),
    corpus(
        "half a surrogate pair", {"t/train.jsonl": b'{"de": "\\ud800", "en": "b"}\n'}, r"half a surrogate pair.*", TABLE
    ),
    corpus(
        "NUL by escape", {"t/train.jsonl": b'{"de": "a\\u0000", "en": "b"}\n'}, r"train.jsonl, line 1.*NUL at", TABLE
    ),
    corpus("no Parquet", {"t/train.parquet": b"PAR1 no more"}, r"needs to be whole.*t/train.parquet \(Parquet", TABLE),
    corpus(
        "no variable",
        {},
        r"variable CORPUS says where the data lie and is not set",
        TABLE.replace('"t"', '"$CORPUS"'),
        2,
    ),
    corpus(
        "no such tokenizer",
        CORPUS,
        r"x.model: No such file or directory. Check the spelling",
        f'{DATA}[tokenizer]\nsource_model = "x.model"\ntarget_model = "x.model"\n',
    ),
    corpus(
        "a tokenizer that is none",
        {**CORPUS, "x.model": b"x"},
        r"SentencePiece model.*File: x.model",
        f'{DATA}[tokenizer]\nsource_model = "x.model"\ntarget_model = "x.model"\n',
    ),
    corpus(
        "a vocabulary too small", CORPUS, r"vocab_size needs room.*at least \d+", f"{DATA}[tokenizer]\nvocab_size = 8\n"
    ),
    corpus("no such tokenisation", CORPUS, r"tokenize.*14a", f'{DATA}[evaluation]\ntokenize = "14a"\n'),
]

FOLDERS = [
    Case(
        "a file for a folder",
        "train r.toml --out x",
        1,
        "run needs a folder. Received: .*x.*Name another",
        {"x": b"", "r.toml": RECIPE, **CORPUS},
    ),
    Case(
        "a file on the way", "train r.toml --out x/y", 1, "x/y: Not a directory", {"x": b"", "r.toml": RECIPE, **CORPUS}
    ),
    Case("another run", "train r.toml", 1, "holds a run already, and a run is never overwritten.*--resume", RUN),
    Case(
        "no run to go on with",
        "train r.toml --resume",
        1,
        "There is no run to continue.*runs/r",
        {"r.toml": RECIPE, **CORPUS},
    ),
    Case("another seed", "train r.toml --resume --seed 5", 2, "where seed was 0 and is now 5. Set them back", RUN),
    Case(
        "another model",
        "train r.toml --resume --set model.embedding=5",
        2,
        "where model.embedding was .* and is now 5",
        RUN,
    ),
    Case(
        "a damaged recipe of a run",
        "train r.toml --resume",
        2,
        "runs/r/recipe.toml is not TOML",
        {**RUN, "runs/r/recipe.toml": "x"},
    ),
    Case("a damaged record", "train r.toml --resume", 1, "runs/r/run.json", {**RUN, "runs/r/run.json": "{"}),
    Case(
        "no record",
        "train r.toml --resume",
        1,
        "runs/r/run.json",
        {name: data for name, data in RUN.items() if "run.json" not in name},
    ),
    Case(
        "no tokenizer", "train r.toml --resume", 1, "runs/r/source.model", {**RUN, "runs/r/run.json": '{"data": null}'}
    ),
    Case(
        "a damaged result",
        "train r.toml",
        1,
        "runs/r/result.json",
        {**RUN, "runs/r/model.s2s": b"", "runs/r/result.json": "{"},
    ),
    Case(
        "a result of something else",
        "train r.toml",
        1,
        "runs/r/result.json, which holds no JSON object",
        {**RUN, "runs/r/model.s2s": b"", "runs/r/result.json": "[]"},
    ),
    Case(
        "a folder that cannot be written",
        "train r.toml",
        1,
        "runs/r: Permission denied. ",
        {"r.toml": RECIPE, **CORPUS},
        read_only,
    ),
    Case(
        "no space for a drawing",
        "describe r.toml --svg w.svg",
        1,
        "w.svg: No space left on device. Free",
        {"r.toml": RECIPE},
        full,
    ),
    Case(
        "no folder for a drawing",
        "describe r.toml --svg no/w.svg",
        1,
        "no/w.svg: No such file or directory",
        {"r.toml": RECIPE},
    ),
    Case(
        "a drawing nobody may write",
        "describe r.toml --svg w.svg",
        1,
        "w.svg: Permission denied",
        {"r.toml": RECIPE},
        read_only,
    ),
]

MODELS = [
    model("empty", b"", "damaged: it has 0 bytes"),
    model("text", b"hello\n", "damaged: it has 6 bytes and does not end as a zip file does. Received: m.s2s. Name"),
    model("cut short", GOLDEN.read_bytes()[:-100], "damaged: .*does not end as a zip file does"),
    model("its end only", GOLDEN.read_bytes()[-500:], "damaged: its members say to have .* and it has 500. .*m.s2s"),
    model(
        "a foreign zip", zipped({"notes.txt": b""}), r"A translator file holds .*with 'notes.txt'. Name the model.s2s"
    ),
    model("an empty zip", zipped({}), "A translator file holds .*with nothing"),
    model("a path that leads out", zipped({"../x": b""}), "with '../x'"),
    model("a later version", golden(format=99), "up to format 2. Received: m.s2s of format 99. Use the version"),
    model("another checksum", golden(checksums={}), "the checksum of .* is not the one in about.json"),
    model("no settings", golden(decoding=[]), "decoding in about.json is no object"),
    model("no limit", golden(length_limit=2), "length_limit in about.json is no object"),
    model("another limit", golden(length_limit={"lines": 2}), "is damaged: A length limit is a table of lines.*m.s2s"),
    Case("model: measured", "evaluate m.s2s --source x --target x", 1, "damaged", {"m.s2s": b"x", "x": "a\n"}),
    Case("model: described", "describe m.s2s", 1, "A translator file holds", {"m.s2s": zipped({})}),
    Case(
        "unequal texts",
        "evaluate m.s2s --source x --target y",
        1,
        "x with 2, y with 1 lines",
        {"m.s2s": b"", "x": "a\nb\n", "y": "a"},
    ),
    Case(
        "a source that is no text",
        "evaluate m.s2s --source x --target x",
        1,
        "x, line 1, byte 2",
        {"m.s2s": b"", "x": b"a\xff"},
    ),
]

CASES = USAGE + RECIPES + CORPORA + FOLDERS + MODELS


def files_in(folder: Path) -> dict[str, bytes]:
    """Every file of a folder and what it holds; what Python keeps for itself does not count."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def folders_in(folder: Path) -> set[str]:
    """Every folder inside a folder, but for those that are kept for other runs."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_dir())
    return {str(path) for path in found if not {"__pycache__", ".tokenised"} & {*path.parts}}


def no_training(*arguments: Any) -> None:
    raise RuntimeError("nothing was found to be wrong")


def run(*arguments: str) -> int:
    try:
        return main(arguments)
    except SystemExit as stop:
        return int(stop.code or 0)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_command_that_fails(
    case: Case, here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, data in case.files.items():
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    before, folders = files_in(here), folders_in(here)
    with monkeypatch.context() as patch:
        if case.prepare:
            case.prepare(patch)
        patch.setattr(running, "_train", no_training)
        status = run(*case.command.split())
    out, err = capfd.readouterr()
    assert re.search(case.message, err, re.DOTALL), err
    assert status == case.status, err
    assert "Traceback" not in err and "Errno" not in err
    assert err.startswith("usage: seq2seq") or "seq2seq: error: " in err
    assert len(err) < 2000
    assert out == "" or "--svg" in case.command
    assert files_in(here) == before
    assert folders_in(here) - {"runs"} == folders - {"runs"}  # where tokenised text is kept for the next run


def test_there_are_many_cases_and_each_has_a_name() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 60


@pytest.mark.parametrize("command", ["translate m.s2s", "train r.toml", "describe r.toml"])
def test_debug_shows_where(command: str, here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (here / "m.s2s").touch()
    (here / "r.toml").write_text("x")
    assert run(*command.split(), "--debug") in (1, 2)
    err = capfd.readouterr().err
    assert "Traceback" in err and "seq2seq: error: " in err


LIBRARY = [
    (lambda: Tokenizer.train([]), ValueError, "needs text to learn from"),
    (lambda: Tokenizer.train([" ", ""]), ValueError, "needs text to learn from"),
    (lambda: Tokenizer.train(["abcdefgh"], vocab_size=5), ValueError, "vocab_size needs room"),
    (
        lambda: Tokenizer.train(["a"], kind="wrod"),
        ValueError,
        "kind is one of: .* Received: kind='wrod'. Did you mean 'word'",
    ),
    (lambda: Tokenizer.train(["a"], normalization="nfd"), ValueError, "normalization is one of: identity"),
    (lambda: Tokenizer(b""), ValueError, "Received: 0 bytes that are none"),
    (lambda: Tokenizer(b"\xff" * 99), ValueError, "Received: 99 bytes that are none"),
    (lambda: Tokenizer.load("absent.model"), FileNotFoundError, r"absent\.model"),
    (lambda: Tokenizer.train(["a"]).piece(99), IndexError, "Received: id=99, vocab_size="),
    (lambda: read_corpus("absent", "train", source="a", target="b"), CorpusError, "which is not there"),
    (lambda: read_corpus("dates", "dev", source="", target=""), CorpusError, "split='dev'"),
    (lambda: hold_out(corpus_from_pairs([("a", "b")]), 1), CorpusError, "more distinct sources than it holds out"),
    (lambda: hold_out(corpus_from_pairs([("a", "b")]), 0), CorpusError, "positive number"),
    (lambda: Recipe("r", Data("c", "a", "b", hold_out=-1)), SettingsError, "data.hold_out must be"),
    (lambda: Recipe("", Data("c", "a", "b")), SettingsError, "name must be letters"),
    (lambda: Recipe("r", "corpus"), SettingsError, "data must be a Data. Received: data='corpus'"),
    (lambda: EncoderSettings(units=(0,)), SettingsError, "model.encoder.units must be"),
    (
        lambda: ModelSettings(encoder=(8,)),
        SettingsError,
        r"model.encoder must be an .*EncoderSettings\(units=\(8,\)\)",
    ),
    (lambda: load_recipe("absent.toml"), FileNotFoundError, "There is no recipe file absent.toml"),
    (lambda: open_run_folder("absent", resume=True), FileNotFoundError, "no run to continue"),
    (lambda: open_run_folder(__file__), NotADirectoryError, "which is a file"),
]


@pytest.mark.parametrize(("call", "kind", "message"), LIBRARY, ids=range(len(LIBRARY)))
def test_a_call_that_fails(
    call: Callable[[], object], kind: type[Exception], message: str, here: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(kind, match=message):
        call()
    assert files_in(here) == {}
    assert capfd.readouterr() == ("", "")
