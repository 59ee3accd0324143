from tests.letters import finished, here  # noqa: F401
