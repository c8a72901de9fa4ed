"""Examples of bodies and answers, as they stand in the OpenAPI document. Tests send and compare them."""

from __future__ import annotations

import re
from typing import Any

JSON = "application/json"
YAML = "application/yaml"

SHORTHAND: dict[str, Any] = {
    "conversation": {
        "id": "call-20260504-0017",
        "channel": "voice",
        "language": "en",
        "turns": [
            {"speaker": "agent", "text": "Thank you for calling Northwind, this is Mara. How can I help you today?"},
            {"speaker": "customer", "text": "Hi, I was charged twice for my order."},
            {
                "speaker": "agent",
                "text": "I am sorry about that. I can see both charges and I have refunded the second one.",
            },
            {"speaker": "customer", "text": "Great, thank you."},
            {"speaker": "agent", "text": "Is there anything else I can help you with? Have a lovely day."},
        ],
    },
    "rubric": "support-voice",
}
NATIVE: dict[str, Any] = {
    "conversation": {
        "id": "chat-8812",
        "channel": "chat",
        "language": "en",
        "started_at": "2026-05-04T09:30:00Z",
        "participants": [
            {"id": "a1", "role": "agent", "name": "Mara"},
            {"id": "c1", "role": "customer"},
        ],
        "turns": [
            {"participant": "a1", "text": "Hello, you are chatting with Mara. How can I help?", "start": 0, "end": 4},
            {"participant": "c1", "text": "Where is my parcel? 📦", "start": 9.5, "end": 12},
        ],
        "metadata": {"queue": "orders"},
    },
    "rubric": "support-chat@1",
    "engine": "cues",
    "require_complete": False,
}
WEBVTT: dict[str, Any] = {
    "conversation": {
        "format": "webvtt",
        "data": "WEBVTT\n\n00:00.000 --> 00:03.000\n<v Mara>Northwind support, this is Mara.\n\n"
        "00:03.500 --> 00:06.000\n<v Speaker 2>My card was declined.\n",
        "roles": {"Mara": "agent", "Speaker 2": "customer"},
        "channel": "voice",
        "language": "en",
    },
    "rubric": "support-voice",
}
RUBRIC: dict[str, Any] = {
    "id": "greeting-check",
    "version": "1",
    "title": "Greeting check",
    "pass_mark": 80,
    "sections": [
        {
            "id": "opening",
            "title": "Opening",
            "items": [
                {
                    "id": "greeting",
                    "question": "Did the agent greet the customer?",
                    "guidance": "Any greeting in the agent's first two turns.",
                    "not_applicable": "never",
                    "evidence": {"speaker": "agent"},
                    "method": "cues",
                    "cues": {
                        "rules": [
                            {
                                "when": {
                                    "phrase": ["thank you for calling", "hello", "how can I help"],
                                    "speaker": "agent",
                                    "first_turns": 2,
                                },
                                "answer": "yes",
                            }
                        ],
                        "otherwise": "no",
                    },
                    "coaching_tip": "Greet by name within the first sentence.",
                }
            ],
        }
    ],
}
INLINE: dict[str, Any] = {"conversation": SHORTHAND["conversation"], "rubric": RUBRIC}
RUBRIC_YAML = """\
id: greeting-check
version: "1"
title: Greeting check
sections:
  - id: opening
    title: Opening
    items:
      - id: greeting
        question: Did the agent greet the customer?
        guidance: Any greeting in the agent's first two turns.
        evidence: {speaker: agent}
"""

BODIES: dict[str, dict[str, Any]] = {
    "createEvaluation": {
        JSON: {
            "shorthand": {"summary": "Turns with their speakers, newest version of a rubric", "value": SHORTHAND},
            "native": {"summary": "The whole native form, one version of a rubric, no model", "value": NATIVE},
            "outside": {"summary": "A WebVTT file with a role map", "value": WEBVTT},
            "inline": {"summary": "A rubric of your own", "value": INLINE},
        }
    },
    "publishRubric": {
        JSON: {"json": {"summary": "A rubric in JSON", "value": RUBRIC}},
        YAML: {"yaml": {"summary": "A rubric in YAML", "value": RUBRIC_YAML}},
    },
    "lintRubric": {
        JSON: {"json": {"summary": "A rubric in JSON", "value": RUBRIC}},
        YAML: {"yaml": {"summary": "A rubric in YAML", "value": RUBRIC_YAML}},
    },
}

ANSWERS: dict[tuple[str, str], Any] = {}


def problem_example(description: str) -> dict[str, Any]:
    """An example for each kind of problem that the description names."""
    from service.api.problems import every_kind  # noqa: PLC0415 - the table names its examples' shape

    kinds = every_kind()
    return {
        name: {
            "summary": kinds[name].title,
            "value": {
                "type": kinds[name].type,
                "title": kinds[name].title,
                "status": kinds[name].status,
                "detail": kinds[name].meaning,
                "instance": "/v1/evaluations",
                "request_id": "0f8c2d1e9a7b4c35",
                "errors": [],
                "evaluation": None,
            },
        }
        for name in re.findall(r"/problems/([\w-]+)", description)
    }
