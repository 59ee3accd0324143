import json

from seq2seq.training.log import JsonLog, TensorBoardLog
from seq2seq.training.state import RunState, Validated
from seq2seq.training.step_times import StepTimes


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_one_object_per_event_with_the_counters(tmp_path):
    path = tmp_path / "log.jsonl"
    state = RunState(epoch=1, step=2, update=9)
    log = JsonLog(path, state)
    log.write("start", {"monitor": "bleu"})
    log.validated(Validated(9, {"val_loss": float("nan")}, {"bleu": "sig"}, [("é", "e", "è\ud800")], 1.5), best=False)
    log.on_epoch_end(1, {"loss": 2.0})
    log.close()
    start, validation, epoch = lines(path)
    assert (start["event"], start["monitor"], start["epoch"], start["step"], start["update"]) == (
        "start",
        "bleu",
        1,
        2,
        9,
    )
    assert (validation["val_loss"], validation["samples"], validation["best"]) == (
        "nan",
        [["é", "e", "è\ufffd"]],
        False,
    )
    assert (epoch["event"], epoch["loss"], epoch["epoch"], epoch["step"]) == ("epoch", 2.0, 2, 0)
    assert "é" in path.read_text(encoding="utf-8")


def test_a_part_of_an_epoch_is_not_logged_as_one(tmp_path):
    log = JsonLog(tmp_path / "log.jsonl", RunState(whole=False))
    log.on_epoch_end(0, {"loss": 2.0})
    assert not (tmp_path / "log.jsonl").exists()


def test_is_cut_back_to_the_checkpoint(tmp_path):
    path = tmp_path / "log.jsonl"
    first = JsonLog(path, RunState())
    first.write("start")
    first.saving(RunState())
    saved = first.get_state()
    first.write("epoch")
    first.close()
    with path.open("a") as file:
        file.write('{"event": "torn')
    second = JsonLog(path, RunState())
    second.set_state(saved)
    second.write("resume")
    second.close()
    assert [line["event"] for line in lines(path)] == ["start", "checkpoint", "resume"]


def test_a_new_run_starts_a_new_log(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text("old\n")
    log = JsonLog(path, RunState())
    log.write("start")
    log.close()
    assert [line["event"] for line in lines(path)] == ["start"]


def scalars(folder):
    """Step and value of everything in a log for TensorBoard, as its own reader gives it."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from tensorboard.util.tensor_util import make_ndarray

    events = [event for path in sorted(folder.iterdir()) for event in EventFileLoader(str(path)).Load()]
    return [
        (event.step, value.tag, float(make_ndarray(value.tensor)))
        for event in events
        for value in event.summary.value
        if value.tag != "samples"
    ]


def validated(log, update):
    log.validated(Validated(update, {"val_loss": update / 4}, {}, [("a", "b", "c")], 1.0), best=False)


def test_tensorboard_is_cut_back_to_the_checkpoint(tmp_path):
    folder = tmp_path / "tensorboard"
    first = TensorBoardLog(folder, RunState(update=1))
    validated(first, 1)
    first.saving(RunState())
    saved = first.get_state()
    state = RunState(update=2)
    first._state = state
    validated(first, 2)
    first.close()
    lost = TensorBoardLog(folder, RunState(update=3))
    validated(lost, 3)
    lost.close()
    assert len(list(folder.iterdir())) == 2
    second = TensorBoardLog(folder, state)
    second.set_state(saved)
    # A checkpoint that comes before anything is written knows the log as it was cut.
    second.saving(state)
    assert second.get_state()["sizes"].items() > saved["sizes"].items()
    validated(second, 2)
    second.close()
    assert scalars(folder) == [(1, "val_loss", 0.25), (2, "val_loss", 0.5)]


def test_the_first_step_tells_what_it_took(tmp_path):
    log = JsonLog(tmp_path / "log.jsonl", RunState(update=1))
    log.first_step(StepTimes(first_step=3.25, steps=1, seconds=2.0, wait_seconds=0.5, traces=1, trace_seconds=1.0))
    log.close()
    (line,) = lines(tmp_path / "log.jsonl")
    assert (line["event"], line["update"]) == ("first_step", 1)
    timing = line["timing"]
    assert (timing["first_step"], timing["traces"], timing["data_wait"]) == (3.25, 1, 0.25)
