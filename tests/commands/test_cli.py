import io
import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import keras
import pytest

from seq2seq import Decoder, Encoder, Seq2Seq, StateBridge, Tokenizer, Translator
from seq2seq.commands.command import main
from seq2seq.recipe import EvaluationSettings
from seq2seq.search import Beam, Greedy
from seq2seq.settings import to_table

WORDS = ["ein", "Haus", "am", "See", "und", "der", "Wald"]


@pytest.fixture(scope="module")
def translator() -> Translator:
    tokenizer = Tokenizer.train(WORDS, kind="char")
    keras.utils.set_random_seed(3)
    decoder = Decoder(tokenizer.vocab_size, 8, [12], attention="dot")
    model = Seq2Seq(Encoder(tokenizer.vocab_size, 8, [12]), StateBridge([12]), decoder)
    for weight in model.trainable_variables:  # large weights: an untrained model would say the same to everything
        weight.assign(4 * weight)
    about = {
        "decoding": {"beam_size": 2, "batch_size": 2},
        "evaluation": to_table(EvaluationSettings(metrics=("exact_match", "bleu"))),
    }
    return Translator(model, tokenizer, tokenizer, about=about)


@pytest.fixture(scope="module")
def model(translator: Translator, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("model") / "model.s2s"
    translator.save(path)
    return str(path)


class Stdin:
    """What a process gets on its standard input."""

    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)

    def isatty(self) -> bool:
        return False


def run(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], *arguments: str, stdin: bytes = b""
) -> tuple[int, bytes, str]:
    monkeypatch.setattr(sys, "stdin", Stdin(stdin))
    status = main(arguments)
    out, err = capfdbinary.readouterr()
    return status, out, err.decode()


@pytest.fixture
def seq2seq(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]):
    def command(*arguments: str, stdin: bytes = b"") -> tuple[int, bytes, str]:
        return run(monkeypatch, capfdbinary, *arguments, stdin=stdin)

    return command


class TestUsage:
    @pytest.mark.parametrize(
        "arguments",
        [
            [],
            ["trian"],
            ["translate"],
            ["translate", "MODEL", "--n-best", "0"],
            ["translate", "MODEL", "--beam-size", "two"],
            ["evaluate", "MODEL", "--source", "x.de"],
            ["train", "RECIPE", "--seed", "one"],
        ],
    )
    def test_a_bad_command_line_ends_with_status_2(self, arguments: list[str], capsys: pytest.CaptureFixture) -> None:
        with pytest.raises(SystemExit) as exit:
            main(arguments)
        assert exit.value.code == 2
        out, err = capsys.readouterr()
        assert out == "" and err.startswith("usage: seq2seq")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["translate", "absent.s2s"], "There is no model file. Received: absent.s2s"),
            (["translate", "MODEL", "--input", "absent.de"], "Received: --input absent.de"),
            (["evaluate", "MODEL", "--source", "absent.de", "--target", "absent.en"], "Received: absent.de"),
            (["evaluate", "MODEL", "--source", "x", "--target", "x", "--metrics", "blue"], "There is no metric blue"),
            (["describe", "absent.toml"], "Received: absent.toml"),
            (["describe", "MODEL", "--set", "seed=1"], "The settings of a trained model are what they are"),
            (["train", "absent.toml"], "There is no recipe file absent.toml"),
            (["benchmark", "absent.toml"], "Received: absent.toml"),
            (["benchmark", "MODEL", "--set", "seed=1", "--steps", "2"], "Received: --set --steps with"),
            (["benchmark", "MODEL", "--input", "absent.de"], "Received: absent.de"),
        ],
    )
    def test_what_cannot_be_ends_with_status_2(self, seq2seq, model: str, arguments: list[str], message: str) -> None:
        status, out, err = seq2seq(*(model if part == "MODEL" else part for part in arguments))
        assert status == 2 and out == b""
        assert err.startswith("seq2seq: error: ") and message in err and "Traceback" not in err

    def test_output_over_the_input_is_refused(self, seq2seq, model: str, tmp_path: Path) -> None:
        path = tmp_path / "text"
        path.write_text("ein Haus\n")
        status, _, err = seq2seq(
            "translate", model, "--input", str(path), "--output", f"{tmp_path}/../{tmp_path.name}/text"
        )
        assert status == 2 and "would overwrite the input" in err
        assert path.read_text() == "ein Haus\n"

    def test_a_file_that_is_no_translator_ends_with_status_1(self, seq2seq, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "foreign.s2s", "w") as archive:
            archive.writestr("notes.txt", "")
        for command in ("translate", "describe"):
            status, out, err = seq2seq(command, str(tmp_path / "foreign.s2s"))
            assert (status, out) == (1, b"")
            assert "A translator file holds" in err and "Traceback" not in err

    def test_debug_shows_where(self, seq2seq, tmp_path: Path) -> None:
        (tmp_path / "empty.s2s").touch()
        status, _, err = seq2seq("translate", str(tmp_path / "empty.s2s"), "--debug")
        assert status == 1 and "Traceback" in err and "seq2seq: error: " in err


