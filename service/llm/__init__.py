"""The outside world of models: any OpenAI-compatible endpoint, asked with care, every attempt on record.

Comes in: `LLMSettings` and questions of `service.drafting`. Goes out: replies. One owner per retry: the openai client
retries nothing, instructor re-asks once where a reply does not stand, tenacity alone repeats transport. Vendor errors
end in this package. Prompts and replies are never logged.
"""

from __future__ import annotations

from service.drafting import AsksModel
from service.settings import LLMSettings

__all__ = ["connect_model"]


def connect_model(settings: LLMSettings) -> AsksModel | None:
    """The configured model, ready to be asked; None when no model is configured. Nothing is sent yet.

    Raises SettingsRejected for a model that has neither an endpoint nor a key.
    """
    if settings.model is None:
        return None
    # The vendors' clients take a second to import; who works without a model need not wait for them.
    from service.llm import model  # noqa: PLC0415

    return model.connect_model(settings)
