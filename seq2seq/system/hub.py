"""Translators on the Hugging Face hub, through its own client, `huggingface_hub`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCHEME = "hf://"
"""Before OWNER/NAME, it says that a translator lies on the hub."""

_NAME = re.compile(r"[\w.-]+/[\w.-]+")


def here(path: str | Path, files: Sequence[str]) -> Path:
    """Give a path of this machine: what is on the hub is downloaded, unless it was before.

    Args:
        path: A path, which is given back; or `hf://OWNER/NAME`.
        files: Patterns of the files that are needed.

    Returns:
        The path, or the folder that holds what was downloaded.

    Raises:
        ValueError: What follows `hf://` is no name.
        FileNotFoundError: The hub does not have it, or not for everybody; or it cannot be reached.
        ModuleNotFoundError: huggingface_hub is not installed.

    Example:
        >>> str(here("runs/model.s2s", ["*.s2s"]))
        'runs/model.s2s'
        >>> here("hf://someone", ["*.s2s"])
        Traceback (most recent call last):
        ValueError: A place on the hub is OWNER/NAME. Received: someone. Write it as hf://OWNER/NAME.
    """
    if not str(path).startswith(SCHEME):
        return Path(path)
    name = checked(str(path).removeprefix(SCHEME))
    with _in_words(f"{SCHEME}{name}"):
        return Path(need_client().snapshot_download(name, allow_patterns=list(files)))


def publish(name: str, folder: Path, files: Sequence[str], more: Mapping[str, Path]) -> str:
    """Put files on the hub, in one commit; the place is made where there is none.

    Args:
        name: OWNER/NAME.
        folder: Where the files lie.
        files: Their names.
        more: Others, by the name that they get there.

    Returns:
        The address of the commit.

    Raises:
        FileNotFoundError: The hub cannot be reached, or does not let these files in.
        ModuleNotFoundError: huggingface_hub is not installed.
    """
    client = need_client()
    api = client.HfApi()
    places = {file: folder / file for file in files} | dict(more)
    operations = [client.CommitOperationAdd(file, place) for file, place in places.items()]
    with _in_words(name):
        api.create_repo(name, exist_ok=True)
        commit = api.create_commit(name, operations, commit_message="Publish a translator of seq2seq")
    return str(commit.commit_url)


def checked(name: str) -> str:
    """Give a name of the hub back, or refuse it.

    Raises:
        ValueError: It is not OWNER/NAME.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"A place on the hub is OWNER/NAME. Received: {name}. Write it as {SCHEME}OWNER/NAME.")
    return name


def need_client() -> Any:
    """Give the hub's own client.

    Raises:
        ModuleNotFoundError: It is not installed.
    """
    try:
        import huggingface_hub
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "The hub needs its client. Received: an environment without huggingface_hub. "
            "Install it: pip install huggingface_hub."
        ) from error
    return huggingface_hub


@contextmanager
def _in_words(name: str) -> Iterator[None]:
    """Say what the client says, and what to do."""
    from huggingface_hub.errors import HfHubHTTPError

    try:
        yield
    except HfHubHTTPError.__bases__ as error:  # what the client's own client of HTTP raises, and OSError
        raise FileNotFoundError(
            f"The hub was asked in vain. Received: {name}. It says: {' '.join(str(error).split())} "
            "Look at the name and the connection, and whether it needs you to sign in: hf auth login."
        ) from error
