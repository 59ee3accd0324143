import gzip
import json
import os
import re
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from seq2seq import Translator
from seq2seq.commands import layout, translate
from seq2seq.commands.chunks import chunks
from seq2seq.commands.command import main, make_parser
from seq2seq.commands.decoding_options import chosen_search
from seq2seq.search import Beam, DecodingSettings, Greedy, Sample
from seq2seq.settings import SettingsError
from seq2seq.system.terminal import UsageError
from seq2seq.translation import Hypothesis, Translation
from tests.commands.conftest import WORDS

# What Python, but no other program, takes for the end of a line; empty lines; an end without newline.
LINES = ("ein Haus", "", "am See\u2028und\x85der\x0cWald", "  ", "Wald", "und", "der See")


def test_one_line_for_each_line(seq2seq, model: str, translator: Translator) -> None:
    expected = "".join(f"{text}\n" for text in translator.translate(LINES)).encode()
    status, out, _ = seq2seq("translate", model, stdin="\n".join(LINES).encode())
    assert (status, out) == (0, expected)
    status, out, _ = seq2seq("translate", model, stdin=("\r\n".join(LINES) + "\r\n").encode())
    assert (status, out) == (0, expected)


@pytest.mark.slow
def test_more_lines_than_are_read_at_a_time(seq2seq, model: str, translator: Translator) -> None:
    lines = [WORDS[place % 7] for place in range(130)]  # 32 batches of 2 are read at a time
    status, out, _ = seq2seq("translate", model, "--beam-size", "1", stdin="\n".join(lines).encode())
    assert status == 0
    assert out.decode().split("\n") == [*translator.translate(lines, Greedy()), ""]


@pytest.mark.slow
def test_what_is_drawn_is_drawn_anew_for_the_next_lines(seq2seq, model: str, translator: Translator) -> None:
    lines = ["der"] * 130  # in 65 batches, of which 32 are read at a time
    status, out, _ = seq2seq("translate", model, "--search", "sample", "--seed", "7", stdin="\n".join(lines).encode())
    assert status == 0
    assert out.decode().split("\n") == [*translator.translate(lines, Sample(seed=7)), ""]