class TestTranslate:
    # What Python, but no other program, takes for the end of a line; empty lines; an end without newline.
    LINES = ("ein Haus", "", "am See\u2028und\x85der\x0cWald", "  ", "Wald", "und", "der See")

    def test_one_line_for_each_line(self, seq2seq, model: str, translator: Translator) -> None:
        expected = "".join(f"{text}\n" for text in translator.translate(self.LINES)).encode()
        status, out, _ = seq2seq("translate", model, stdin="\n".join(self.LINES).encode())
        assert (status, out) == (0, expected)
        status, out, _ = seq2seq("translate", model, stdin=("\r\n".join(self.LINES) + "\r\n").encode())
        assert (status, out) == (0, expected)

    def test_more_lines_than_are_read_at_a_time(self, seq2seq, model: str, translator: Translator) -> None:
        lines = [WORDS[place % 7] for place in range(130)]  # 32 batches of 2 are read at a time
        status, out, _ = seq2seq("translate", model, "--beam-size", "1", stdin="\n".join(lines).encode())
        assert status == 0
        assert out.decode().split("\n") == [*translator.translate(lines, Greedy()), ""]

    def test_files(self, seq2seq, model: str, translator: Translator, tmp_path: Path) -> None:
        (tmp_path / "in").write_text("ein Haus\nWald\n")
        status, out, _ = seq2seq("translate", model, "--input", f"{tmp_path}/in", "--output", f"{tmp_path}/out")
        assert (status, out) == (0, b"")
        assert (tmp_path / "out").read_text().splitlines() == translator.translate(["ein Haus", "Wald"])

    def test_scores_and_the_n_best(self, seq2seq, model: str, translator: Translator) -> None:
        found = translator.hypotheses(["ein Haus", "", "Wald"], Beam(3, n_best=3))
        status, out, _ = seq2seq("translate", model, "--n-best", "3", "--scores", stdin=b"ein Haus\n\nWald\n")
        rows = [row.split("\t") for row in out.decode().splitlines()]
        assert status == 0
        assert [row[0] for row in rows] == ["1", "1", "1", "2", "3", "3", "3"]
        flat = [hypothesis for hypotheses in found for hypothesis in hypotheses]
        assert [row[2] for row in rows] == [text for text, _ in flat]
        assert [float(row[1]) for row in rows] == pytest.approx([score for _, score in flat], abs=1e-4)
        status, out, _ = seq2seq("translate", model, "--scores", "--beam-size", "3", stdin=b"Wald\n")
        assert out.decode() == f"{flat[4].score:.4f}\t{flat[4].text}\n"

    def test_a_file_and_stdin_are_read_alike(self, seq2seq, model: str, tmp_path: Path) -> None:
        data = "\ufeffein Haus\r\n\r\nam\x00See\u2028Wald\nund\r".encode()
        (tmp_path / "in").write_bytes(data)
        assert seq2seq("translate", model, stdin=data) == seq2seq("translate", model, "--input", f"{tmp_path}/in")

    def test_the_length_penalty(self, seq2seq, model: str, translator: Translator, tmp_path: Path) -> None:
        for penalty in (0.0, 2.5):
            best = translator.hypotheses(["ein Haus"], replace(translator.search, length_penalty=penalty))[0][0]
            options = ["--length-penalty", str(penalty)]
            status, out, _ = seq2seq("translate", model, "--scores", *options, stdin=b"ein Haus\n")
            assert (status, out.decode()) == (0, f"{best.score:.4f}\t{best.text}\n")
            (tmp_path / "x.de").write_text("ein Haus\n")
            (tmp_path / "x.en").write_text(f"{best.text}\n")
            files = ["--source", f"{tmp_path}/x.de", "--target", f"{tmp_path}/x.en"]
            status, out, _ = seq2seq("evaluate", model, *files, *options, "--json")
            assert json.loads(out)["metrics"]["exact_match"] == 100
        assert translator.hypotheses(["ein Haus"], Beam(2, length_penalty=0.0)) != translator.hypotheses(["ein Haus"])

    def test_nothing_in_nothing_out(self, seq2seq, model: str) -> None:
        assert seq2seq("translate", model)[:2] == (0, b"")

    def test_a_line_that_is_no_utf_8_is_translated_too(self, seq2seq, model: str, translator: Translator) -> None:
        status, out, err = seq2seq("translate", model, stdin=b"ein Haus\nWald\nam \xff See\n\xfe\nund\n")
        assert status == 0
        expected = translator.translate(["ein Haus", "Wald", "am \ufffd See", "\ufffd", "und"])
        assert out.decode().split("\n") == [*expected, ""]
        assert err.count("warning") == 1
        assert "Received: stdin, line 3, byte 4 of the line is 0xff" in err

    def test_a_reader_that_has_seen_enough_is_no_error_to_tell(self, model: str) -> None:
        command = f'printf "Wald\\n%.0s" $(seq 400) | "{sys.executable}" -m seq2seq translate "{model}" | head -n 1'
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
        assert done.stdout.count("\n") == 1
        assert done.stderr == ""


