"""Tensors come from TensorFlow's pool where the command asks for it, unless the user chose otherwise."""

import os
import subprocess
import sys

import pytest

from seq2seq.system.allocator import memory_limit

PROGRAM = """
import os
from seq2seq.system import process
process.prepare()
import tensorflow as tf
print(os.environ["TF_CPU_ALLOCATOR_USE_BFC"], os.environ["TF_CPU_BFC_MEM_LIMIT_IN_MB"])
try:
    print(float(tf.ones([64 << 20])[0]))
except tf.errors.ResourceExhaustedError:
    print("exhausted")
"""
MACHINE = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def words(**environment):
    """What a fresh process says that takes 256 MiB."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TF_CPU_")}
    run = subprocess.run([sys.executable, "-c", PROGRAM], env={**kept, **environment}, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout.split()


@pytest.mark.slow
def test_the_pool_may_take_the_memory_that_the_process_may():
    assert words() == ["1", str(memory_limit() >> 20), "1.0"]


@pytest.mark.slow
def test_the_pool_is_what_gives_memory_to_tensors():
    assert words(TF_CPU_BFC_MEM_LIMIT_IN_MB="64") == ["1", "64", "exhausted"]


@pytest.mark.slow
def test_a_user_who_chose_the_c_library_gets_it():
    assert words(TF_CPU_ALLOCATOR_USE_BFC="0", TF_CPU_BFC_MEM_LIMIT_IN_MB="64") == ["0", "64", "1.0"]


def control_groups(root, listed, **limits):
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(listed)
    for name, limit in limits.items():
        file = root / "sys/fs/cgroup" / name.replace("__", "/").replace("DOT", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{limit}\n")
    return memory_limit(root)


def test_a_container_has_less_than_the_machine(tmp_path):
    # Version 2: one hierarchy; the group that counts may be the one round that of the process.
    limits = {"memoryDOTmax": "max", "pod__memoryDOTmax": 5 << 20, "pod__box__memoryDOTmax": "max"}
    assert control_groups(tmp_path / "two", "0::/pod/box\n", **limits) == 5 << 20
    # In a container of its own name space the process sees its group as the top one.
    assert control_groups(tmp_path / "own", "0::/\n", memoryDOTmax=7 << 20) == 7 << 20
    # Version 1: a hierarchy for memory, among others; the path is that outside of the container.
    listed = "12:cpu,cpuacct:/x\n9:memory:/docker/abc\n0::/\n"
    assert control_groups(tmp_path / "one", listed, memory__memoryDOTlimit_in_bytes=3 << 20) == 3 << 20


def test_without_a_limit_it_is_the_machine(tmp_path):
    assert control_groups(tmp_path / "max", "0::/a\n", a__memoryDOTmax="max") == MACHINE
    assert control_groups(tmp_path / "v1", "9:memory:/\n", memory__memoryDOTlimit_in_bytes=2**63 - 4096) == MACHINE
    assert memory_limit(tmp_path / "nothing") == MACHINE
