"""The repository keeps its promises about itself."""

import re
import subprocess

import pytest

from tests.conftest import ROOT


def _tracked_files() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return listed.stdout.splitlines()


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_locks_carry_hashes_and_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text()

    assert "://" not in text
    assert "index-url" not in text
    assert text.count("--hash=sha256:") > text.count("==")


def test_what_ships_is_locked_as_it_is_tested() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^([a-z0-9._-]+==[^ ;\\]+)", (ROOT / name).read_text(), flags=re.MULTILINE))

    assert pins("requirements.lock") <= pins("requirements-dev.lock")


def test_there_is_no_lock_that_names_a_registry() -> None:
    files = _tracked_files()

    assert not {"uv.lock", "poetry.lock", "Pipfile.lock"}.intersection(files)


def test_paths_that_the_documents_name_exist() -> None:
    documents = [
        name for name in _tracked_files() if name.endswith(".md") and not name.startswith(("prompts/", "tests/"))
    ]
    missing = [
        f"{document}: {target}"
        for document in documents
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", (ROOT / document).read_text(encoding="utf-8"))
        if not ((ROOT / document).parent / target).exists()
    ]

    assert missing == []