class TestEvaluate:
    def test_translations_equal_to_the_references_are_perfect(
        self, seq2seq, model: str, translator: Translator, tmp_path: Path
    ) -> None:
        sources = ["ein Haus am See", "der Wald und der See", "Haus"]
        (tmp_path / "x.de").write_text("\n".join(sources))
        (tmp_path / "x.en").write_text("\n".join(translator.translate(sources)) + "\n")
        files = ["--source", f"{tmp_path}/x.de", "--target", f"{tmp_path}/x.en"]
        status, out, _ = seq2seq("evaluate", model, *files, "--json")
        result = json.loads(out)
        assert status == 0 and result["sentences"] == 3
        assert result["metrics"]["exact_match"] == 100
        assert list(result["metrics"]) == list(result["signatures"]) == ["exact_match", "bleu"]
        status, out, _ = seq2seq("evaluate", model, *files, "--metrics", "chrf,exact_match")
        rows = [line.split() for line in out.decode().splitlines()]
        assert status == 0 and rows[0] == ["metric", "value", "signature"]
        assert rows[2][:2] == ["chrf", "100.00"] and rows[3][:2] == ["exact_match", "100.00"]

    def test_unequal_files_are_a_failed_job(self, seq2seq, model: str, tmp_path: Path) -> None:
        (tmp_path / "x.de").write_text("Haus\nWald\n")
        (tmp_path / "x.en").write_text("house\n")
        status, out, err = seq2seq("evaluate", model, "--source", f"{tmp_path}/x.de", "--target", f"{tmp_path}/x.en")
        assert (status, out) == (1, b"")
        assert "x.de with 2" in err and "x.en with 1 lines" in err


