import subprocess
import sys
from pathlib import Path

from tests.letters import RECIPE


def test_showing_a_finished_run_loads_no_tensorflow(here: Path) -> None:
    (here.parent.parent / "letters.toml").write_text(RECIPE.to_toml())
    code = (
        "import sys; from seq2seq.commands.command import main; status = main(['train', 'letters.toml']); "
        "sys.exit(status or 10 * ('tensorflow' in sys.modules or 'datasets' in sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    assert "exact_match" in shown.stdout
