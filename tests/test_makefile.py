"""The Makefile on machines that are not as it left them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def plan(folder: Path, *targets: str) -> str:
    """What make would do."""
    make = shutil.which("make")
    if make is None:
        pytest.skip("no make here")
    done = subprocess.run([make, "--dry-run", *targets], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder in which `make install` has run."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    for age, stamp in ((1, ".package-installed"), (0, ".tools-installed")):
        path = tmp_path / ".venv" / stamp
        path.touch()
        now = path.stat().st_mtime
        os.utime(path, (now + 10 - age, now + 10 - age))
    return tmp_path


def test_what_is_installed_is_not_installed_again(installed: Path) -> None:
    for target in ("install", "quickstart"):
        assert "pip" not in plan(installed, target) and "venv --clear" not in plan(installed, target)


@pytest.mark.parametrize("upgrade", ["dangling", "without packages"])
def test_after_an_upgrade_of_python_everything_is_installed_again(installed: Path, upgrade: str) -> None:
    python = installed / ".venv" / "bin" / "python"
    python.unlink()
    if upgrade == "dangling":
        python.symlink_to(installed / "python3.10")
    else:
        python.write_text("#!/bin/sh\nexit 1\n")
        python.chmod(0o755)
    planned = plan(installed, "install")
    assert planned.index("-m venv --clear .venv") < planned.index("--editable .") < planned.index('--editable ".[dev]"')


def test_the_docs_have_the_runs_as_pages_that_are_named(installed: Path) -> None:
    assert "export" not in plan(installed, "docs")
    (installed / "runs" / "dates").mkdir(parents=True)
    (installed / "runs" / "dates" / "model.s2s").touch()
    planned = plan(installed, "docs", "DEMOS=dates")
    export = "export runs/dates --precision int8 --browser --to docs/_build/demos/demo/dates"
    assert planned.index(export) < planned.index("sphinx")
    assert "Received: DEMOS with absent, and no runs/absent/model.s2s." in plan(installed, "docs", "DEMOS=absent")
