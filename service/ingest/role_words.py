"""Labels that state a role by themselves, in the languages of contact centers.

Comes in: a speaker's label. Goes out: its role, or None for names and codes such as `Speaker 0`.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from service.conversation import Role

_ROLE_WORDS: Final[dict[Role, str]] = {
    "agent": """
        agent; human agent; live agent; call agent; support agent; service agent; customer service agent;
        agent human; representative; rep; csr; customer service; customer service representative;
        customer care representative; customer care rep; customer service rep; support team;
        service team; customer service team; customer support team; customer care team; care team;
        customer support; customer care; support; advisor; adviser; operator; call operator; specialist;
        support specialist; associate; consultant; employee; staff; clerk; teller; banker; supervisor;
        team lead; helpdesk; help desk; service desk; call center; call centre; contact center;
        call center agent; internal; wizard; sales rep; salesperson; sales representative; collector;
        dispatcher; handler; technician; expert; agente; asesor; asesora; operador; operadora; representante;
        teleoperador; teleoperadora; ejecutivo; ejecutiva; atencion al cliente; servicio al cliente; soporte;
        atendente; atendimento; conseiller; conseillere; operateur; operatrice; conseiller client;
        service client; agent client; teleconseiller; mitarbeiter; mitarbeiterin; berater; beraterin;
        kundenberater; kundenberaterin; kundenservice; kundendienst; sachbearbeiter; operatore; assistenza;
        consulente; medewerker; klantenservice; konsultant; konsultantka; оператор; агент; сотрудник;
        специалист; консультант; поддержка; مسئول; کارشناس; اپراتور; پشتیبان; پشتیبانی; کارمند; نماینده; مشاور;
        کارشناس پشتیبانی; سرویس; خدمات مشتریان; ایجنت; عامل; موظف; وكيل; الموظف; الوكيل; موظف خدمة العملاء;
        خدمة العملاء; 客服; 坐席; 座席; 客服人员; 人工客服; 客服代表; 专员; 客服专员; 话务员; 接线员; 业务员;
        客服坐席; 代理; 工作人员; 客服人員; 專員; オペレーター; オペレータ; 担当者; エージェント; スタッフ;
        상담원; 상담사; temsilci; müşteri temsilcisi; operatör; एजेंट; प्रतिनिधि""",
    "customer": """
        customer; caller; client; user; end user; consumer; visitor; guest; patient; member; subscriber; buyer;
        shopper; passenger; policyholder; cardholder; account holder; cust; external; human; website visitor;
        cliente; usuario; usuaria; clienta; consumidor; consumidora; llamante; utilizador; usuário;
        cliente final; client final; cliente externo; appelant; appelante; utilisateur; utilisatrice; usager;
        kunde; kundin; anrufer; anruferin; nutzer; benutzer; utente; chiamante; klant; beller; klient; klientka;
        клиент; абонент; пользователь; покупатель; مشتری; کاربر; تماس گیرنده; تماس‌گیرنده; خریدار; العميل; عميل;
        المتصل; زبون; الزبون; المستخدم; 客户; 客戶; 用户; 用戶; 顾客; 顧客; 来电者; 来电人; 买家; 会员; お客様;
        お客さま; 客; ユーザー; 고객; 사용자; müşteri; arayan; ग्राहक""",
    "bot": """
        bot; chatbot; chat bot; voicebot; voice bot; callbot; ivr; virtual agent; virtual assistant; assistant;
        ai; ai agent; ai assistant; custom bot; automated assistant; digital assistant; robot; va; ai bot;
        asistente; asistente virtual; assistente; assistente virtual; assistant virtuel; agent virtuel;
        assistent; virtueller assistent; sprachassistent; бот; робот; ربات; بات; دستیار; دستیار مجازی; روبات;
        المساعد; بوت; 机器人; 智能客服; 智能助手; 機器人; 语音助手; ボット; 챗봇; 봇; asistan""",
    "system": """
        system; acd; notification; automated message; system message; workflow; info; event; announcement;
        queue; sistema; systeme; système; сообщение системы; система; سیستم; سامانه; النظام; 系统; 系統;
        系统消息; システム; 시스템; sistem""",
}

_SERVICE_WORDS: Final = frozenset(
    ("service", "services", "care", "support", "success", "relations", "team", "desk", "center", "centre", "bot")
)

_WEAK_START: Final = frozenset(
    ("info", "event", "ai", "queue", "support", "human", "internal", "external", "assistant")
)
"""Role words that begin too many other names to be trusted as a first word."""


def _folded(label: str) -> str:
    """A label for comparison: compatibility form, lower case, no accents, direction marks or outer punctuation."""
    text = unicodedata.normalize("NFKD", label).casefold()
    text = "".join(c for c in text if not unicodedata.combining(c) and unicodedata.category(c) != "Cf")
    text = re.sub(r"[_\-–—/.\u200c\s]+", " ", text)
    text = text.translate(_ARABIC_LETTERS)
    return unicodedata.normalize("NFC", text).strip(" :;,#*[]<>|\"'")


_ARABIC_LETTERS: Final = str.maketrans("يىكةأإآ", "ییکهااا")

_WORDS: Final[dict[str, Role]] = {
    _folded(word): role for role, words in _ROLE_WORDS.items() for word in words.split(";") if word.strip()
}

_NUMBERED: Final = re.compile(r"(.*?\D)\s*#?\s*\d{1,6}")
_BRACKETED: Final = re.compile(r"([^()\[\]（）]*)[(\[（]([^()\[\]（）]*)[)\]）]\s*")


@lru_cache(maxsize=4096)
def role_word(label: str) -> Role | None:
    """The role that the label states by itself, in any of the languages above; None when it is a name or a code."""
    if len(label) > 200:
        return None
    if bracketed := _BRACKETED.fullmatch(label):
        outer, inner = bracketed.groups()
        return role_word(inner) or role_word(outer)
    # `CustomerCareRep` and `customer_care_rep` are one label.
    folded = _folded(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", label))
    if numbered := _NUMBERED.fullmatch(folded):
        folded = numbered[1].strip(" #")
    if role := _WORDS.get(folded) or _WORDS.get(_folded(label)):
        return role
    first, _, rest = folded.partition(" ")
    if not rest or first in _WEAK_START or not _SERVICE_WORDS.isdisjoint(rest.split()) or len(rest.split()) > 3:
        return None
    return None if any(word in _WORDS for word in rest.split()) else _WORDS.get(first)
