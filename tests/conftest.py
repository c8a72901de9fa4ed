"""What every test shares: a clean environment and the way to optional data."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

# The default run is repeatable; `make explore` looks for counterexamples that nobody has seen yet.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.register_profile("explore", deadline=None, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the settings or keys of the machine that it runs on."""
    for name in os.environ:
        if name.startswith("ASSAY_") or name == "OPENAI_API_KEY":
            monkeypatch.delenv(name)


def shared(*parts: str) -> Path:
    """A file of the optional measuring data beside the repository; the test skips where it is absent."""
    path = ROOT.parent.joinpath("shared", *parts)
    if not path.exists():
        pytest.skip(f"measuring data {'/'.join(parts)} is not on this machine")
    return path
