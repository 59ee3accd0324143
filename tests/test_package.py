"""What the package promises as a whole: quick to import, silent, layered, complete, and installable."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from graphlib import TopologicalSorter
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest

import seq2seq

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "seq2seq"
MODULES = sorted(PACKAGE.rglob("*.py"))

# A part imports from the floors below its own and from itself; the parts of one floor do not know each other.
FLOORS = [
    {"system"},
    {"settings"},
    {"layers", "text", "search", "metrics", "distribution"},
    {"models"},
    {"translation"},
    {"training", "runtime"},
    {"recipe"},
    {"runs"},
    {"analysis", "export"},
    {"serving"},
    {"commands"},
    {"__main__"},
]
FLOOR = {part: number for number, parts in enumerate(FLOORS) for part in parts}

HEAVY = ["tensorflow", "keras", "datasets", "sacrebleu"]
LIGHT = [
    "seq2seq",
    "seq2seq.text, seq2seq.metrics, seq2seq.search, seq2seq.layers, seq2seq.models, seq2seq.training",
    "seq2seq.recipe, seq2seq.runs, seq2seq.analysis, seq2seq.distribution, seq2seq.commands",
    "seq2seq.export, seq2seq.runtime, seq2seq.serving, seq2seq.translation, seq2seq.translation.hypothesis",
]
# Tells on stderr what is loaded that comes neither with Python nor from here, nor was there when Python had started.
OTHERS = (
    "import sys\nbefore = {{name.partition('.')[0] for name in sys.modules}}\n"
    "{run}\n"
    "names = {{name.partition('.')[0] for name in sys.modules}}\n"
    "print(sorted(names - before - sys.stdlib_module_names - {{'seq2seq', '__mp_main__'}}), file=sys.stderr)"
)

# Installed for Keras' own callback, which imports it for us.
NOT_IMPORTED_BY_US = {"tensorboard"}


def python(*arguments, **environment):
    """Run Python in a process of its own, outside the repository, without what this process set for TensorFlow."""
    inherited = {
        key: value for key, value in os.environ.items() if key not in ("TF_CPP_MIN_LOG_LEVEL", "KERAS_BACKEND")
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT.parent,
        env=inherited | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def part_of(path):
    """The part that a module belongs to: the folder or the module right under `seq2seq`; "" for its own __init__."""
    first = path.relative_to(PACKAGE).parts[0]
    return "" if first == "__init__.py" else first.removesuffix(".py")


def dotted(path):
    """The name under which a module is imported."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path, *, for_types=True):
    """Every import of a module, those inside functions too, and on request those for type checkers alone."""
    tree = ast.parse(path.read_text("utf-8"))
    if not for_types:
        tree.body = [node for node in tree.body if ast.unparse(getattr(node, "test", node)) != "TYPE_CHECKING"]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


