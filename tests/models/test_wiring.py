from types import SimpleNamespace

import pytest

from seq2seq import Seq2Seq, StateBridge
from seq2seq.layers import Wire
from seq2seq.models.wiring import LAYER_COLUMNS, STATE_COLUMNS, layer_table, state_table
from tests.models.wired_models import MODELS, each_model


@each_model
def test_parameters_of_the_layers_sum_up_to_those_of_the_model(model: Seq2Seq) -> None:
    rows = layer_table(model)
    assert {len(row) for row in rows} == {len(LAYER_COLUMNS)}
    assert sum(int(str(row[-1])) for row in rows[:-1]) == rows[-1][-1] == model.count_params()


def test_layers_are_listed_with_their_widths() -> None:
    rows = {tuple(row[:2]): row[2:5] for row in layer_table(MODELS["concatenated"])}
    assert rows["encoder", "embedding"] == ["table", 40, 8]
    assert rows["encoder", "0"] == ["LSTM, both directions", 8, "2 × 4"]
    assert rows["encoder", "1"] == ["LSTM", 8, 6]
    assert rows["decoder", "combine"] == ["tanh", 8 + 4, 4]
    fed = {tuple(row[:2]): row[2:5] for row in layer_table(MODELS["four by four"])}
    assert fed["encoder", "0"][0] == "LSTM, reversed source"
    assert fed["decoder", "0"] == ["LSTM, input feeding", 8 + 8, 8]
    assert fed["decoder", "1"][0] == "LSTM, residual"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("four by four", [[str(i), f"encoder layer {i}", "8 → 8", "none"] for i in range(4)]),
        (
            "table",
            [
                ["0", "encoder layer 0", "6 → 4", "linear, hidden and cell apart"],
                ["1", "encoder layers 1, 2, side by side", "4 + 2 → 4", "linear, hidden and cell apart"],
                ["2", "zeros", "4", "none"],
            ],
        ),
        (
            "summed",
            [
                ["0", "encoder layers 0, 1, summed", "4 + 6 → 6", "linear, hidden and cell apart"],
                ["1", "encoder layer 1", "6 → 4", "linear, hidden and cell apart"],
            ],
        ),
        ("learned", [["0", "trained vector", "4", "none"], ["1", "trained vector", "8", "none"]]),
        ("first", [["0", "encoder layer 1", "8 → 8", "none"], ["1", "zeros", "8", "none"]]),
        (
            "settings",
            [["0", "encoder layer 1, directions summed, hidden only", "8 → 8", "none"], ["1", "zeros", "8", "none"]],
        ),
    ],
)
def test_states_are_listed_with_what_they_start_from(name: str, expected: list[list[str]]) -> None:
    assert state_table(MODELS[name]) == expected
    assert {len(row) for row in expected} == {len(STATE_COLUMNS)}


@pytest.mark.parametrize(
    ("encoder_parts", "settings", "expected"),
    [
        (["hidden", "cell"], {"cell": "gru"}, ["encoder layer 0, cell dropped", "8 → 8", "none"]),
        (
            ["hidden", "cell"],
            {"cell": "gru", "project": "always"},
            ["encoder layer 0, cell dropped", "8 → 8", "linear, hidden only"],
        ),
        (["hidden", "cell"], {"cell": "gru", "states": "hidden"}, ["encoder layer 0, hidden only", "8 → 8", "none"]),
        (["hidden"], {}, ["encoder layer 0, cell zero", "8 → 8", "none"]),
        (["hidden"], {"missing": "project"}, ["encoder layer 0, cell from hidden", "8 → 8", "linear, cell only"]),
        (
            ["hidden"],
            {"missing": "project", "mode": "concatenated", "activation": "tanh"},
            ["encoder layer 0, cell from hidden", "8 → 8", "tanh, hidden and cell apart"],
        ),
        (["hidden"], {"cell": "gru", "project": "always"}, ["encoder layer 0", "8 → 8", "linear"]),
        (["hidden"], {"mode": "mean"}, ["mean of the memory", "5 → 8", "tanh, hidden and cell apart"]),
        (["hidden"], {"mode": "learned", "states": "cell"}, ["trained vector, cell only", "8", "none"]),
    ],
)
def test_parts_that_one_side_has_not_are_told(encoder_parts, settings, expected) -> None:
    bridge = StateBridge([8], **settings)
    bridge.build_for([(8,)], 5, encoder_parts)
    assert state_table(SimpleNamespace(bridge=bridge)) == [["0", *expected]]


def test_wires_of_a_bridge_of_ones_own_are_told() -> None:
    wires = [
        Wire(units=8, sources=[0, 1], source_units=[8, 8], label="trained mix"),
        Wire(units=8, sources=[1], source_units=[4], parts={"hidden": "projected"}, activation="relu"),
        Wire(units=8, source_units=[4], label="pooled memory"),
        Wire(units=8, kind="zeros"),
    ]
    assert state_table(SimpleNamespace(bridge=SimpleNamespace(wires=wires))) == [
        ["0", "encoder layers 0, 1, trained mix", "2 × 8 → 8", "none"],
        ["1", "encoder layer 1", "4 → 8", "relu"],
        ["2", "pooled memory", "4 → 8", "none"],
        ["3", "zeros", "8", "none"],
    ]
