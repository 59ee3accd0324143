import tensorflow as tf

from seq2seq.system import process


def test_a_graphics_processor_that_is_not_used_is_told_of(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(process, "_DRIVERS", (str(tmp_path / "absent"),))
    process.tell_of_unused_gpu()
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(process, "_DRIVERS", (str(tmp_path),))
    process.tell_of_unused_gpu()
    told = capsys.readouterr().err
    assert f"a graphics processor ({tmp_path}), and TensorFlow does not use it" in told
    assert "TF_CPP_MIN_LOG_LEVEL=0" in told
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind])
    process.tell_of_unused_gpu()
    assert capsys.readouterr().err == ""
