"""What the words of a question give away to whoever writes forms.

Comes in: one question and its language. Goes out: the word that joins two questions, the word that judges a manner,
the thing that no transcript shows. These are rules of thumb on word lists, strong in English and modest in Spanish,
German, French, Persian and Chinese; other languages pass in silence. They warn an author and never decide a score.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

Script = Literal["latin", "arabic", "han", "kana", "hangul", "cyrillic", "greek", "hebrew", "devanagari", "thai"]


def language_of(tag: str) -> str:
    """The primary language of a BCP 47 tag: `es` of `es-MX`."""
    return tag.lower().replace("_", "-").split("-")[0]


def joining_word(question: str, language: str) -> str | None:
    """The word that joins two acts in one question, None when it asks about one.

    >>> joining_word("Did the agent greet the customer and verify the identity?", "en")
    'and verify'
    >>> joining_word("Did the agent state the terms and conditions?", "en") is None
    True
    """
    return _first(_TWO_ACTS, question, language)


def manner_word(question: str, language: str) -> str | None:
    """The word by which the question judges a manner (tone, empathy, professionalism), None when it does not.

    >>> manner_word("Was the agent polite throughout?", "en")
    'polite'
    """
    return _first(_MANNERS, question, language)


def outside_word(question: str, language: str) -> str | None:
    """The word for something that happens outside the conversation (a CRM entry, a face), None without one.

    >>> outside_word("Was the case documented in the CRM?", "en")
    'documented'
    """
    return _first(_OUTSIDE, question, language)


def proviso_word(question: str, language: str) -> str | None:
    """The words by which the question itself says that it does not always apply.

    >>> proviso_word("If the customer was upset, did the agent apologise?", "en")
    'If the customer'
    """
    return _first(_PROVISOS, question, language)


def voice_only_word(question: str, language: str) -> str | None:
    """The word for something that only a call has, such as hold music, None without one."""
    return _first(_VOICE_ONLY, question, language)


def main_script(text: str) -> Script | None:
    """The script of most of the letters; None where there are too few to tell.

    >>> main_script("客服是否问候客户？"), main_script("Did the agent greet?"), main_script("1–5")
    ('han', 'latin', None)
    """
    counts: dict[Script, int] = {}
    for character in text:
        name = unicodedata.name(character, "") if character.isalpha() else ""
        script = next((script for prefix, script in _SCRIPT_NAMES.items() if name.startswith(prefix)), None)
        if script is not None:
            counts[script] = counts.get(script, 0) + 1
    if sum(counts.values()) < 4:
        return None
    return max(counts, key=lambda script: counts[script])


def scripts_of(language: str) -> frozenset[Script]:
    """The scripts in which this language is written; empty when it is not known here."""
    return frozenset(_LANGUAGE_SCRIPTS.get(language, ()))


def _first(rules: dict[str, str], text: str, language: str) -> str | None:
    rule = rules.get(language)
    found = re.search(rule, _EMPHASIS.sub("", text), re.IGNORECASE) if rule else None
    return found.group().strip() if found else None


_EMPHASIS = re.compile(r"(?<!\w)[*_]{1,3}(?=\w)|(?<=\w)[*_]{1,3}(?!\w)")
"""Markdown around a word; forms are pasted from documents."""

_SCRIPT_NAMES: dict[str, Script] = {
    "LATIN": "latin",
    "ARABIC": "arabic",
    "CJK": "han",
    "HIRAGANA": "kana",
    "KATAKANA": "kana",
    "HANGUL": "hangul",
    "CYRILLIC": "cyrillic",
    "GREEK": "greek",
    "HEBREW": "hebrew",
    "DEVANAGARI": "devanagari",
    "THAI": "thai",
}
_LANGUAGE_SCRIPTS: dict[str, tuple[Script, ...]] = {
    **dict.fromkeys(("en", "es", "de", "fr", "pt", "it", "nl", "pl"), ("latin",)),
    **dict.fromkeys(("tr", "sv", "da", "fi", "cs", "ro", "vi", "id"), ("latin",)),
    **dict.fromkeys(("fa", "ar", "ur"), ("arabic",)),
    "zh": ("han",),
    "ja": ("han", "kana"),
    "ko": ("hangul", "han"),
    **dict.fromkeys(("ru", "uk", "bg"), ("cyrillic",)),
    "el": ("greek",),
    "he": ("hebrew",),
    "hi": ("devanagari",),
    "th": ("thai",),
}

_ENGLISH_ACTS = (
    "acknowledge|address|advise|answer|apologi[sz]e|appear|ask|assure|avoid|build|check|clarify|close|collect|confirm|"
    "demonstrate|disclose|discuss|educate|empathi[sz]e|end|escalate|explain|express|follow|give|greet|handle|identify|"
    "inform|introduce|invite|keep|listen|maintain|make|mention|note|obtain|offer|personali[sz]e|present|probe|promise|"
    "pronounce|provide|read|recap|recommend|record|remain|repeat|resolve|respond|restate|say|send|set|show|solve|sound|"
    "speak|state|stay|suggest|summari[sz]e|take|tell|thank|transfer|treat|understand|upsell|use|verify|warn|welcome"
)
_TWO_ACTS = {
    "en": rf"\b(?:and|or|and/or)\s+(?:(?:then|also|either|clearly|properly|did they)\s+)?(?:to\s+)?"
    rf"(?:{_ENGLISH_ACTS})(?:s|d|ed)?\b(?!\s+of\b)",
    "es": r"\b(?:y|e|o|u)\s+(?:(?:también|luego|se|le|les|lo|la)\s+){0,2}\w{2,}(?:ó|aron|ieron)\b",
    "de": r"\b(?:ge|be|ver|er)\w{3,}(?:t|en)\b.{0,60}\b(?:und|oder)\b.{0,60}\b(?:ge|be|ver|er)\w{3,}(?:t|en)\b",
    "fr": r"\b(?:et|ou)\s+(?:a-t-(?:il|elle)|a\s|l'a\s|s'est\s)",
    "fa": r"(?:کرد|داد|گفت|پرسید|خواند|گرفت)ه?(?: است)?\s+(?:و|یا)\s",
    "zh": r"(?<!合)并且?(?!非|不|没|列)|同时(?!间)|以及是否",
}
_MANNERS = {
    "en": r"\b(?:tone|empath\w*|professional\w*|polite\w*|courte\w+|friendl\w+|rapport|attitude|enthusias\w+|warmth|"
    r"warm|respectful\w*|patien(?:t|tly|ce)|caring|sincer\w+|compassion\w*|confident\w*|rude\w*)\b",
    "es": r"\b(?:tono|empat\w+|profesional\w*|amab\w+|cort[eé]s\w*|respetuos\w+|pacien\w+|actitud)\b",
    "de": r"\b(?:tonfall|\w*empath\w+|professionell\w*|freundlich\w*|höflich\w*|respektvoll\w*|geduld\w*)\b",
    "fr": r"\b(?:le ton|empath\w+|professionn\w+|polie?s?|courtois\w*|aimable\w*|respectueu\w+|patien\w+)\b",
    "fa": r"همدلی|همدردی|لحن|مؤدب|مودب|محترمانه|حرفه.?ای|صبور|دوستانه",
    "zh": r"语气|同理心|共情|礼貌|态度|专业|热情|耐心|友好",
}
_OUTSIDE = {
    "en": r"\b(?:crm|on (?:the )?screen|system notes?|ticket notes?|case notes?|call notes?|typed|typing speed|"
    r"document(?:ed|ation)|disposition(?: code)?|wrap.?up code|logged (?:the|in)|facial|body language|eye contact|"
    r"smil(?:e|ed|ing)|posture|updated the (?:account|record|system|profile)|in the system)\b",
    "es": r"\b(?:crm|en pantalla|notas del sistema|documentó|registró en el sistema|tipificación|lenguaje corporal|"
    r"facial\w*)\b",
    "de": r"\b(?:crm|bildschirm|systemnotiz\w*|dokumentiert|im system|körpersprache|mimik)\b",
    "fr": r"\b(?:crm|à l'écran|notes? (?:du )?système|documenté\w*|dans le système|langage corporel|facial\w*)\b",
    "fa": r"سی.?آر.?ام|CRM|در سیستم|روی صفحه|زبان بدن|چهره",
    "zh": r"CRM|系统备注|系统中|系统记录|屏幕|录入|工单备注|表情|肢体语言",
}
_PROVISOS = {
    "en": r"^(?:if|when|where|in case)\b(?:\s+(?:the|a|an)\s+\w+)?|\b(?:if|when(?:ever)?)\s+(?:the|a)\s+"
    r"(?:customer|caller|client|member|user|patient|guest)\b|\b(?:if|where|when|as)\s+"
    r"(?:applicable|needed|necessary|required|appropriate|relevant)\b",
    "es": r"^[¿\s]*(?:si|cuando)\b|\b(?:si|cuando) (?:el|la) client[ea]\b|\ben caso de\b|\bsi (?:aplica|procede)\b",
    "de": r"^(?:falls|wenn|sofern)\b|\b(?:falls|wenn) (?:der|die) kund\w+\b|\bgegebenenfalls\b|\bbei bedarf\b",
    "fr": r"^(?:si|lorsque|quand)\b|\b(?:si|lorsque) (?:le|la) client\w*\b|\ble cas échéant\b|\bsi nécessaire\b",
    "fa": r"^اگر|در صورت|چنانچه|وقتی که? ?مشتری",
    "zh": r"如果|如有|若客户|当客户|必要时|如适用",
}
_VOICE_ONLY = {
    "en": r"\b(?:(?:on|placed on|put on|while on) hold|hold (?:time|music|procedure)|dead air|mute[d]?|tone of voice|"
    r"speaking (?:pace|rate|speed)|pronunciation|background noise)\b",
    "es": r"\b(?:tono de voz|en espera|silencio muerto)\b",
    "de": r"\b(?:stimmlage|warteschleife)\b",
    "fr": r"\b(?:ton de (?:la )?voix|mise? en attente)\b",
    "fa": r"تن صدا|پشت خط",
    "zh": r"语速|语音语调|静音|保持通话",
}
