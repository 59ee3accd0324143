"""Hostile and damaged model files: each is refused before it does anything, with a sentence that says why."""

import io
import json
import pickle
import re
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

import seq2seq
from seq2seq import Decoder, Encoder, Seq2Seq, StateBridge, Tokenizer, Translator
from seq2seq.search import Beam, Greedy
from seq2seq.translation import read_about
from seq2seq.translation.model_file import FORMAT, TranslatorFileError, read_members, write_members

GOLDEN = Path(__file__).parent.parent / "golden" / "format-2.s2s"


@pytest.fixture(scope="module")
def translator() -> Translator:
    tokenizer = Tokenizer.train(["ein Haus am See"], kind="char", normalization="identity")
    keras.utils.set_random_seed(3)
    decoder = Decoder(tokenizer.vocab_size, 4, [6], attention="dot")
    return Translator(Seq2Seq(Encoder(tokenizer.vocab_size, 4, [6]), StateBridge([6]), decoder), tokenizer, tokenizer)


Members = dict[str, bytes]


def members_of(data: bytes | Path) -> Members:
    with zipfile.ZipFile(io.BytesIO(data) if isinstance(data, bytes) else data) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archive_of(members: Members, compression: int = zipfile.ZIP_STORED) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return output.getvalue()


def forge(file: Path, change: dict[str, bytes | None]) -> None:
    """Write the file anew with other members, as one would who knows the format: the checksums are right."""
    members, about = read_members(file)
    kept = {name: data for name, data in (members | change).items() if data is not None and name != "about.json"}
    write_members(file, kept, about)


def forge_inside(file: Path, change: Callable[[Members], Any], compression: int = zipfile.ZIP_STORED) -> None:
    """Change Keras' own file inside the file."""
    inside = members_of(members_of(file)["model.keras"])
    change(inside)
    forge(file, {"model.keras": archive_of(inside, compression)})


def forge_config(file: Path, change: Callable[[Any], Any]) -> None:
    def inside(members: Members) -> None:
        config = json.loads(members["config.json"])
        change(config)
        members["config.json"] = json.dumps(config).encode()

    forge_inside(file, inside)


def forge_weights(file: Path, change: Callable[[h5py.File], Any]) -> None:
    def inside(members: Members) -> None:
        buffer = io.BytesIO(members["model.weights.h5"])
        with h5py.File(buffer, "r+") as weights:
            change(weights)
        members["model.weights.h5"] = buffer.getvalue()

    forge_inside(file, inside)


def forge_about(file: Path, **change: Any) -> None:
    members = members_of(file)
    about = json.loads(members["about.json"]) | change
    file.write_bytes(archive_of(members | {"about.json": json.dumps(about).encode()}))


def refused(file: Path, message: str) -> None:
    """Loading raises with the message, allocates little and leaves nothing behind."""
    before = sorted(file.parent.rglob("*"))
    tracemalloc.start()
    try:
        with pytest.raises(TranslatorFileError, match=message) as raised:
            seq2seq.load(file)
        assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    finally:
        tracemalloc.stop()
    assert str(file) in str(raised.value) or "Received: class" in str(raised.value)
    assert sorted(file.parent.rglob("*")) == before