def test_files(seq2seq, model: str, translator: Translator, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("ein Haus\nWald\n")
    status, out, _ = seq2seq("translate", model, "--input", f"{tmp_path}/in", "--output", f"{tmp_path}/out")
    assert (status, out) == (0, b"")
    assert (tmp_path / "out").read_text().splitlines() == translator.translate(["ein Haus", "Wald"])


def test_scores_and_the_n_best(seq2seq, model: str, translator: Translator) -> None:
    found = translator.hypotheses(["ein Haus", "", "Wald"], Beam(3, n_best=3))
    status, out, _ = seq2seq("translate", model, "--n-best", "3", "--scores", stdin=b"ein Haus\n\nWald\n")
    rows = [row.split("\t") for row in out.decode().splitlines()]
    assert status == 0
    assert [row[0] for row in rows] == ["1", "1", "1", "2", "3", "3", "3"]
    flat = [hypothesis for hypotheses in found for hypothesis in hypotheses]
    assert [row[2] for row in rows] == [one.text for one in flat]
    assert [float(row[1]) for row in rows] == pytest.approx([one.score for one in flat], abs=1e-4)
    status, out, _ = seq2seq("translate", model, "--scores", "--beam-size", "3", stdin=b"Wald\n")
    assert out.decode() == f"{flat[4].score:.4f}\t{flat[4].text}\n"


@pytest.mark.slow
def test_several_are_drawn_and_what_a_recipe_keeps_is_not_written(
    seq2seq, model: str, translator: Translator, tmp_path: Path
) -> None:
    (drawn,) = translator.hypotheses(["Wald"], Sample(seed=3, n_best=4))
    status, out, _ = seq2seq("translate", model, "--search", "sample", "--seed", "3", "--n-best", "4", "Wald")
    assert (status, out.decode()) == (0, "".join(f"1\t{one.text}\n" for one in drawn))
    about = {"decoding": {"search": {"kind": "beam", "beam_size": 4, "n_best": 3}}}
    Translator(translator.model, *[translator.source_tokenizer] * 2, about=about).save(tmp_path / "three.s2s")
    status, out, _ = seq2seq("translate", f"{tmp_path}/three.s2s", "Wald")
    assert (status, out.decode()) == (0, translator.translate(["Wald"], Beam(4))[0] + "\n")


@pytest.mark.slow
def test_a_file_and_stdin_are_read_alike(seq2seq, model: str, tmp_path: Path) -> None:
    data = "\ufeffein Haus\r\n\r\nam\x00See\u2028Wald\nund\r".encode()
    (tmp_path / "in").write_bytes(data)
    assert seq2seq("translate", model, stdin=data) == seq2seq("translate", model, "--input", f"{tmp_path}/in")


@pytest.mark.slow
def test_the_length_penalty(seq2seq, model: str, translator: Translator, tmp_path: Path) -> None:
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


def test_a_line_of_json_for_each_line(seq2seq, model: str, translator: Translator) -> None:
    lines = ["ein Haus", "", "am See\u2028und\x85der Wald"]
    found = translator.translate(lines, Beam(3, n_best=2), details=True)
    command = "translate", model, "--json", "--beam-size", "3"
    status, out, _ = seq2seq(*command, "--n-best", "2", stdin="\n".join(lines).encode())
    assert status == 0 and len(out.decode().splitlines()) == 3
    assert [json.loads(line) for line in out.splitlines()] == json.loads(json.dumps([one.to_json() for one in found]))
    told = json.loads(out.splitlines()[0])
    assert len(told["others"]) == 1 and told["model"] == translator.fingerprint
    assert told["tokens"][0].keys() == {"piece", "log_probability", "word"}
    assert len(told["alignment"]["pieces"]) == len(told["tokens"])
    status, _, err = seq2seq(*command, "--scores", "--alignment", "Wald")
    assert status == 2 and "A JSON object has all of that. Received: --json with --scores --alignment." in err


def test_the_alignment_is_a_column(seq2seq, model: str, translator: Translator) -> None:
    looked = np.eye(3, dtype=np.float32)[[1, 0, 2]]
    best = Hypothesis("b\ta", -0.5, True, 1, ("▁b", "▁a", "</s>"), (-0.1, -0.2, -0.3), (0, 1, None), looked)
    found = Translation("x y", ("▁x", "▁y", "</s>"), (0, 1, None), (best, best), "")
    arguments = make_parser().parse_args(["translate", "x.s2s", "--alignment", "--ended", "--n-best", "2"])
    assert layout.written(7, found, arguments) == "7\tended\t0-1 1-0\tb a\n" * 2
    without = SimpleNamespace(model=SimpleNamespace(attends=False))
    with pytest.raises(UsageError, match="Received: --alignment, and a model without attention"):
        layout.need_alignment(arguments, without)  # type: ignore[arg-type]
    (told,) = translator.translate(["am See"], details=True)
    status, out, _ = seq2seq("translate", model, "--alignment", stdin=b"am See\n\n")
    assert (status, out.decode()) == (0, f"{told.pharaoh()}\t{told.text}\n\t\n")


def test_nothing_in_nothing_out(seq2seq, model: str) -> None:
    assert seq2seq("translate", model)[:2] == (0, b"")


def test_a_line_that_is_no_utf_8_is_translated_too(seq2seq, model: str, translator: Translator) -> None:
    status, out, err = seq2seq("translate", model, stdin=b"ein Haus\nWald\nam \xff See\n\xfe\nund\n")
    assert status == 0
    expected = translator.translate(["ein Haus", "Wald", "am \ufffd See", "\ufffd", "und"])
    assert out.decode().split("\n") == [*expected, ""]
    assert err.count("U+FFFD") == 1
    assert "warning" in err and "Received: stdin, line 3, byte 4 of the line is 0xff" in err


def test_what_is_cut_is_told(seq2seq, model: str, translator: Translator) -> None:
    text = b"ein Haus\n\nWald\n"
    short = Greedy(max_length_factor=0.01)  # an untrained model goes on and on
    found = translator.hypotheses(["ein Haus", "", "Wald"], short)
    assert [best.ended for (best,) in found] == [False, True, False]
    command = ("translate", model, "--search", "greedy", "--max-length-factor", "0.01", "--ended")
    status, out, err = seq2seq(*command, stdin=text)
    assert (status, out.decode().splitlines()) == (
        0,
        [f"cut\t{found[0][0].text}", "ended\t", f"cut\t{found[2][0].text}"],
    )
    told = "Cut at the limit of length: 2 of 3 translations; a max_length_factor above that limit gives them room."
    assert err == f"seq2seq: warning: {told}\n"
    status, out, _ = seq2seq(*command[:2], "--n-best", "2", "--scores", "--ended", stdin=b"Wald\n")
    rows = [row.split("\t") for row in out.decode().splitlines()]
    best = translator.hypotheses(["Wald"], Beam(2, n_best=2))[0]
    assert [row[0] for row in rows] == ["1", "1"] and [row[3] for row in rows] == [one.text for one in best]
    assert [row[2] for row in rows] == ["ended" if one.ended else "cut" for one in best]


def test_a_source_in_parts_is_told(seq2seq, model: str) -> None:
    status, _, err = seq2seq("translate", model, "--max-length-factor", "0.01", stdin=b"a" * 1001 + b"\n")
    assert status == 0
    assert err.endswith("Translated in parts, as too long for one: 1 source.\n") and err.count("\n") == 1


def test_text_of_the_command_line(seq2seq, model: str, translator: Translator) -> None:
    expected = "".join(f"{text}\n" for text in translator.translate(["ein Haus", "am See", "", "-Wald"])).encode()
    for texts in (
        ["ein Haus", "am See\n", "--batch-size", "4", "--", "-Wald"],
        ["--", "ein Haus\nam See", "", "-Wald"],
    ):
        assert seq2seq("translate", model, *texts, stdin=b"not read")[:2] == (0, expected)
    behind = seq2seq("translate", model, "ein Haus", "--batch-size", "4", "am See")
    assert behind == seq2seq("translate", model, "--batch-size", "4", "ein Haus", "am See")
    status, out, err = seq2seq("translate", model, os.fsdecode(b"ein \xff Haus"))
    assert (status, out.decode()) == (0, translator.translate(["ein \ufffd Haus"])[0] + "\n")
    assert "Received: the command line, line 1, byte 5" in err


@pytest.mark.slow
def test_whatever_is_no_folder_is_read(seq2seq, model: str, translator: Translator, tmp_path: Path) -> None:
    text = "ein Haus\nWald\n"
    expected = "".join(f"{line}\n" for line in translator.translate(text.splitlines())).encode()
    assert seq2seq("translate", model, "--input", "-", "--output", "-", stdin=text.encode())[:2] == (0, expected)
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=[text])
    writer.start()
    assert seq2seq("translate", model, "--input", f"{tmp_path}/pipe")[:2] == (0, expected)
    writer.join()
    (tmp_path / "x.en").write_bytes(expected)
    files = ["--source", "-", "--target", f"{tmp_path}/x.en", "--metrics", "exact_match"]
    assert b"100.00" in seq2seq("evaluate", model, *files, stdin=text.encode())[1]


