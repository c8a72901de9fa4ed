"""Settings: one reader of the environment, with defaults that work."""

import pytest
from pydantic import ValidationError

from service.settings import DEFAULT_OPENAI_MODEL, Settings


def test_without_environment_no_model_is_configured() -> None:
    assert Settings().llm.model is None


def test_an_openai_key_alone_configures_a_default_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k-1")

    llm = Settings().llm

    assert llm.model == DEFAULT_OPENAI_MODEL
    assert llm.api_key is not None
    assert llm.api_key.get_secret_value() == "k-1"


def test_our_own_key_wins_over_the_general_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "general")
    monkeypatch.setenv("ASSAY_LLM_API_KEY", "own")

    assert Settings().llm.api_key.get_secret_value() == "own"


@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1:1/v1", "https://openai.com.example.com/v1", "https://notopenai.com"]
)
def test_the_openai_key_goes_to_no_other_endpoint(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("ASSAY_LLM_BASE_URL", endpoint)
    monkeypatch.setenv("ASSAY_LLM_MODEL", "m")

    assert Settings().llm.api_key is None


def test_the_openai_key_goes_to_openai_by_its_address_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("ASSAY_LLM_BASE_URL", "https://eu.api.openai.com/v1")

    assert Settings().llm.api_key is not None


def test_a_folder_that_does_not_exist_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_RUBRICS_PATH", "/no/such/folder")

    with pytest.raises(ValidationError, match="directory"):
        Settings()


def test_a_base_url_without_a_model_name_configures_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("ASSAY_LLM_BASE_URL", "http://127.0.0.1:1/v1")

    assert Settings().llm.model is None


def test_nested_limits_and_prices_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_LIMITS__TURNS", "7")
    monkeypatch.setenv("ASSAY_LLM_PRICES", '{"m": {"input": 1, "output": 2}}')

    settings = Settings()

    assert settings.limits.turns == 7
    assert settings.llm.prices["m"].output == 2


def test_empty_variables_count_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_LLM_MODEL", "")

    assert Settings().llm.model is None


def test_a_key_never_shows_in_the_text_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_LLM_API_KEY", "top-secret")

    assert "top-secret" not in repr(Settings())
    assert "top-secret" not in repr(Settings().llm)


@pytest.mark.parametrize(
    "name", ["MAX_OUTPUT_TOKENS", "TIMEOUT_SECONDS", "DEADLINE_SECONDS", "MAX_ATTEMPTS", "CONCURRENCY"]
)
def test_a_limit_that_cannot_work_is_named_when_the_settings_are_read(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(f"ASSAY_LLM_{name}", "0")

    with pytest.raises(ValidationError, match=f"llm_{name.lower()}"):
        Settings(_env_file=None)
