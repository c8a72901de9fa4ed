"""What only the serving side of a contact says, in several languages.

Comes in: somebody's words. Goes out: whether they hold a phrase of the serving side, the ground of the role rule
`service_phrase`. Phrases that customers use too ("my name is", "hello") are not among them.
"""

from __future__ import annotations

import re
from typing import Final

_PHRASES: Final = (
    # English
    r"thank(?:s| you)(?: very much| so much)? for (?:calling|contacting|reaching out to|choosing|holding)\b",
    r"\bhow (?:can|may|could) (?:i|we) (?:help|assist|be of (?:help|assistance|service))\b",
    r"\bwhat can (?:i|we) (?:do for|help) you\b",
    r"\b(?:anything|something) else (?:that )?(?:i|we) (?:can|could|may) (?:help|assist|do for)\b",
    r"\bmay i (?:please )?have your (?:full |first |last )?(?:name|account|order|date of birth|phone)\b",
    (
        r"\b(?:(?:could|can|may) i (?:please )?(?:get|have)|could you (?:please )?(?:provide|confirm|verify)) your "
        r"(?:full name|(?:account|order|card|policy) number|date of birth|pin\b|mother's maiden|post ?code|zip)"
    ),
    r"\b(?:this|your) call (?:is|may be|might be|will be)(?: being)? (?:recorded|monitored)\b",
    r"\bwelcome to [^.?!]{1,60}[.,!] *(?:my name is|this is|how)\b",
    r"\bmy name is [^.?!]{1,40}\b(?:from|with|at) [^.?!]{1,60}[.,!]? *how (?:can|may)\b",
    (
        r"\bfollow(?:ing)? up (?:to|on|with|regarding|about)\b[^.?!]{0,30}\byour "
        r"(?:account|case|ticket|order|request|inquiry|claim|recent)\b"
    ),
    r"\bwe apologi[sz]e for (?:the|any) (?:inconvenience|delay)\b",
    # Spanish, Portuguese, Italian, French, German
    r"\bgracias por (?:llamar|comunicarse|contactar|su llamada|esperar)",
    r"\ben qu[eé] (?:le |te |lo |la )?pued[oe] (?:ayudar|servir|asistir|atender)",
    r"\bc[oó]mo (?:le |te |lo |la )?puedo ayudar",
    r"\bobrigad[oa] por (?:ligar|entrar em contato|contactar)",
    r"\b(?:em que|como) posso (?:ajud|lhe ajud|te ajud)",
    r"\bgrazie per (?:aver(?:ci)? (?:chiamato|contattato)|la chiamata)",
    r"\bcome posso (?:aiutar|esser)",
    r"\bmerci (?:d['’]avoir appel|de votre appel|de nous avoir contact)",
    r"\b(?:comment|en quoi) (?:puis-je|je peux) vous (?:aider|être utile|renseigner)",
    r"\b(?:vielen dank|danke)(?: schön)? für (?:ihren anruf|ihre nachricht|ihre anfrage)",
    r"\b(?:wie|womit|was) kann ich (?:ihnen|dir|für sie)\b[^.?!]{0,20}\b(?:helfen|tun|behilflich)",
    # Persian, Arabic
    r"(?:چطور|چگونه|چه ?جوری|چه کمکی) ?(?:می ?\u200c?تون(?:م|یم)|می ?\u200c?توان(?:م|یم)|از دست[^.؟!]{0,12}بر)",
    r"(?:ممنون|متشکر|سپاسگزار)(?:م|یم)? (?:از|که) (?:تماس|این ?که تماس|با ما تماس)",
    r"كيف (?:يمكنني|أقدر|اقدر|بإمكاني|استطيع|أستطيع) (?:مساعدت|أن أساعد|اساعد|أساعد|خدمت)",
    r"شكر(?:ا|اً|ًا) (?:لاتصالك|على اتصالك|لتواصلك)",
    # Chinese, Japanese, Russian, Turkish
    r"(?:请问|請問)?有什么(?:可以|能)(?:帮|幫)|(?:请问|請問)?有什麼(?:可以|能)(?:幫|帮)|(?:很高兴|很高興)(?:为|為)您服(?:务|務)",
    r"感谢(?:您)?(?:的)?(?:致电|来电)|感謝(?:您)?(?:的)?(?:致電|來電)",
    r"お電話ありがとうございます|ご用件(?:を|は)",
    r"чем (?:я )?(?:могу|можем) (?:вам )?помочь|спасибо за (?:звонок|обращение)",
    r"nasıl yardımcı olabilirim|aradığınız için teşekkür",
)

_GREETING: Final = re.compile("|".join(_PHRASES), re.IGNORECASE)


def is_service_phrase(text: str) -> bool:
    """Whether the words hold a phrase of the serving side."""
    return bool(_GREETING.search(text))
