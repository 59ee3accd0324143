import shutil
from pathlib import Path

import pytest

from seq2seq.commands.command import main


def test_a_finished_run_is_compared(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = {name: here / f"test.{name}.txt" for name in ("translations", "source", "reference")}
    for name in ("source", "reference"):
        if not texts[name].exists():
            shutil.copy(texts["translations"], texts[name])
    assert main(["compare", "runs", "--out", "report"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("1 variant, 1 run, scored on 3 test sentences.")
    cost = out[out.index("Cost") :].splitlines()[4].split()
    assert cost[0] == "letters" and int(cost[1].replace(",", "")) > 100
    assert err == "Written: report/report.md, report/comparison.json, report/comparison.csv\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["absent", "."], "There is no such folder of runs. Received: absent.")],
)
def test_bad_usage_ends_with_status_2(arguments, message, here, capsys) -> None:
    assert main(["compare", *arguments]) == 2
    assert message in capsys.readouterr().err