def test_text_is_not_asked_for(capfd) -> None:
    with pytest.raises(SystemExit):
        main(["translate"])
    assert "the following arguments are required: MODEL\n" in capfd.readouterr().err


def test_closed_streams(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["translate", model]) == 2
    assert "Standard input is closed" in capfd.readouterr().err
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["translate", model, "Wald"]) == 2
    assert "Standard output is closed" in capfd.readouterr().err
    assert main(["translate", model, "Wald", "--output", f"{tmp_path}/out"]) == 0
    assert len((tmp_path / "out").read_text().splitlines()) == 1


def test_fewer_hypotheses_than_are_asked_for_are_refused_before_the_model_is_loaded(seq2seq, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("Wald\n")
    files = ["--source", f"{tmp_path}/x", "--target", f"{tmp_path}/x"]
    for options, told in (
        (["--n-best", "8", "--beam-size", "5"], "--n-best 8 --beam-size 5"),
        (["--mbr", "chrf", "--candidates", "8", "--beam-size", "5"], "--candidates 8 --beam-size 5"),
        (["--mbr", "chrf", "--candidates", "4", "--n-best", "8"], "--n-best 8 --candidates 4"),
        (["--mbr", "chrf", "--candidates", "1"], "Received: --candidates 1"),
        (["--ensemble-mean", "log_probabilities"], "--ensemble-mean without --ensemble"),
    ):
        status, out, err = seq2seq("translate", "absent.s2s", *options, "Wald")
        assert (status, out) == (2, b"") and told in err
        if "--mbr" in options and "--n-best" not in options:
            assert told in seq2seq("evaluate", "absent.s2s", *files, *options)[2]


def test_groups_stay_of_one_size_however_many_are_asked_for() -> None:
    arguments = make_parser().parse_args(["translate", "m.s2s", "--n-best", "5"])
    own = DecodingSettings(Beam(4, groups=2, diversity=0.5))
    assert chosen_search(arguments, own, 5) == Beam(6, n_best=5, groups=2, diversity=0.5)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--beam-size", "5"], "chooses among 32 hypotheses of a beam. Received: --beam-size 5."),
        (["--search", "greedy"], r"and greedy search gives one. Received: --search greedy. Add --mbr none"),
    ],
)
def test_what_goes_against_the_risk_that_the_model_has_is_refused_by_its_name(options: list[str], told: str) -> None:
    own = DecodingSettings(Sample(n_best=32), mbr="chrf")
    with pytest.raises(UsageError, match=told):
        chosen_search(make_parser().parse_args(["translate", "m.s2s", *options]), own)
    without = make_parser().parse_args(["translate", "m.s2s", *options, "--mbr", "none"])
    assert chosen_search(without, own) in (Beam(5), Greedy())


