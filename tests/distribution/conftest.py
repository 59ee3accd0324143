from tests.training.conftest import model  # noqa: F401
