import json

import pytest

from seq2seq.distribution.cluster import ClusterError, read_cluster


def tf_config(cluster, kind="worker", index=0):
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})}


def test_the_chief_comes_first_and_workers_meet_below_its_port():
    told = {"worker": ["b:2222", "c:2222"], "chief": ["a:2222"]}
    cluster = read_cluster(tf_config(told, "worker", 1))
    assert (cluster.addresses, cluster.index) == (("a:2222", "b:2222", "c:2222"), 2)
    assert cluster.meeting == ("a", 2221)
    assert read_cluster(tf_config({"worker": ["[::1]:2222"]}, "worker", 0)).meeting == ("::1", 2221)
    assert read_cluster(tf_config(told, "chief", 0)).index == 0
    # Without a chief the first worker is it.
    assert read_cluster(tf_config({"worker": ["b:1000", "c:2222"]}, "worker", 0)).meeting == ("b", 999)


def slurm(index, nodes="node[1-2]", tasks="2(x2)", count=4, **more):
    return {
        "SLURM_PROCID": str(index),
        "SLURM_STEP_NUM_TASKS": str(count),
        "SLURM_STEP_NODELIST": nodes,
        "SLURM_STEP_TASKS_PER_NODE": tasks,
        **more,
    }


def test_slurm_names_the_workers(monkeypatch):
    environment = slurm(3)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)  # TensorFlow's resolver reads them itself
    cluster = read_cluster(environment)
    assert cluster.addresses == ("node1:8888", "node1:8889", "node2:8888", "node2:8889")
    assert (cluster.index, cluster.meeting) == (3, ("node1", 8887))
    assert json.loads(cluster.tf_config)["task"] == {"type": "worker", "index": 3}
    assert read_cluster(environment | {"SEQ2SEQ_PORT": "12000"}).addresses[0] == "node1:12000"


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, r"neither TF_CONFIG nor the variables of a Slurm step .* `seq2seq launch --workers N"),
        ({"TF_CONFIG": "{"}, r"TF_CONFIG='\{': it cannot be read"),
        ({"TF_CONFIG": "[]"}, "it cannot be read"),
        ({"TF_CONFIG": '{"cluster": {"worker": ["a:1"]}}'}, r"it cannot be read \(KeyError: 'task'\)"),
        (tf_config({"worker": ["a:2222"], "ps": ["b:2222"]}), "tasks of the type ps"),
        (tf_config({"worker": ["a:2222"], "chief": ["b:2222", "c:2222"]}), "more than one chief"),
        (tf_config({"worker": ["a:2222"]}, index=1), "worker 1, is not in its cluster"),
        (tf_config({"worker": ["a:2222"]}, kind="chief"), "chief 0, is not in its cluster"),
        (tf_config({"worker": ["a", "b:2222"]}), "'a' is no HOST:PORT"),
        (tf_config({"worker": ["a:70000"]}), "'a:70000' is no HOST:PORT"),
        (tf_config({"worker": ["a:2222", "a:2222"]}), "two workers have the same address"),
        ({"SLURM_PROCID": "0"}, "A Slurm step tells each task .* SLURM_STEP_NODELIST=None"),
        (slurm(0, tasks="many"), "SLURM_STEP_TASKS_PER_NODE=many"),
    ],
)
def test_what_is_wrong_is_told(environment, message):
    with pytest.raises(ClusterError, match=message):
        read_cluster(environment)
