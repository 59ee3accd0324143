from pathlib import Path

import pytest

from seq2seq.commands.command import main
from tests.letters import RECIPE


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--steps", "3", "--kill-at", "3"], "Received: --steps 3 --kill-at 3"),
        (["--steps", "3", "--kill-at", "0"], "whole number from 1 up"),
        (["--steps", "3", "--kill-at", "1", "--set", "training.epoch=3"], "Did you mean training.epochs?"),
    ],
)
def test_bad_usage_is_told_before_anything_trains(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "letters.toml").write_text(RECIPE.to_toml())
    try:
        status = main(["verify-resume", str(tmp_path / "letters.toml"), *options])
    except SystemExit as stop:
        status = stop.code
    assert status == 2
    assert message in capsys.readouterr().err
