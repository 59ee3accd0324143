"""Tensors come from TensorFlow's pool, unless the user chose otherwise."""

import os
import subprocess
import sys

PROGRAM = """
import os, seq2seq, tensorflow as tf
print(os.environ["TF_CPU_ALLOCATOR_USE_BFC"], os.environ["TF_CPU_BFC_MEM_LIMIT_IN_MB"])
try:
    print(float(tf.ones([64 << 20])[0]))
except tf.errors.ResourceExhaustedError:
    print("exhausted")
"""


def words(**environment):
    """What a fresh process says that takes 256 MiB."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TF_CPU_")}
    run = subprocess.run([sys.executable, "-c", PROGRAM], env={**kept, **environment}, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout.split()


def test_the_pool_may_take_the_memory_of_the_machine():
    mib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    assert words() == ["1", str(mib), "1.0"]


def test_the_pool_is_what_gives_memory_to_tensors():
    assert words(TF_CPU_BFC_MEM_LIMIT_IN_MB="64") == ["1", "64", "exhausted"]


def test_a_user_who_chose_the_c_library_gets_it():
    assert words(TF_CPU_ALLOCATOR_USE_BFC="0", TF_CPU_BFC_MEM_LIMIT_IN_MB="64") == ["0", "64", "1.0"]
