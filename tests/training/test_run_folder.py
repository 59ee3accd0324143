import json

import pytest

from seq2seq.training.run_folder import RunFolderError, open_run_folder


def test_makes_a_folder_with_its_parents(tmp_path):
    assert open_run_folder(tmp_path / "runs" / "new").path.is_dir()


@pytest.mark.parametrize("name", ["log.jsonl", "recipe.toml", "best.weights.h5", "result.json"])
def test_never_overwrites_a_run(tmp_path, name):
    (tmp_path / name).write_text("precious")
    with pytest.raises(RunFolderError, match=rf"holds a run already.*{name} in it.*resume"):
        open_run_folder(tmp_path)
    assert open_run_folder(tmp_path, resume=True).resume
    assert (tmp_path / name).read_text() == "precious"


def test_takes_a_folder_with_other_things_in_it(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    open_run_folder(tmp_path)


@pytest.mark.parametrize("name", ["report.html", "source.model", "test.source.txt", "model.s2s"])
def test_replaces_nothing_that_is_no_run(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(RunFolderError, match=rf"would replace files that are no run's.*{name} in it\. Name another"):
        open_run_folder(tmp_path)
    assert (tmp_path / name).read_text() == "mine"


def test_what_a_run_left_that_was_killed_as_it_began_is_its_own(tmp_path):
    for name in ("run.json", "source.model", "target.model"):
        (tmp_path / name).touch()
        open_run_folder(tmp_path)
    (tmp_path / "report.html").touch()
    with pytest.raises(RunFolderError, match="no run's"):
        open_run_folder(tmp_path)


def test_cannot_continue_what_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="no run to continue"):
        open_run_folder(tmp_path / "missing", resume=True)
    assert not (tmp_path / "missing").exists()
    (tmp_path / "source.model").touch()
    (tmp_path / "report.html").touch()
    with pytest.raises(RunFolderError, match=r"files that are no run's.*with source\.model, report\.html in it"):
        open_run_folder(tmp_path, resume=True)
    (tmp_path / "log.jsonl").touch()
    assert open_run_folder(tmp_path, resume=True).resume


def test_refuses_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="which is a file"):
        open_run_folder(tmp_path / "file")


def test_writes_versions(tmp_path):
    folder = open_run_folder(tmp_path)
    folder.write_versions()
    import keras

    assert json.loads(folder.versions.read_text())["keras"] == keras.__version__
