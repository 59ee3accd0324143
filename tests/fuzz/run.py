"""Coverage-guided fuzzing, for as long as one likes.

python -m venv /tmp/fuzz && /tmp/fuzz/bin/pip install atheris -e .
/tmp/fuzz/bin/python -m tests.fuzz.run TARGET -max_total_time=600

TARGET is corpus, recipe, model_file, keras_file or keras_config; what follows are options of libFuzzer. An input that
fails is kept in a file crash-…; give that file as the last option to run it alone, and keep it as a case in
tests/test_fuzz.py.
"""

import sys
import tempfile
from pathlib import Path


def main(name: str, *options: str) -> None:
    """Fuzz a target, starting from its seeds."""
    import atheris

    with atheris.instrument_imports(include=["seq2seq", "tomllib", "zipfile", "csv", "json"]):
        from tests.fuzz import targets
    folder = Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-"))
    for number, seed in enumerate(targets.seeds(name)):
        (folder / f"seed-{number}").write_bytes(seed)
    alone = any(Path(option).is_file() for option in options)
    atheris.Setup([sys.argv[0], *options, *([] if alone else [str(folder)])], targets.TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