class TestDescribe:
    RECIPE = 'name = "tiny"\n[data]\npath = "c"\nsource = "de"\ntarget = "en"\n[model]\nencoder = [8]\ndecoder = [16]\n'

    def test_a_recipe_before_anything_trains(self, seq2seq, tmp_path: Path) -> None:
        (tmp_path / "tiny.toml").write_text(self.RECIPE)
        status, out, _ = seq2seq(
            "describe", f"{tmp_path}/tiny.toml", "--set", "model.bridge.mode=[[]]", "--svg", f"{tmp_path}/w.svg"
        )
        lines = out.decode().splitlines()
        assert status == 0 and lines[0].startswith("tiny (8,000 pieces")
        assert any(line.split()[:2] == ["0", "zeros"] for line in lines)
        assert "state bridge: [[]]" in (tmp_path / "w.svg").read_text()

    def test_a_trained_model(self, seq2seq, model: str, translator: Translator) -> None:
        status, out, _ = seq2seq("describe", model)
        assert status == 0
        assert f"{translator.model.count_params():,}" in out.decode()
        assert "encoder layer 0" in out.decode()

    def test_settings_that_contradict_each_other(self, seq2seq, tmp_path: Path) -> None:
        (tmp_path / "tiny.toml").write_text(self.RECIPE)
        for setting, message in [
            ("model.depth=2", "There is no setting model.depth"),
            ("model.encoder.units=8,8", "per_layer passes encoder layer i to decoder layer i"),
            ("model.architecture=luong", 'Did you mean "luong2015"?'),
        ]:
            status, out, err = seq2seq("describe", f"{tmp_path}/tiny.toml", "--set", setting)
            assert status == 2 and out == b"" and message in err


class TestBenchmark:
    def test_a_model_by_table_and_json(self, seq2seq, model: str, tmp_path: Path) -> None:
        text = tmp_path / "text"
        text.write_text("ein Haus\nam See\n")
        status, out, err = seq2seq("benchmark", model, "--input", str(text), "--json", str(tmp_path / "figures.json"))
        assert status == 0 and "Translating 2 sentences, beam 2 ..." in err
        figures = json.loads((tmp_path / "figures.json").read_text())
        assert figures["sentences"] == 2 and f"{figures['setting']['parameters']:,} parameters".encode() in out

    def test_a_recipe_has_settings_and_no_input(self, seq2seq, tmp_path: Path) -> None:
        recipe = tmp_path / "r.toml"
        recipe.write_text('name = "r"\n[data]\npath = "dates"\nsource = "a"\ntarget = "b"\n')
        status, _, err = seq2seq("benchmark", str(recipe), "--input", "x")
        assert status == 2 and "This option is for a model, not for a recipe. Received: --input" in err
        status, _, err = seq2seq("benchmark", str(recipe), "--set", "model.depth=2")
        assert status == 2 and "There is no setting model.depth" in err


class TestShortlist:
    def test_learns_and_translates_with_it(self, seq2seq, model: str, tmp_path: Path) -> None:
        source, target, short = tmp_path / "a.de", tmp_path / "a.en", tmp_path / "short.s2s"
        source.write_text("ein Haus\nWald\n")
        target.write_text("der See\nam\n")
        status, out, err = seq2seq(
            "shortlist", model, "--source", str(source), "--target", str(target), "--output", str(short)
        )
        assert (status, err) == (0, "")
        assert f"Wrote {short}: " in out.decode()
        assert Translator.load(short).shortlist is not None
        status, out, _ = seq2seq("translate", str(short), "--shortlist", stdin=b"Wald\n")
        assert status == 0
        assert set(out.decode().strip()) <= set("der See am")

    def test_a_translator_without_one(self, seq2seq, model: str) -> None:
        status, out, err = seq2seq("translate", model, "--shortlist", stdin=b"Wald\n")
        assert (status, out) == (1, b"")
        assert "This translator has no shortlist" in err

    def test_unequal_files(self, seq2seq, model: str, tmp_path: Path) -> None:
        for name, text in (("a.de", "ein\nHaus\n"), ("a.en", "der\n")):
            (tmp_path / name).write_text(text)
        status, _, err = seq2seq(
            "shortlist", model, "--source", str(tmp_path / "a.de"), "--target", str(tmp_path / "a.en")
        )
        assert status == 1
        assert "same number of lines" in err
