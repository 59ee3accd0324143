from types import SimpleNamespace

import pytest

from seq2seq.system import quiet


def test_a_gpu_that_is_not_used_is_told_of(
    tmp_path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found: list[str] = []
    tensorflow = SimpleNamespace(config=SimpleNamespace(list_physical_devices=lambda kind: found))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def told() -> str:
        quiet._tell_of_unused_gpu(tensorflow)  # type: ignore[arg-type]
        return capsys.readouterr().err

    monkeypatch.setattr(quiet, "_DRIVERS", (str(tmp_path / "absent"),))
    assert told() == ""
    monkeypatch.setattr(quiet, "_DRIVERS", (str(tmp_path / "absent"), str(tmp_path)))
    assert told() == (
        f"This machine has a GPU ({tmp_path}), and TensorFlow does not use it. To see why: TF_CPP_MIN_LOG_LEVEL=0 in "
        "the environment.\n"
    )
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert told() == ""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    found.append("GPU:0")
    assert told() == ""