def test_a_beam_that_is_given_is_not_widened() -> None:
    arguments = ["translate", "m.s2s", "--groups", "3", "--diversity", "0.5", "--beam-size", "5", "--n-best", "4"]
    with pytest.raises(SettingsError, match="groups"):
        chosen_search(make_parser().parse_args(arguments), DecodingSettings(), 4)


def test_what_is_written_is_not_packed(seq2seq, tmp_path: Path) -> None:
    (tmp_path / "x.gz").write_bytes(gzip.compress(b"Wald\n"))
    given = ["--input", f"{tmp_path}/x.gz", "--output", f"{tmp_path}/y.gz"]
    status, _, err = seq2seq("translate", "absent.s2s", *given)
    assert status == 2 and f"Received: --output {tmp_path}/y.gz. Name it y, and pack it afterwards." in err


def test_what_does_not_exist_is_not_written() -> None:
    hypotheses = (Hypothesis("a b", -0.5, length=3), Hypothesis("", -float("inf")))
    found = Translation("x", (), (), hypotheses, "")
    arguments = SimpleNamespace(json=False, n_best=2, scores=False, ended=False, alignment=False)
    assert layout.written(1, found, arguments) == "1\ta b\n"
    assert found.to_json()["others"] == []


def test_prefixes_are_counted_before_the_work_and_told_by_line(
    seq2seq, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").write_text("Wald\n" * 3)
    command = ("translate", model, "--input", f"{tmp_path}/in", "--batch-size", "1", "--prefixes", f"{tmp_path}/begun")
    monkeypatch.setattr(translate, "_CHUNK", 1)
    (tmp_path / "begun").write_text("\n\nж\n")
    status, out, err = seq2seq(*command)
    assert (status, out.count(b"\n")) == (1, 2) and "prefixes[0]='ж'" in err and "It is that of line 3." in err
    for lines, how in ((2, "fewer"), (4, "more")):
        (tmp_path / "begun").write_text("\n" * lines)
        status, out, err = seq2seq(*command)
        assert (status, out) == (1, b"") and f"with {how} lines than there are to translate" in err


def test_the_workers_alone_have_the_model(
    seq2seq, model: str, translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened = []

    class Here:
        def __init__(self, count: int, begin, *arguments) -> None:
            happened.append(count)
            self._begin = lambda: begin(*arguments)

        def __enter__(self):
            return self

        def __exit__(self, *_) -> None:
            pass

        def map(self, pairs, _):
            work = self._begin()
            return ((kept, work(item)) for kept, item in pairs)

    monkeypatch.setattr(translate, "Workers", Here)
    monkeypatch.setattr(translate, "model_or_export", lambda *_: happened.append("loaded") or translator)
    status, out, _ = seq2seq("translate", model, "--workers", "3", "Wald", "ein Haus")
    assert (status, out.decode().splitlines()) == (0, translator.translate(["Wald", "ein Haus"]))
    assert happened == [3, "loaded"]
    assert seq2seq("translate", "absent.s2s", "--workers", "2", "Wald")[0] == 2


def test_what_has_arrived_is_answered() -> None:
    arrived = iter([False, True, True, False, False, False])  # after f nobody asks: three are enough
    found = chunks(iter("abcdefg"), 3, lambda: next(arrived))
    assert list(found) == [["a", "b"], ["c"], ["d", "e", "f"], ["g"]]


@pytest.mark.slow
def test_a_conversation_through_a_pipe(model: str, translator: Translator) -> None:
    command = [sys.executable, "-m", "seq2seq", "translate", model]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout
        for line in (*WORDS, "", "ein Haus"):
            process.stdin.write(f"{line}\n".encode())
            process.stdin.flush()
            assert process.stdout.readline().decode() == translator.translate([line])[0] + "\n"
        process.stdin.close()
        assert process.stdout.read() == b""
    assert process.returncode == 0


@pytest.mark.slow
def test_a_reader_that_has_seen_enough_is_no_error_to_tell(model: str) -> None:
    command = f'printf "Wald\\n%.0s" $(seq 400) | "{sys.executable}" -m seq2seq translate "{model}" | head -n 1'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_the_name_of_a_file_is_no_text_and_that_of_a_folder_is(
    seq2seq, model: str, translator: Translator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("Wald").mkdir()
    Path("Haus").write_text("ein Haus\n")
    os.mkfifo("See")
    assert seq2seq("translate", model, "Wald")[:2] == (0, f"{translator.translate(['Wald'])[0]}\n".encode())
    for name in ("Haus", "See"):
        status, out, err = seq2seq("translate", model, "Wald", name)
        assert (status, out) == (
            2,
            b"",
        ) and f"Received: TEXT {name}. To translate what is in it: --input {name}." in err
    assert seq2seq("translate", model, stdin=b"Haus\n")[:2] == (0, f"{translator.translate(['Haus'])[0]}\n".encode())


class TestTables:
    def test_a_table_gets_a_column(self, seq2seq, model: str, translator: Translator, tmp_path: Path) -> None:
        table = "id\tde\n007\tein Haus\n\n8\tWald\n"
        (tmp_path / "a.tsv").write_text(table)
        first, _, last = translator.hypotheses(["ein Haus", "", "Wald"])
        status, out, _ = seq2seq("translate", model, "--input", f"{tmp_path}/a.tsv", "--columns", "de,en", "--scores")
        assert status == 0 and out.decode().splitlines() == [
            "id\tde\tscore\ten",
            f"007\tein Haus\t{first[0].score:.4f}\t{first[0].text}",
            "\t\t0.0000\t",
            f"8\tWald\t{last[0].score:.4f}\t{last[0].text}",
        ]
        command = ("translate", model, "--input", f"{tmp_path}/a.tsv", "--columns", "de")
        assert seq2seq(*command, "--output", f"{tmp_path}/b.tsv")[:2] == (0, b"")
        assert (tmp_path / "b.tsv").read_text().splitlines()[3] == f"8\tWald\t{last[0].text}"
        assert (tmp_path / "b.tsv").read_text().startswith("id\tde\ttranslation\n")

    @pytest.mark.slow
    def test_parquet_is_written_through_in_pieces(
        self, seq2seq, model: str, translator: Translator, tmp_path: Path
    ) -> None:
        words = [WORDS[place % 7] for place in range(130)]  # 64 are read at a time
        parquet.write_table(pyarrow.table({"n": range(130), "de": words}), tmp_path / "a.parquet")
        command = ("translate", model, "--input", f"{tmp_path}/a.parquet", "--columns", "de,en", "--ended")
        assert seq2seq(*command, "--search", "greedy", "--output", f"{tmp_path}/b.parquet")[0] == 0
        found = parquet.read_table(tmp_path / "b.parquet")
        assert found.column_names == ["n", "de", "ended", "en"]
        assert found.column("n").to_pylist() == list(range(130))
        assert found.column("en").to_pylist() == translator.translate(words, Greedy())
        assert set(found.column("ended").to_pylist()) <= {"ended", "cut"}

    def test_what_cannot_be_is_refused_before_the_model_is_loaded(self, seq2seq, tmp_path: Path) -> None:
        (tmp_path / "a.tsv").write_text("de\nWald\n")
        given = ["--input", f"{tmp_path}/a.tsv"]
        for options, told in (
            (["Wald", "--columns", "de"], "--columns without --input FILE"),
            (["--columns", "de"], "--columns without --input FILE"),
            ([*given, "--columns", "de", "--n-best", "2"], "--columns and --n-best 2"),
            ([*given, "--columns", "de", "--output", f"{tmp_path}/b.jsonl"], "Give both the same ending"),
            ([*given, "--output", str(tmp_path)], f"--output {tmp_path}, a folder"),
            ([*given, "--resume"], "--resume without --output FILE"),
            (["--resume", "--output", f"{tmp_path}/b.tsv"], "--resume without --input FILE"),
            ([*given, "--resume", "--output", "/dev/null"], "--output /dev/null"),
        ):
            status, out, err = seq2seq("translate", "absent.s2s", *options)
            assert (status, out) == (2, b"") and told in err
        for value in ("de,", ",en", "a,b,c"):
            with pytest.raises(SystemExit):
                seq2seq("translate", "absent.s2s", *given, "--columns", value)


class TestResume:
    LINES = tuple(WORDS[place % 7] for place in range(150))  # three chunks of 64 lines, the last one of 22

    @pytest.fixture
    def files(self, tmp_path: Path) -> list[str]:
        (tmp_path / "in.de").write_text("".join(f"{line}\n" for line in self.LINES))
        return ["--input", f"{tmp_path}/in.de", "--search", "sample", "--seed", "5", "--output"]

    @pytest.fixture
    def stopped(self, seq2seq, model: str, files: list[str], tmp_path: Path, monkeypatch) -> Path:
        """A translation that was stopped in its third chunk."""
        real, left = Translator.hypotheses, iter((True, True))

        def hypotheses(*arguments, **options):
            next(left)  # StopIteration
            return real(*arguments, **options)

        with monkeypatch.context() as patch:
            patch.setattr(Translator, "hypotheses", hypotheses)
            assert seq2seq("translate", model, *files, f"{tmp_path}/out.en", "--resume")[0] == 1
        assert not (tmp_path / "out.en").exists()
        assert (tmp_path / "out.en.part").read_text().count("\n") == 128
        return tmp_path / "out.en"

    @pytest.mark.slow
    def test_goes_on_to_the_same_bytes(self, seq2seq, model: str, files: list[str], stopped: Path) -> None:
        status, _, err = seq2seq("translate", model, *files, str(stopped), "--resume")
        assert status == 0 and err.startswith("Going on behind line 128 of ")
        assert seq2seq("translate", model, *files, f"{stopped}.whole")[0] == 0
        assert stopped.read_bytes() == Path(f"{stopped}.whole").read_bytes()
        # What is told at the end is told of all.
        assert err.splitlines()[1:] == seq2seq("translate", model, *files, f"{stopped}.whole")[2].splitlines()
        assert sorted(path.name for path in stopped.parent.iterdir()) == ["in.de", "out.en", "out.en.whole"]
        status, _, err = seq2seq("translate", model, *files, str(stopped), "--resume")
        assert status == 0 and err.startswith(f"{stopped} is there, and nothing beside it that was stopped: all is tra")
        assert stopped.read_bytes() == Path(f"{stopped}.whole").read_bytes()

    @pytest.mark.slow
    def test_another_job_is_refused(
        self, seq2seq, model: str, translator: Translator, files: list[str], stopped: Path, tmp_path: Path
    ) -> None:
        other = tmp_path / "other.s2s"
        Translator(translator.model, *[translator.source_tokenizer] * 2, about={"note": "another"}).save(other)
        command = [*files, str(stopped), "--resume"]
        part = Path(f"{stopped}.part").read_bytes()
        for name, options, told in (
            (model, ["--temperature", "0.5"], "--temperature 0.5, begun without"),
            (model, ["--min-length", "0"], "--min-length 0, begun without"),
            (str(other), [], "MODEL of content "),
            (model, ["--seed", "6"], "--seed 6, begun with 5"),
        ):
            status, _, err = seq2seq("translate", name, *command, *options)
            assert status == 1 and told in err and "delete" in err
        (tmp_path / "in.de").write_text((tmp_path / "in.de").read_text().replace("und", "See"))
        status, _, err = seq2seq("translate", model, *command)
        assert status == 1 and "Received: --input of content " in err
        assert Path(f"{stopped}.part").read_bytes() == part and not stopped.exists()

    def test_a_pipe_that_says_what_to_avoid_cannot_be_read_again(
        self, seq2seq, model: str, files: list[str], tmp_path: Path
    ) -> None:
        os.mkfifo(tmp_path / "pipe")
        writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=["Wald\n"])
        writer.start()
        status, _, err = seq2seq(
            "translate", model, *files, f"{tmp_path}/out.en", "--resume", "--avoid", f"{tmp_path}/pipe"
        )
        writer.join()
        assert status == 2 and f"Received: --resume, --avoid {tmp_path}/pipe" in err

    @pytest.mark.slow
    def test_after_a_kill_in_the_middle_with_workers_too(
        self, seq2seq, model: str, files: list[str], tmp_path: Path
    ) -> None:
        lines = [f"{WORDS[place % 7]} {WORDS[place % 5]}" for place in range(800)]
        (tmp_path / "in.de").write_text("".join(f"{line}\n" for line in lines))
        assert seq2seq("translate", model, *files, f"{tmp_path}/whole.en")[0] == 0
        out, journal = tmp_path / "out.en", tmp_path / "out.en.part.jsonl"
        command = ["translate", model, *files, str(out), "--resume", "--workers", "2"]
        with subprocess.Popen([sys.executable, "-m", "seq2seq", *command]) as process:
            while not journal.exists() or journal.read_bytes().count(b"\n") < 4:
                assert process.poll() is None
                time.sleep(0.01)
            process.kill()
        assert not out.exists()
        status, _, err = seq2seq(*command)
        assert status == 0 and "Going on behind line " in err
        assert out.read_bytes() == (tmp_path / "whole.en").read_bytes()


@pytest.mark.slow
def test_workers_say_what_one_process_says(seq2seq, model: str, tmp_path: Path) -> None:
    lines = [*(WORDS[place % 7] for place in range(200)), "", "ein \u2028 Haus"]
    (tmp_path / "avoid").write_text("e\n")
    options = ["--n-best", "2", "--scores", "--avoid", f"{tmp_path}/avoid"]
    alone = seq2seq("translate", model, *options, stdin="\n".join(lines).encode())
    assert alone == seq2seq("translate", model, *options, "--workers", "2", stdin="\n".join(lines).encode())
    status, out, err = seq2seq("translate", model, "--workers", "2", "--precision", "bfloat16", stdin=b"Wald\n\xff\n")
    assert status == 0 and out.count(b"\n") == 2 and "U+FFFD" in err


@pytest.mark.slow
def test_how_far_it_is_is_shown_on_a_terminal(seq2seq, model: str, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "in.de").write_text("Wald\n" * 130)
    command = ("translate", model, "--input", f"{tmp_path}/in.de", "--search", "greedy", "--output")
    assert "lines" not in seq2seq(*command, f"{tmp_path}/out.en")[2]
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert re.search(r"100%.*130/130 \[.*lines/s\]", seq2seq(*command, f"{tmp_path}/out.en")[2])
