"""The outside world of models: any OpenAI-compatible endpoint, asked with care, every attempt on record.

Comes in: `LLMSettings` and questions of `service.drafting`. Goes out: replies. One owner per retry: the openai client
retries nothing, instructor re-asks once where a reply does not stand, tenacity alone repeats transport. Vendor errors
end in this package. Prompts and replies are never logged.
"""

from service.llm.model import connect_model

__all__ = ["connect_model"]