class TestImport:
    @pytest.mark.parametrize("package", LIGHT)
    def test_loads_nothing_heavy(self, package):
        done = python("-c", f"import {package}, sys; print([name for name in {HEAVY} if name in sys.modules])")
        assert (done.stdout, done.stderr) == ("[]\n", "")

    def test_loads_the_standard_library_alone(self):
        # So it is quick on any machine; how quick, is no test's to say.
        done = python("-c", OTHERS.format(run="import seq2seq"))
        assert done.stderr == "[]\n"

    def test_changes_nothing_in_the_process_but_the_backend_of_keras(self):
        code = (
            "import os, sys; before = dict(os.environ), list(sys.meta_path), list(sys.path)\n"
            "import seq2seq\n"
            "after = dict(os.environ), list(sys.meta_path), list(sys.path)\n"
            "print(after[0].items() - before[0].items(), before[1:] == after[1:])"
        )
        assert python("-c", code).stdout == "{('KERAS_BACKEND', 'tensorflow')} True\n"

    @pytest.mark.slow
    def test_loads_tensorflow_without_a_word_where_that_is_asked_for(self):
        code = (
            "import seq2seq; seq2seq.quiet(); import tensorflow as tf\n"
            "print(tf.function(lambda x: x @ x, jit_compile=True)(tf.eye(2)).shape)"
        )
        done = python("-c", code)
        assert (done.returncode, done.stdout, done.stderr) == (0, "(2, 2)\n", "")

    @pytest.mark.slow
    def test_shows_the_log_to_those_who_ask_for_it(self):
        done = python("-c", "import seq2seq; seq2seq.quiet(); import tensorflow", TF_CPP_MIN_LOG_LEVEL="0")
        assert "absl::InitializeLog()" in done.stderr

    def test_passes_on_what_is_not_tensorflows_log(self):
        code = (
            "import os, seq2seq\n"
            "from seq2seq.system import quiet\n"
            "with quiet._quiet_stderr():\n"
            "    os.write(2, b'I0000 00:00:1795349876.636363    4821 port.cc:153] oneDNN is on.\\n')\n"
            "    os.write(2, b'a word for people\\n')\n"
        )
        assert python("-c", code).stderr == "a word for people\n"

    @pytest.mark.parametrize("backend", ["torch", "jax"])
    def test_refuses_another_backend_in_words(self, backend):
        assert python("-c", "import seq2seq", KERAS_BACKEND=backend).returncode == 0
        for name in ("StackedLSTM", "Seq2Seq"):
            done = python("-c", f"import seq2seq; seq2seq.{name}", KERAS_BACKEND=backend)
            assert f"needs Keras on its TensorFlow backend. Received: KERAS_BACKEND='{backend}'" in done.stderr

    def test_every_command_refuses_another_backend_in_words(self, tmp_path):
        recipe = tmp_path / "dates.toml"
        recipe.write_text('name = "dates"\n[data]\npath = "dates"\nsource = "de"\ntarget = "en"\n')
        code = (
            "import sys\n"
            "from seq2seq.commands.command import main\n"
            "recipe, out = sys.argv[1:]\n"
            "for command in (\n"
            "    ['train', recipe, '--out', out], ['train', recipe, '--out', out, '--strategy', 'mirrored'],\n"
            "    ['describe', recipe], ['benchmark', recipe],\n"
            "    ['verify-resume', recipe, '--steps', '2', '--kill-at', '1'],\n"
            "    ['compare', recipe, '--vary', 'model.dropout=0.1,0.2', '--out', out],\n"
            "): print(main(command))\n"
        )
        # Whether it is installed or not: Keras would say no more than that there is no such module.
        done = python("-c", code, str(recipe), str(tmp_path / "run"), KERAS_BACKEND="torch")
        assert done.stdout == "1\n" * 6
        assert done.stderr.count("needs Keras on its TensorFlow backend. Received: KERAS_BACKEND='torch'") == 6
        assert not (tmp_path / "run").exists()


PACKAGES = sorted(
    path.parent for path in MODULES if path.name == "__init__.py" and "__all__" in path.read_text("utf-8")
)


