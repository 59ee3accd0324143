"""The finished run of a few letters."""

from tests.letters import finished, here  # noqa: F401
