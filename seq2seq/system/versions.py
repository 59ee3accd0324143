"""Versions of what a result depends on."""

import platform

_PACKAGES = ("seq2seq", "tensorflow", "keras", "numpy", "sentencepiece", "datasets", "sacrebleu")


def installed_versions() -> dict[str, str]:
    """Give the versions of Python, the system and the packages that a result depends on, without importing them."""
    python, *packages = package_versions().items()
    return dict([python, ("system", platform.platform()), *packages])


def package_versions() -> dict[str, str]:
    """Give those of Python and the packages: what is the same wherever the same is installed."""
    from importlib import metadata  # not at the top: `seq2seq --help` does without it

    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return versions