@pytest.mark.parametrize("folder", PACKAGES, ids=lambda folder: ".".join(folder.relative_to(ROOT).parts))
class TestPublicNames:
    def test_all_resolve(self, folder):
        package = import_module(".".join(folder.relative_to(ROOT).parts))
        assert list(package.__all__) == sorted(set(package.__all__), key=package.__all__.index)
        for name in package.__all__:
            assert getattr(package, name) is not None
            assert name in dir(package)

    def test_what_a_type_checker_sees_is_what_there_is(self, folder):
        tree = ast.parse((folder / "__init__.py").read_text("utf-8"))
        seen = {
            alias.asname or alias.name: node.module
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module.startswith("seq2seq")
            for alias in node.names
        }
        defined = {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
        assigned = {
            target.id
            for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign)
            for target in ast.walk(node.target if isinstance(node, ast.AnnAssign) else node.targets[0])
            if isinstance(target, ast.Name)
        }
        package = import_module(".".join(folder.relative_to(ROOT).parts))
        assert set(package.__all__) <= seen.keys() | defined | assigned
        lazy = {name: module for module, names in vars(package).get("_WHERE", {}).items() for name in names}
        assert lazy.items() <= seen.items()

    def test_no_name_is_hidden_by_a_module(self, folder):
        package = import_module(".".join(folder.relative_to(ROOT).parts))
        assert not {path.stem for path in folder.iterdir()} & set(package.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'seq2seq' has no attribute 'Seq3Seq'"):
        seq2seq.Seq3Seq  # noqa: B018


class TestFloors:
    def test_every_part_has_a_floor(self):
        assert {part_of(path) for path in MODULES} - {""} <= set(FLOOR)

    @pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
    def test_imports_go_downwards(self, path):
        part = part_of(path)
        for line, name in imports(path):
            root, _, rest = name.partition(".")
            if root != "seq2seq" or part == "":
                continue
            imported = rest.partition(".")[0]
            # Of the package itself only the version: its other names are imported from anywhere, so they hide a way up.
            allowed = imported in ("", "__version__", part) or FLOOR.get(imported, len(FLOORS)) < FLOOR[part]
            assert allowed, f"{path.relative_to(ROOT)}:{line}: {part} (floor {FLOOR[part]}) imports {name}"

    def test_no_modules_need_each_other(self):
        known = {dotted(path): path for path in MODULES}
        # The longest name that is a module: what is imported may be a name in it.
        needs = {
            name: {
                next((each for each in (there, there.rpartition(".")[0]) if each in known), name)
                for _, there in imports(path, for_types=False)
            }
            - {name}
            for name, path in known.items()
            if path.name != "__init__.py"
        }
        assert list(TopologicalSorter(needs).static_order())  # a CycleError names the circle


class TestDistribution:
    def test_declares_what_it_imports(self):
        project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
        extras = [each for name, extra in project["optional-dependencies"].items() if name != "dev" for each in extra]
        declared = [*project["dependencies"], *extras]
        imported = {name.partition(".")[0] for path in MODULES for _, name in imports(path)}
        third_party = imported - set(sys.stdlib_module_names) - {"seq2seq"}
        names = {re.match(r"[\w-]+", one).group().replace("-", "_") for one in declared}
        assert names == third_party | NOT_IMPORTED_BY_US

    @pytest.mark.slow
    def test_the_wheel_works_outside_the_repository(self, tmp_path):
        pip = ["-m", "pip", "--disable-pip-version-check", "--quiet"]
        offline = ["--no-deps", "--no-index"]
        built = python(*pip, "wheel", *offline, "--no-build-isolation", "--wheel-dir", str(tmp_path), str(ROOT))
        assert built.returncode == 0, built.stderr
        (wheel,) = tmp_path.glob("seq2seq-*.whl")
        site = tmp_path / "site"
        installed = python(*pip, "install", *offline, "--target", str(site), str(wheel))
        assert installed.returncode == 0, installed.stderr

        # Before the editable install of this environment, so that nothing comes from the repository.
        shown = python("-c", "import seq2seq; print(seq2seq.__file__)", PYTHONPATH=str(site))
        assert Path(shown.stdout.strip()) == site / "seq2seq" / "__init__.py"
        assert (site / "seq2seq" / "py.typed").is_file()
        assert (site / "seq2seq" / "export" / "browser" / "index.html").is_file()
        assert {path.relative_to(PACKAGE) for path in MODULES} == {
            path.relative_to(site / "seq2seq") for path in (site / "seq2seq").rglob("*.py")
        }
        help_ = python(str(site / "bin" / "seq2seq"), "--help", PYTHONPATH=str(site))
        assert (help_.returncode, help_.stderr) == (0, "")
        assert help_.stdout.startswith("usage: seq2seq")
        recipe = tmp_path / "tiny.toml"
        recipe.write_text(
            'name = "tiny"\n[data]\npath = "corpus"\nsource = "de"\ntarget = "en"\n[tokenizer]\nvocab_size = 20\n'
            "[model]\nembedding = 4\n[model.encoder]\nunits = [4]\n[model.decoder]\nunits = [8]\n"
        )
        drawn = tmp_path / "tiny.svg"
        described = python(
            str(site / "bin" / "seq2seq"), "describe", str(recipe), "--svg", str(drawn), PYTHONPATH=str(site)
        )
        assert (described.returncode, described.stderr) == (0, "")
        assert described.stdout.startswith("tiny (20 pieces") and drawn.read_text("utf-8").startswith("<svg")

    def test_the_installed_version_is_ours(self):
        assert version("seq2seq") == seq2seq.__version__


class TestCommand:
    def test_help_loads_nothing_heavy(self):
        code = (
            "import sys\n"
            "from seq2seq.commands.command import main\n"
            "try:\n"
            "    main(['--help'])\n"
            "except SystemExit as stop:\n"
            f"    print([name for name in {HEAVY} if name in sys.modules], stop.code)\n"
        )
        done = python("-c", code)
        assert (done.stdout.splitlines()[-1], done.stderr) == ("[] 0", "")

    @pytest.mark.slow
    def test_a_recipe_script_says_nothing_but_its_own_words(self, tmp_path):
        script = tmp_path / "tiny.py"
        script.write_text(
            "from seq2seq.commands import main\n"
            "from seq2seq.recipe import Data, Recipe\n"
            "recipe = Recipe('tiny', Data('corpus', 'a', 'b'))\n"
            "if __name__ == '__main__':\n"
            "    main(recipe)\n"
        )
        # TensorFlow is loaded before the text is looked for.
        done = python(str(script), "--out", str(tmp_path / "run"), "--data", str(tmp_path / "absent"))
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("tiny.py: error: ") and done.stderr.count("\n") == 1

    def test_help_loads_the_standard_library_alone(self):
        run = "from contextlib import suppress\nfrom seq2seq.commands.command import main\n"
        run += "with suppress(SystemExit): main(['--help'])"
        done = python("-c", OTHERS.format(run=run))
        assert done.stdout.startswith("usage: seq2seq") and done.stderr == "[]\n"