class Pwned:
    """Pickled, it would write a file where it is loaded."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (exec, ("open('pwned', 'w').close()",))


def place_of(data: bytes, entry: zipfile.ZipInfo) -> int:
    """Where the entry stands in the central directory."""
    return data.rindex(b"PK\x01\x02", 0, data.rindex(entry.filename.encode()))


class TestMembers:
    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError, match=r"There is no translator file\. Received: .*absent\.s2s"):
            seq2seq.load(tmp_path / "absent.s2s")

    @pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
    def test_a_truncated_file(self, file: Path, share: float) -> None:
        data = file.read_bytes()
        file.write_bytes(data[: int(share * len(data))])
        refused(file, r"or it is damaged: .*Received: .*model\.s2s")

    def test_a_flipped_byte_anywhere_is_noticed(self, file: Path) -> None:
        data = file.read_bytes()
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
        for entry in entries:
            changed = bytearray(data)
            changed[entry.header_offset + 30 + len(entry.filename) + entry.file_size // 2] ^= 1
            file.write_bytes(changed)
            refused(file, "damaged")

    @pytest.mark.parametrize(
        "name",
        ["../evil.py", "/etc/evil", "..\\evil", "weights.pkl", "model.keras/x", "C:evil", "e\nvil"],
    )
    def test_other_members_are_refused_by_their_names(self, file: Path, name: str) -> None:
        file.write_bytes(archive_of(members_of(file) | {name: pickle.dumps(Pwned())}))
        refused(file, rf"A translator file holds .* with .*{re.escape(ascii(name))}")

    def test_a_member_that_is_there_twice(self, file: Path) -> None:
        with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(file, "a") as archive:
            archive.writestr("recipe.toml", b"other")
        refused(file, "A translator file holds")

    def test_a_missing_member(self, file: Path) -> None:
        members = members_of(file)
        del members["recipe.toml"]
        file.write_bytes(archive_of(members))
        refused(file, r"holds model\.keras, source\.model, recipe\.toml and about\.json")

    @pytest.mark.parametrize("kind", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    def test_compressed_members_could_grow_without_bound(self, file: Path, kind: int) -> None:
        file.write_bytes(archive_of(members_of(file) | {"source.model": bytes(10**8)}, kind))
        refused(file, r"stored as they are\. Received: .* compressed")

    @pytest.mark.parametrize("size", [2**31, 2**32 - 2])
    def test_huge_declared_sizes(self, file: Path, size: int) -> None:
        data = bytearray(file.read_bytes())
        with zipfile.ZipFile(file) as archive:
            entry = archive.getinfo("source.model")
        start = place_of(bytes(data), entry)
        struct.pack_into("<I", data, start + 24, size)  # the size unpacked
        file.write_bytes(data)
        refused(file, r"damaged: 'source\.model' says to have [\d,]+ bytes, of ")
        struct.pack_into("<I", data, start + 20, size)  # and packed
        file.write_bytes(data)
        refused(file, r"damaged: its members say to have [\d,]+ bytes together")

    def test_an_encrypted_member(self, file: Path) -> None:
        data = bytearray(file.read_bytes())
        with zipfile.ZipFile(file) as archive:
            start = place_of(bytes(data), archive.getinfo("source.model"))
        data[start + 8] |= 1
        file.write_bytes(data)
        refused(file, "damaged: RuntimeError: .*encrypted")

    def test_a_pickle_instead_of_anything(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(file.parent)
        for name in ("source.model", "model.keras"):
            change = {name: pickle.dumps(Pwned())}
            forge(file, change)
            refused(file, "damaged")
        file.write_bytes(pickle.dumps(Pwned()))
        refused(file, "damaged")


class TestAbout:
    @pytest.mark.parametrize(
        ("about", "message"),
        [
            (b"{}", r"damaged: KeyError: 'format'"),
            (b"[]", r"damaged: TypeError"),
            (b"\xff", r"damaged: UnicodeDecodeError"),
            (b"[" * 100_000, r"damaged: RecursionError"),
            (b'{"format": 1, "joint": true, "x": ' + b"9" * 5000 + b"}", r"damaged: .*4300 digits"),
            (b'{"format": 3, "joint": true}', r"up to format 2\. Received: .* of format 3\. Use the version"),
            (b'{"format": "2", "joint": true}', r"of format '2'"),
            (b'{"format": true, "joint": true}', r"of format True"),
            (b'{"format": 1, "joint": false}', r"target\.model is missing"),
            (b'{"format": 2, "joint": true}', r"the checksum of recipe\.toml is not the one in about\.json"),
            (b'{"format": 2, "joint": true, "checksums": []}', r"checksums in about\.json is no object"),
            (b'{"format": 1, "joint": true, "decoding": 5}', r"decoding in about\.json is no object"),
            (b'{"format": 1, "joint": true, "decoding": {"beam_size": "5"}}', r"beam_size must be a whole number"),
            (b'{"format": 1, "joint": true, "decoding": {"batch_size": 0}}', r"batch_size must be .* from 1 up"),
        ],
    )
    def test_is_checked(self, file: Path, about: bytes, message: str) -> None:
        file.write_bytes(archive_of(members_of(file) | {"about.json": about}))
        refused(file, message)

    @pytest.mark.parametrize("name", ["recipe.toml", "source.model", "model.keras"])
    def test_every_part_has_its_checksum(self, file: Path, name: str) -> None:
        members = members_of(file)
        assert read_about(file)["checksums"].keys() == members.keys() - {"about.json"}
        file.write_bytes(archive_of(members | {name: members[name] + b" "}))  # the checksums of the zip are right
        refused(file, rf"damaged: the checksum of {name} is not the one in about\.json")

    def test_a_second_tokenizer_too_many(self, file: Path) -> None:
        file.write_bytes(archive_of(members_of(file) | {"target.model": b"x"}))
        refused(file, r"target\.model is there, but the vocabulary is joint")

    def test_a_tokenizer_of_another_model(self, file: Path) -> None:
        other = Tokenizer.train(["ein Haus am See", "xyz"], kind="char", normalization="identity")
        forge(file, {"source.model": other.to_bytes()})
        refused(file, r"damaged: .*tokenizers of 1\d and 1\d pieces, a model of 1\d and 1\d\.")

    def test_a_recipe_that_is_no_text(self, file: Path) -> None:
        forge(file, {"recipe.toml": b"\xff\xfe"})
        refused(file, "damaged: UnicodeDecodeError")


class TestModel:
    def test_a_bomb_in_keras_own_file(self, file: Path) -> None:
        forge_inside(file, lambda members: members.update({"config.json": b" " * 2 * 10**8}), zipfile.ZIP_DEFLATED)
        refused(file, r"damaged: 'metadata\.json' is compressed|damaged: 'config\.json' is compressed")

    @pytest.mark.parametrize("name", ["../../evil", "assets/evil.pkl", "/evil", "model.weights.npz"])
    def test_other_members_in_keras_own_file(self, file: Path, name: str) -> None:
        forge_inside(file, lambda members: members.update({name: pickle.dumps(Pwned())}))
        refused(file, rf"damaged: model\.keras holds .*{name}")

    @pytest.mark.parametrize(
        ("layer", "message"),
        [
            ({"module": "keras.layers", "class_name": "Lambda"}, r"class 'Lambda' of module 'keras\.layers'"),
            ({"module": "keras.layers", "class_name": "TFSMLayer"}, r"class 'TFSMLayer'"),
            ({"module": "keras.layers", "class_name": "StringLookup"}, r"class 'StringLookup'"),
            ({"module": "keras.layers", "class_name": "TorchModuleWrapper"}, r"class 'TorchModuleWrapper'"),
            (
                {"module": "os", "class_name": "system"},
                r"class 'system' of module 'os'.*register it with .*import its module",
            ),
            ({"module": "os", "class_name": "function", "config": "system"}, r"class 'function' of module 'os'"),
            ({"module": "builtins", "class_name": "function", "config": "exec"}, r"class 'function'"),
            ({"class_name": "__lambda__", "config": {"value": "aGk="}}, r"class '__lambda__'"),
            ({"class_name": ["Dense"]}, r"class .*Dense"),
            # Known by its registered name, though it is something else.
            (
                {"module": "os", "class_name": "function", "config": "system", "registered_name": "seq2seq>Seq2Seq"},
                r"class 'function' of module 'os'",
            ),
        ],
    )
    def test_classes_that_could_run_code(self, file: Path, layer: dict[str, Any], message: str) -> None:
        forge_config(file, lambda config: config["config"].update(bridge={"config": {}, "registered_name": ""} | layer))
        refused(file, message)

    def test_a_model_of_another_kind(self, file: Path, tmp_path: Path) -> None:
        keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)]).save(tmp_path / "dense.keras")
        forge(file, {"model.keras": (tmp_path / "dense.keras").read_bytes()})
        refused(file, r"class 'Sequential' of module 'keras'")
        keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x)]).save(tmp_path / "lambda.keras")
        forge(file, {"model.keras": (tmp_path / "lambda.keras").read_bytes()})
        refused(file, r"class 'Sequential'|class 'Lambda'")

    def test_a_part_instead_of_the_whole(self, file: Path) -> None:
        forge_config(file, lambda config: config.update(config["config"]["encoder"]))
        refused(file, "damaged|holds a Seq2Seq model")

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"vocab_size": 10**12}, r"declares at least [\d,]+ weights, and model\.weights\.h5 holds"),
            ({"embedding_dim": 10**9}, r"declares at least"),
            ({"units": [10**6]}, r"declares at least 4,000,000,000,000 weights"),
            ({"units": [6] * 10**5}, r"declares at least"),
            ({"units": ["6"]}, r"a width in config\.json is no whole number"),
            ({"vocab_size": 1e12}, r"a width in config\.json is no whole number"),
            ({"units": [-6]}, r"a width in config\.json is no whole number"),
            ({"surprise": 1}, r"damaged: "),
        ],
    )
    def test_a_configuration_that_would_take_all_memory(self, file: Path, change: dict[str, Any], message: str) -> None:
        forge_config(file, lambda config: config["config"]["decoder"]["config"].update(change))
        refused(file, message)

    def test_a_configuration_without_an_end(self, file: Path) -> None:
        forge_inside(file, lambda members: members.update({"config.json": b"[" * 100_000}))
        refused(file, "damaged: RecursionError")

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda weights: soft_link(weights), r"'x' in model\.weights\.h5 is a link"),
            (lambda weights: external_link(weights), r"'x' in model\.weights\.h5 is a link"),
            (lambda weights: weights.create_dataset("x", (10**9, 10**6), "f4"), r"no plain array"),
            (lambda weights: weights.create_dataset("x", (10**5,), "f4", compression="gzip"), r"no plain array"),
            (lambda weights: weights.create_dataset("x", (9,), "f4", external=[("/etc/passwd", 0, 36)]), r"no plain"),
            (lambda weights: weights.create_dataset("x", data=["text"]), r"no plain array"),
            (lambda weights: virtual(weights), r"no plain array"),
            (lambda weights: weights.__delitem__("encoder/embedding"), r"damaged: "),
        ],
        ids=["soft link", "external link", "huge", "compressed", "other file", "objects", "virtual", "missing"],
    )
    def test_weights_that_are_more_than_numbers(
        self, file: Path, change: Callable[[h5py.File], Any], message: str
    ) -> None:
        forge_weights(file, change)
        refused(file, message)

    def test_groups_that_hold_each_other(self, file: Path) -> None:
        forge_weights(file, lambda weights: weights["encoder"].__setitem__("again", weights["encoder"]))
        assert seq2seq.load(file).translate([""]) == [""]


def soft_link(weights: h5py.File) -> None:
    weights["x"] = h5py.SoftLink("/encoder")


def external_link(weights: h5py.File) -> None:
    weights["x"] = h5py.ExternalLink("/etc/passwd", "/")


def virtual(weights: h5py.File) -> None:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4,))
    weights.create_virtual_dataset("x", layout)


class TestProof:
    @pytest.mark.parametrize("what", ["weights", "classes", "text"])
    def test_a_file_that_is_not_the_translator_is_not_published(
        self, translator: Translator, file: Path, monkeypatch: pytest.MonkeyPatch, what: str
    ) -> None:
        before = file.read_bytes()
        save = keras.Model.save

        def forget(model: keras.Model, path: Path) -> None:
            save(model, path)
            inside = members_of(Path(path).read_bytes())
            if what == "weights":
                buffer = io.BytesIO(inside["model.weights.h5"])
                with h5py.File(buffer, "r+") as weights:
                    weights["decoder/logits/vars/0"][0, 0] += np.float32(1)
                inside["model.weights.h5"] = buffer.getvalue()
            else:
                inside["config.json"] = inside["config.json"].replace(b"StateBridge", b"Bridge")
            Path(path).write_bytes(archive_of(inside))

        if what == "text":  # the same weights, used in another way
            load = Translator.load

            def other(path: Path) -> Translator:
                loaded = load(path)
                bridge = loaded.model.bridge.call
                loaded.model.bridge.call = lambda encoded: tf.nest.map_structure(tf.negative, bridge(encoded))
                return loaded

            monkeypatch.setattr(Translator, "load", other)
        else:
            monkeypatch.setattr(keras.Model, "save", forget)
        with pytest.raises(TranslatorFileError, match=r"has to translate as the translator did|class 'Bridge'"):
            translator.save(file)
        assert file.read_bytes() == before
        assert [entry.name for entry in file.parent.iterdir()] == ["model.s2s"]

    def test_probes_travel_with_the_file(self, translator: Translator, saved: Path) -> None:
        probes = read_about(saved)["probes"]
        assert len(probes) == 3
        sources, translations = (list(side) for side in zip(*probes, strict=True))
        assert translator.translate(sources, Greedy()) == translations


class TestFormats:
    def test_the_file_states_its_format(self, saved: Path) -> None:
        assert read_about(saved)["format"] == FORMAT

    def test_format_1_had_no_checksums(self, file: Path, translator: Translator) -> None:
        members = members_of(file)
        about = json.loads(members["about.json"])
        for name in ("checksums", "probes"):
            del about[name]
        members["about.json"] = json.dumps(about | {"format": 1}).encode()
        file.write_bytes(archive_of(members))
        assert seq2seq.load(file).translate(["ein Haus"]) == translator.translate(["ein Haus"])

    def test_a_golden_file_is_read_as_ever(self) -> None:
        """Written once by `python -m tests.golden.write`, never again: later versions prove that they still read it."""
        assert GOLDEN.stat().st_size < 200_000
        translator = seq2seq.load(GOLDEN)
        about = translator.about
        assert about["format"] == 2 and about["name"] == "golden"
        sources, translations = (list(side) for side in zip(*about["probes"], strict=True))
        assert translator.translate(sources, Greedy()) == translations
        found = translator.hypotheses(about["examples"]["sources"], Beam(3, n_best=2))
        assert [[one.text for one in each] for each in found] == about["examples"]["texts"]
        scores = [one.score for each in found for one in each]
        assert scores == pytest.approx(about["examples"]["scores"], abs=1e-4)
