import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from seq2seq.training.checkpoint_file import (
    CheckpointError,
    DamagedCheckpointError,
    average_weights,
    averaged_weights,
    find_checkpoint,
    load_checkpoint,
    load_latest,
    load_weights,
    metric_values,
    read_state,
    save_checkpoint,
    save_weights,
    set_aside,
    set_metrics,
)
from seq2seq.training.optimizers import build_optimizer
from seq2seq.training.settings import TrainingSettings

from .conftest import make_model


def state_at(update):
    return {"run": {"update": update}}


def values(variables):
    return [variable.numpy() for variable in variables]


def fresh(optimizer="adam", **settings):
    model = make_model(seed=9, **settings)
    model.compile(optimizer=build_optimizer(TrainingSettings(optimizer=optimizer, learning_rate=1e-2, ema=0.9)))
    model.optimizer.build(model.trainable_variables)
    return model


def test_brings_every_variable_back(compiled, tmp_path):
    path = save_checkpoint(tmp_path, compiled, state_at(3))
    model = fresh()
    state = load_checkpoint(path, model)
    set_metrics(model, state["metrics"])
    assert state["run"] == {"update": 3} == read_state(path)["run"]
    for part in ("variables", "metrics_variables"):
        for ours, theirs in zip(getattr(model, part), getattr(compiled, part), strict=True):
            np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    for ours, theirs in zip(model.optimizer.variables, compiled.optimizer.variables, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    assert int(model.optimizer.iterations) == 3


def test_counters_of_an_older_version_have_their_present_names(compiled, tmp_path):
    path = save_checkpoint(tmp_path, compiled, state_at(3) | {"judge": {"best": 40.5}, "schedule": {}})
    assert read_state(path) == state_at(3) | {"best_score": {"best": 40.5}, "schedule": {}}


def test_keeps_the_newest(compiled, tmp_path):
    (tmp_path / ".torn.ckpt").write_bytes(b"half")
    for update in (9, 10, 100):
        save_checkpoint(tmp_path, compiled, state_at(update), keep=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["update-000000010.ckpt", "update-000000100.ckpt"]
    assert find_checkpoint(tmp_path).name == "update-000000100.ckpt"
    assert find_checkpoint(tmp_path / "none") is None


def test_a_failure_leaves_the_one_before(compiled, tmp_path):
    path = save_checkpoint(tmp_path, compiled, state_at(3))
    before = path.read_bytes()
    with pytest.raises(TypeError):
        save_checkpoint(tmp_path, compiled, state_at(3) | {"bad": object()})
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == before


KILL_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
import numpy as np
from seq2seq.training.checkpoint_file import save_checkpoint
from seq2seq.training.optimizers import build_optimizer
from seq2seq.training.settings import TrainingSettings
from tests.training.conftest import make_model

model = make_model()
model.compile(optimizer=build_optimizer(TrainingSettings()))
model({"source": np.ones([1, 2], "int32"), "target_in": np.ones([1, 2], "int32")})
model.optimizer.build(model.trainable_variables)
folder = Path(sys.argv[1])
save_checkpoint(folder, model, {"run": {"update": 1}})
write, left = np.lib.format.write_array, [5]

def write_and_die(file, array, **settings):
    write(file, array, **settings)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)

np.lib.format.write_array = write_and_die
save_checkpoint(folder, model, {"run": {"update": 2}})
"""


@pytest.mark.slow
def test_a_process_killed_while_it_writes_leaves_the_one_before(compiled, tmp_path):
    root = Path(__file__).parent.parent.parent
    killed = subprocess.run([sys.executable, "-c", KILL_WHILE_WRITING, tmp_path], cwd=root, check=False)
    assert killed.returncode == -signal.SIGKILL
    whole, unfinished = sorted(tmp_path.iterdir(), key=lambda path: path.name, reverse=True)
    assert whole.name == find_checkpoint(tmp_path).name == "update-000000001.ckpt"
    assert unfinished.name.startswith(".") and unfinished.stat().st_size > 0
    save_checkpoint(tmp_path, compiled, state_at(3))
    assert [path.name for path in tmp_path.iterdir()] == ["update-000000003.ckpt"]


def torn(path):
    path.write_bytes(path.read_bytes()[:-100])


def flipped(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(bytes(data))


def foreign(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("state.json", '{"format": 99}')


@pytest.mark.parametrize(
    ("damage", "message"), [(torn, "cannot be read"), (flipped, "cannot be read"), (foreign, "of format 99")]
)
def test_never_reads_a_damaged_file(compiled, tmp_path, damage, message):
    path = save_checkpoint(tmp_path, compiled, state_at(3))
    damage(path)
    model = fresh()
    before = values(model.variables)
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(path, model)
    for ours, theirs in zip(values(model.variables), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_changed_byte_is_noticed_or_means_nothing(compiled, tmp_path):
    path = save_checkpoint(tmp_path, compiled, state_at(3))
    whole = path.read_bytes()
    saved = values(compiled.variables)
    model = fresh()
    random = np.random.default_rng(0)
    # At the end stands the table of what lies where: most of what can go wrong does so there.
    places = [*random.integers(0, len(whole), 100), *random.integers(len(whole) - 4000, len(whole), 100)]
    noticed = 0
    for place in places:
        data = bytearray(whole)
        data[place] ^= int(random.integers(1, 256))
        path.write_bytes(bytes(data))
        try:
            load_checkpoint(path, model)
        except DamagedCheckpointError:
            noticed += 1
        else:
            for ours, theirs in zip(values(model.variables), saved, strict=True):
                np.testing.assert_array_equal(ours, theirs)
    assert noticed > 100


def test_goes_back_to_the_newest_that_can_be_read(compiled, tmp_path):
    assert load_latest(tmp_path, fresh()) is None
    for update in (1, 2, 3):
        save_checkpoint(tmp_path, compiled, state_at(update), keep=3)
    torn(tmp_path / "update-000000003.ckpt")
    flipped(tmp_path / "update-000000002.ckpt")
    loaded = load_latest(tmp_path, fresh())
    assert (loaded.path.name, loaded.state["run"]["update"]) == ("update-000000001.ckpt", 1)
    assert [path.suffix for path in loaded.damaged] == [".ckpt", ".ckpt"]
    assert [path.name for path in set_aside(loaded.damaged)] == ["update-000000003.damaged", "update-000000002.damaged"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "update-000000001.ckpt",
        "update-000000002.damaged",
        "update-000000003.damaged",
    ]


def test_tells_where_none_can_be_read(compiled, tmp_path):
    path = save_checkpoint(tmp_path, compiled, state_at(3))
    torn(path)
    with pytest.raises(
        DamagedCheckpointError, match=r"000003.ckpt\. Bring the file back from a copy\. There is no older"
    ):
        load_latest(tmp_path, fresh())
    assert path.exists()


def test_refuses_another_optimizer(compiled, tmp_path):
    path = save_checkpoint(tmp_path, compiled, state_at(3))
    with pytest.raises(CheckpointError, match=r"Received: RMSprop, while .* with Adam"):
        load_checkpoint(path, fresh("rmsprop"))


def test_refuses_another_model(compiled, tmp_path):
    path = save_checkpoint(tmp_path, compiled, state_at(3))
    with pytest.raises(CheckpointError, match="the model it was started with"):
        load_checkpoint(path, fresh(dropout=0.0))


def test_refuses_other_metrics(compiled):
    with pytest.raises(CheckpointError, match="metrics it was started with"):
        set_metrics(compiled, metric_values(compiled)[:-1])


def test_best_weights_are_weights_alone(compiled, tmp_path):
    import h5py

    path = tmp_path / "best.weights.h5"
    optimizer = compiled.optimizer
    save_weights(compiled, path)
    assert compiled.optimizer is optimizer
    with h5py.File(path) as file:
        assert "optimizer" not in file
    model = fresh("sgd")
    before = values(model.optimizer.variables)
    load_weights(model, path)
    for ours, theirs in zip(model.get_weights(), compiled.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for ours, theirs in zip(values(model.optimizer.variables), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_mean_of_checkpoints_is_that_of_their_weights(compiled, tmp_path):
    trained, other = values(compiled.trainable_variables), values(compiled.non_trainable_variables)
    paths = []
    for update in (1, 2, 3):
        for variable, value in zip(compiled.trainable_variables, trained, strict=True):
            variable.assign(value * update)
        paths.append(save_checkpoint(tmp_path, compiled, state_at(update), keep=3))
    averaged = fresh()
    average_weights(paths, averaged)
    for ours, value in zip(values(averaged.trainable_variables), trained, strict=True):
        np.testing.assert_allclose(ours, 2 * value, rtol=1e-6)
    for ours, value in zip(values(averaged.non_trainable_variables), other, strict=True):
        np.testing.assert_array_equal(ours, value)


def test_weights_that_a_killed_process_left_unfinished_go_with_the_next(compiled, tmp_path):
    for name in (".abcdefghbest.weights.h5", ".abcdefghother.weights.h5"):
        (tmp_path / name).touch()
    save_weights(compiled, tmp_path / "best.weights.h5")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".abcdefghother.weights.h5", "best.weights.h5"]


def test_averages_stand_in_for_the_weights_for_a_while(compiled):
    raw = values(compiled.trainable_variables)
    averages = [each.numpy() for each in compiled.optimizer.variables if each.path.endswith("_average")]
    # `fit` has ended in the fixture and put the averages into the weights: move them away first.
    for variable, value in zip(compiled.trainable_variables, raw, strict=True):
        variable.assign(value + 1)
    with averaged_weights(compiled):
        for ours, average in zip(values(compiled.trainable_variables), averages, strict=True):
            np.testing.assert_array_equal(ours, average)
    for ours, value in zip(values(compiled.trainable_variables), raw, strict=True):
        np.testing.assert_array_equal(ours, value + 1)
