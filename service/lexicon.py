"""Words that grounding and cues must know by name: fillers, negators, number words, language by language.

Comes in: a language tag. Goes out: a `Lexicon` of folded words with the questions that are asked of it. Lists are
closed classes and short on purpose: a word that is not here counts like any other, and words must agree. This module
knows nothing of transcripts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from service.folding import Token, tokens

Phrase = tuple[str, ...]


def _words(text: str) -> frozenset[str]:
    """Folded words of a list written with spaces."""
    return frozenset(token.text for token in tokens(text))


def _phrases(text: str) -> frozenset[Phrase]:
    """Folded phrases of a list written with commas."""
    return frozenset(tuple(token.text for token in tokens(part)) for part in text.split(",") if part.strip())


# ── Fillers ─────────────────────────────────────────────────────────────────────────────────────────────────────

HESITATIONS: Mapping[str, frozenset[Phrase]] = MappingProxyType(
    {
        "en": _phrases(
            "um, umm, ummm, uh, uhh, uhhh, uhm, er, err, erm, ehm, hm, hmm, hmmm, mm, mmm, mhm, mmhm, mm hmm, "
            "uh huh, ah, ahh,"
            "eh, huh, oh"
        ),
        "es": _phrases("eh, ehh, ehm, em, emm, mmm, mm, ah, ahh, uh, uhm, oh, o sea"),
        "fr": _phrases("euh, euhh, heu, hum, hmm, mmh, ah, oh, ben, bah, hein, eh ben, eh bien"),
        "de": _phrases("äh, ähh, ähm, öh, öhm, hm, hmm, mhm, tja, naja, na ja, ach, oh, ah, eh"),
        "pt": _phrases("hum, hmm, ahn, hã, éé, eh, ah, oh, né, ãh, uh, hm"),
        "it": _phrases("ehm, eh, mmm, mm, beh, mah, boh, ah, oh, uh"),
        "fa": _phrases("اممم, امم, اوم, اوووم, اهوم, هوم, هممم, اهم, عه, آها, اها"),
        "ar": _phrases("امم, اممم, همم, هممم, اه, آه, آآه, ااه, مم, ممم, اوه"),
        "zh": _phrases("嗯, 嗯嗯, 呃, 哦, 噢, 唔, 呣, 哎, 唉, 诶, 欸, 啊, 喔"),
        "ja": _phrases("えっと, ええと, えーと, えー, うーん, あー, んー"),
        "ko": _phrases("음, 어"),
        "ru": _phrases("ээ, эээ, эм, эмм, хм, мм, ммм, ну, ой, ах"),
        "nl": _phrases("eh, ehm, uh, uhm, hm, hmm, nou, tja, ah, oh"),
        "tr": _phrases("ııı, eee, şey, hmm, hımm, ee, ah, ay"),
        "hi": _phrases("अं, उम, हम्म, अह"),
    }
)
"""Sounds that carry no word: speech recognition writes them or not, and readers drop them."""

DISCOURSE: Mapping[str, frozenset[Phrase]] = MappingProxyType(
    {
        "en": _phrases("you know, i mean, you see, like, well, so, okay so, yeah so, basically, actually, i guess"),
        "es": _phrases("este, esto, pues, bueno, a ver, es decir, digamos, entonces, sabes, ya sabe, verdad"),
        "fr": _phrases("enfin, voilà, tu vois, vous voyez, vous savez, tu sais, genre, bon, alors, du coup, en fait"),
        "de": _phrases("also, halt, eben, sozusagen, wissen sie, weißt du, ja, sag ich mal, gell, ne"),
        "pt": _phrases("tipo, então, bem, sabe, assim, quer dizer, olha, pois"),
        "it": _phrases("cioè, allora, insomma, tipo, diciamo, ecco, dunque, sai, praticamente"),
        "fa": _phrases("ام, اه, خب, خوب, یعنی, مثلاً, راستش, ببینید, ببین, در واقع, می‌دونید, میدونی, والا, حالا"),
        "ar": _phrases("يعني, طيب, والله, بصراحة, مثلا, طب, خلاص, شوف, تعرف"),
        "zh": _phrases(
            "那个, 这个, 就是, 就是说, 然后, 额, 那么, 反正, 其实, 怎么说, 怎么说呢, 的话, 呢, 嘛, 吧, 呀, "
            "那個, 這個, 就是說"
        ),
        "ja": _phrases("あの, あのー, その, まあ, なんか, ちょっと"),
        "ko": _phrases("저기, 그, 뭐, 이제, 그러니까, 그니까, 막"),
        "ru": _phrases("значит, вот, как бы, то есть, так сказать, типа, короче"),
        "nl": _phrases("dus, zeg maar, weet je, eigenlijk, gewoon"),
        "tr": _phrases("yani, işte, hani, falan"),
        "hi": _phrases("मतलब, तो, अच्छा, देखिए"),
    }
)
"""Words that may fill a pause and may carry meaning; they are fillers only where their surroundings say so."""

# These also point at what follows ("este pago", 那个套餐), so a pause before them is not enough.
_POINTING = _phrases(
    "like, este, esto, genre, tipo, 那个, 这个, 那個, 這個, その, あの, ちょっと, 그, actually, basically"
)
_NEVER_HALF = _phrases("额, actually, basically, 呢, 吧, 的话")  # 余额 is a balance; the others carry meaning at ends

# Before these, `like`, `you know` and `i mean` belong to the sentence: "would like help" is not "would help".
_CARRIES = _words(
    "like would wouldn't id i'd you'd we'd they'd he'd she'd who'd i you we they he she it who to do does did "
    "don't doesn't didn't "
    "will won't can can't could should might may feel feels felt look looks looked looking sound sounds "
    "sounded seem seems "
    "seemed something anything nothing things stuff much more not never also really is was be just let if as "
    "how what when "
    "where why that whether because until than"
)

_WANTING = _words("would wouldn't id i'd you'd we'd they'd he'd she'd do does did don't doesn't didn't also really")
_PADDING = _words("you know i mean well")
_CLAIMED_BY = {
    "well": _words("as very going go went do doing did does feel pretty quite not works work worked get"),
    "so": _words(
        "think thought hope if not is isn't im i'm am are was it its it's guess say said do did doing feel much"
    ),
}
_CLAIMABLE = frozenset(("like", "you", "i"))

# ── Negators ────────────────────────────────────────────────────────────────────────────────────────────────────

NEGATORS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "en": _words(
            "not no nt never none nobody nothing nowhere neither nor nope nah without unable cannot cant can't "
            "won't wont don't "
            "doesn't didn't isn't aren't wasn't weren't haven't hasn't hadn't wouldn't couldn't shouldn't "
            "mustn't mightn't "
            "needn't shan't ain't oughtn't daren't dunno hardly scarcely barely impossible unwilling "
            "ineligible unlikely rarely seldom"
        ),
        "es": _words("no nunca jamás nadie nada ninguno ninguna ningún ningunos ningunas tampoco ni sin imposible"),
        "fr": _words("ne pas non jamais rien personne aucun aucune ni sans guère nulle nul impossible plus n"),
        "de": _words(
            "nicht nein kein keine keinen keinem keiner keines nie niemals niemand niemanden nichts nirgends "
            "weder noch ohne "
            "unmöglich nee kaum nix"
        ),
        "pt": _words("não nao nunca jamais ninguém nada nenhum nenhuma nem sem tampouco impossível num"),
        "it": _words("non no mai nessuno nessuna nessun niente nulla né senza neanche nemmeno neppure impossibile"),
        "fa": _words(
            "نه نیست نیستم نیستیم نیستی نیستید نیستین نیستند نیستن نبود نبودم نبودیم نبودی نبودید نبودند نبودن "
            "نباشد نباشه "
            "نباشید ندارم ندارد نداره نداریم نداری ندارید ندارین ندارند ندارن نداشت نداشتم نداشتیم نداشتید "
            "نداشتند نخیر هیچ "
            "هیچکس هیچوقت هرگز بدون نشد نشده نشود نشه نکن نکنید نکنین نکرد نکردم نکردیم نکرده نکردید نکردند "
            "نخواهم نخواهد نخواهیم "
            "نخواهید نخواهند نباید نتوانست نتونست نتوانستم نتونستم نتوانیم نتوانم نگفت نگفتم نگفتید نگرفت "
            "نگرفتم نده ندهید ندید "
            "ندادم نداد ندادند نیامد نیومد نیامده نیومده نرسید نرسیده نفرستاد نفرستادم نگذاشت نگذار نزن نزنید "
            "نرو نروید نگیر نگیرید "
            "نی نمی بی بدونِ نشنیدم ندیدم نبر نبرید نکنه نکند نکنم نکنیم نگو نگید نگویید نذار نذارید نا"
        ),
        "ar": _words(
            "لا لم لن ليس ليست لست لسنا لستم ليسوا ما غير بدون دون كلا أبدا مش مو مب ماكو مافي مافيش ولا فلا "
            "ولم ولن وليس فليس بلا "
            "مستحيل معندي معنديش ماعندي مقدر مقدرش ماقدر مايمكن لايمكن لايوجد لاأستطيع لست موب مهو منيش"
        ),
        "zh": _words("不 没 沒 无 無 未 别 別 勿 莫 甭 非 否 毋 休 弗"),
        "ja": _words("無 不 未 非"),
        "ko": _words(
            "안 못 아니 아니요 아니오 없습니다 없어요 없다 없이 않습니다 않아요 않다 않고 않는 못합니다 없는 "
            "없고 아닙니다"
        ),
        "ru": _words("не нет ни никогда никто ничего нельзя без никак нигде невозможно никакой никакого"),
        "nl": _words("niet geen nee nooit niemand niets nergens noch zonder onmogelijk"),
        "tr": _words("değil hayır yok asla hiç olmaz değilim değiliz"),
        "hi": _words("नहीं न ना मत बिना नही नहि"),
        "he": _words("לא אין אינו אינה אינם אינני איני בלי ללא מעולם אף"),
        "vi": _words("không chưa chẳng đừng"),
        "pl": _words("nie bez nigdy nikt nic żaden żadna żadnego"),
        "sv": _words("inte icke aldrig ingen inget inga"),
        "da": _words("ikke aldrig ingen intet uden"),
        "nb": _words("ikke ikkje aldri ingen intet uten"),
        "uk": _words("не ні немає ніколи ніхто нічого без"),
        "el": _words("δεν δε μην μη όχι ποτέ χωρίς κανείς"),
        "id": _words("tidak bukan jangan belum tanpa"),
    }
)
"""Words that turn a statement round or empty it."""

# Verbs and adjectives that deny what follows them, for a quotation that begins just behind.
_DENIERS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "en": _words(
            "fail fails failed failing refuse refuses refused refusing declined declines decline deny denies "
            "denied forgot "
            "stopped avoid avoided prevent prevents prevented prohibited forbidden"
        ),
    }
)

# An answer word ("no I can", "nein ich …") denies the question before it and not the sentence after it.
ANSWER_WORDS = _words("no nope nah nein nee non não нет نه نخیر لا كلا 不 否 hayır 아니요 아니오 नहीं")
BARE_ANSWERS = _words("nope nah nein nee нет نخیر كلا hayır 아니요 아니오")
"""Of those, the ones that never do anything but answer."""

_PERSIAN_VERBAL = re.compile(r"نمی\w")
_PERSIAN_NOT_VERBAL = frozenset(("نمیران",))
# Chinese words in which the character denies nothing: 不好意思 (excuse me), 特别 (especially), 未来 (future) …
_CHINESE_HARMLESS = re.compile(
    "不好意思|不客气|不客氣|不用谢|不用謝|不过|不過|不仅|不僅|不但|不管|不论|不論|不光|不只|不错|不錯|对不起|對不起|差不多|了不起|不断|不斷|"
    "特别|特別|级别|級別|性别|性別|区别|區別|分别|分別|类别|類別|个别|個別|告别|告別|识别|識別|别人|別人|别的|別的|别墅|"
    "未来|未來|无论|無論|是否|能否|可否|否则|否則|非常|除非|莫非|无线|無線|没关系|沒關係|没问题|沒問題|没事|沒事|不要紧|"
    "休息|退休|休假|午休|非洲|并非常"
)
_SPACELESS_NEGATION = re.compile("ไม่|ไม่|มิ|ไร้|ない|ません|なかった|ませんでした|ぬ|ず(?=に)|មិន|មិន|ບໍ່|မ")

# ── Numbers ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _valued(*pairs: tuple[str, float]) -> Mapping[str, float]:
    """Folded word → value, each pair naming several spellings."""
    return MappingProxyType({word: value for spellings, value in pairs for word in _words(spellings)})


NUMBER_WORDS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "en": _valued(
            ("zero oh nought", 0), ("one", 1), ("two", 2), ("three", 3), ("four", 4), ("five", 5), ("six", 6),
            ("seven", 7),
            ("eight", 8), ("nine niner", 9), ("ten", 10), ("eleven", 11), ("twelve dozen", 12), ("thirteen", 13),
            ("fourteen", 14), ("fifteen", 15), ("sixteen", 16), ("seventeen", 17), ("eighteen", 18), ("nineteen", 19),
            ("twenty", 20), ("thirty", 30), ("forty fourty", 40), ("fifty", 50), ("sixty", 60), ("seventy", 70),
            ("eighty", 80), ("ninety", 90), ("hundred", 100), ("thousand grand", 1_000), ("million", 1_000_000),
            ("billion", 1_000_000_000), ("half", 0.5), ("quarter", 0.25), ("first once", 1), ("second twice", 2),
            ("third", 3), ("fourth", 4), ("fifth", 5), ("sixth", 6), ("seventh", 7), ("eighth", 8), ("ninth", 9),
            ("tenth", 10), ("eleventh", 11), ("twelfth", 12), ("thirteenth", 13), ("fourteenth", 14),
            ("fifteenth", 15),
            ("sixteenth", 16), ("seventeenth", 17), ("eighteenth", 18), ("nineteenth", 19), ("twentieth", 20),
            ("thirtieth", 30),
        ),
        "es": _valued(
            ("cero", 0), ("uno una un primero primera", 1), ("dos segundo segunda", 2), ("tres tercero tercera", 3),
            ("cuatro cuarto", 4), ("cinco quinto", 5), ("seis sexto", 6), ("siete", 7), ("ocho", 8), ("nueve", 9),
            ("diez", 10), ("once", 11), ("doce", 12), ("trece", 13), ("catorce", 14), ("quince", 15),
            ("dieciséis", 16),
            ("diecisiete", 17), ("dieciocho", 18), ("diecinueve", 19), ("veinte", 20), ("veintiuno veintiún", 21),
            ("veintidós", 22), ("veintitrés", 23), ("veinticuatro", 24), ("veinticinco", 25), ("veintiséis", 26),
            ("veintisiete", 27), ("veintiocho", 28), ("veintinueve", 29), ("treinta", 30), ("cuarenta", 40),
            ("cincuenta", 50), ("sesenta", 60), ("setenta", 70), ("ochenta", 80), ("noventa", 90),
            ("cien ciento", 100),
            ("doscientos doscientas", 200), ("trescientos trescientas", 300), ("cuatrocientos cuatrocientas", 400),
            ("quinientos quinientas", 500), ("seiscientos seiscientas", 600), ("setecientos setecientas", 700),
            ("ochocientos ochocientas", 800), ("novecientos novecientas", 900), ("mil", 1_000),
            ("millón millones", 1_000_000), ("medio media", 0.5),
        ),
        "fr": _valued(
            ("zéro", 0), ("un une premier première", 1), ("deux deuxième", 2), ("trois", 3), ("quatre", 4),
            ("cinq", 5),
            ("six", 6), ("sept", 7), ("huit", 8), ("neuf", 9), ("dix", 10), ("onze", 11), ("douze", 12),
            ("treize", 13),
            ("quatorze", 14), ("quinze", 15), ("seize", 16), ("vingt vingts", 20), ("trente", 30), ("quarante", 40),
            ("cinquante", 50), ("soixante", 60), ("septante", 70), ("huitante", 80), ("nonante", 90),
            ("cent cents", 100),
            ("mille", 1_000), ("million millions", 1_000_000), ("demi demie", 0.5),
        ),
        "de": _valued(
            ("null", 0), ("eins ein eine einen einem einer erste ersten", 1), ("zwei zwo zweite", 2),
            ("drei dritte", 3),
            ("vier", 4), ("fünf", 5), ("sechs", 6), ("sieben", 7), ("acht", 8), ("neun", 9), ("zehn", 10), ("elf", 11),
            ("zwölf", 12), ("dreizehn", 13), ("vierzehn", 14), ("fünfzehn", 15), ("sechzehn", 16), ("siebzehn", 17),
            ("achtzehn", 18), ("neunzehn", 19), ("zwanzig", 20), ("dreißig", 30), ("vierzig", 40), ("fünfzig", 50),
            ("sechzig", 60), ("siebzig", 70), ("achtzig", 80), ("neunzig", 90), ("hundert", 100), ("tausend", 1_000),
            ("million millionen", 1_000_000), ("halb halbe", 0.5),
        ),
        "pt": _valued(
            ("zero", 0), ("um uma primeiro", 1), ("dois duas segundo", 2), ("três", 3), ("quatro", 4), ("cinco", 5),
            ("seis meia", 6), ("sete", 7), ("oito", 8), ("nove", 9), ("dez", 10), ("onze", 11), ("doze", 12),
            ("treze", 13),
            ("catorze quatorze", 14), ("quinze", 15), ("dezesseis", 16), ("dezessete", 17), ("dezoito", 18),
            ("dezenove", 19), ("vinte", 20), ("trinta", 30), ("quarenta", 40), ("cinquenta", 50), ("sessenta", 60),
            ("setenta", 70), ("oitenta", 80), ("noventa", 90), ("cem cento", 100), ("duzentos", 200),
            ("trezentos", 300),
            ("quinhentos", 500), ("mil", 1_000), ("milhão milhões", 1_000_000),
        ),
        "it": _valued(
            ("zero", 0), ("uno una un", 1), ("due", 2), ("tre", 3), ("quattro", 4), ("cinque", 5), ("sei", 6),
            ("sette", 7),
            ("otto", 8), ("nove", 9), ("dieci", 10), ("undici", 11), ("dodici", 12), ("tredici", 13),
            ("quattordici", 14),
            ("quindici", 15), ("sedici", 16), ("diciassette", 17), ("diciotto", 18), ("diciannove", 19), ("venti", 20),
            ("trenta", 30), ("quaranta", 40), ("cinquanta", 50), ("sessanta", 60), ("settanta", 70), ("ottanta", 80),
            ("novanta", 90), ("cento", 100), ("mille mila", 1_000), ("milione milioni", 1_000_000),
        ),
        "fa": _valued(
            ("صفر", 0), ("یک یه", 1), ("دو", 2), ("سه", 3), ("چهار چار", 4), ("پنج", 5), ("شش شیش", 6), ("هفت", 7),
            ("هشت", 8),
            ("نه", 9), ("ده", 10), ("یازده", 11), ("دوازده", 12), ("سیزده", 13), ("چهارده", 14), ("پانزده پونزده", 15),
            ("شانزده شونزده", 16), ("هفده", 17), ("هجده هیجده", 18), ("نوزده", 19), ("بیست", 20), ("سی", 30),
            ("چهل", 40),
            ("پنجاه", 50), ("شصت", 60), ("هفتاد", 70), ("هشتاد", 80), ("نود", 90), ("صد", 100), ("دویست", 200),
            ("سیصد", 300), ("چهارصد", 400), ("پانصد پونصد", 500), ("ششصد", 600), ("هفتصد", 700), ("هشتصد", 800),
            ("نهصد", 900), ("هزار", 1_000), ("میلیون", 1_000_000), ("میلیارد", 1_000_000_000), ("نیم", 0.5),
            ("اول", 1),
            ("دوم", 2), ("سوم", 3),
        ),
        "ar": _valued(
            ("صفر", 0), ("واحد واحدة", 1), ("اثنان اثنين اثنتان", 2), ("ثلاث ثلاثة", 3), ("أربع أربعة", 4),
            ("خمس خمسة", 5),
            ("ست ستة", 6), ("سبع سبعة", 7), ("ثمان ثمانية ثماني", 8), ("تسع تسعة", 9), ("عشر عشرة", 10),
            ("عشرون عشرين", 20),
            ("ثلاثون ثلاثين", 30), ("أربعون أربعين", 40), ("خمسون خمسين", 50), ("ستون ستين", 60), ("سبعون سبعين", 70),
            ("ثمانون ثمانين", 80), ("تسعون تسعين", 90), ("مئة مائة", 100), ("مئتان مئتين مائتان", 200),
            ("ألف آلاف", 1_000),
            ("مليون ملايين", 1_000_000), ("نصف", 0.5), ("ربع", 0.25),
        ),
        "zh": _valued(
            ("零 〇", 0), ("一 壹 幺", 1), ("二 两 贰 兩 貳", 2), ("三 叁", 3), ("四 肆", 4), ("五 伍", 5),
            ("六 陆", 6), ("七 柒", 7),
            ("八 捌", 8), ("九 玖", 9), ("十 拾", 10), ("百 佰", 100), ("千 仟", 1_000), ("万 萬", 10_000),
            ("亿 億", 100_000_000), ("半", 0.5),
        ),
    }
)  # fmt: skip
"""Number word → its value; words of size (hundred, mil, 万) multiply what stands before them."""

_SIZES = _words(
    "hundred thousand million billion trillion k mil millón millones millions mille milliard hundert tausend "
    "milliarde milhão "
    "milhões mila milioni هزار میلیون میلیارد ألف آلاف مليون مليار مئة مائة 百 千 万 萬 亿 億 十 拾 佰 仟"
)
_DECIMAL_WORDS = _words("point dot punto coma virgule komma vírgula virgola ممیز فاصلة 点 點")
_NUMBER_LINKS = _words("and y et und e و")
# Words that are numbers and, far more often, something else.
_AMBIGUOUS = _words(
    "second seconds once half quarter oh dot grand first third un una uno une um uma ein eine einen einem einer"
)


# ── A language's lexicon ────────────────────────────────────────────────────────────────────────────────────────


_PAUSE = re.compile(r"[^\w\s'’]")


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The folded words of one language (and of English, which mixes into all). Made once per language."""

    language: str | None
    hesitations: frozenset[Phrase]
    discourse: frozenset[Phrase]
    negators: frozenset[str]
    deniers: frozenset[str]
    number_words: Mapping[str, float]
    _longest: Mapping[str, int]  # first word of a filler → words of the longest filler that begins so

    def is_negator(self, word: str) -> bool:
        """Whether this folded word denies, by itself or through a Persian verbal prefix."""
        return word in self.negators or (
            "نمی" in word and _PERSIAN_VERBAL.search(word) is not None and word not in _PERSIAN_NOT_VERBAL
        )

    def negations(self, found: Sequence[Token]) -> tuple[int, ...]:
        """Indexes of the tokens that deny; Chinese, Japanese and Thai words are read across their characters."""
        hits = {i for i, token in enumerate(found) if token.kind == "word" and self.is_negator(token.text)}
        if any(token.text > "\u0e00" for token in found):
            hits = _spaceless_negations(found, hits)
        return tuple(sorted(hits))

    def is_number(self, token: Token) -> bool:
        """Whether this token says a number, in digits or in a word that means little else."""
        return token.kind == "number" or (token.text in self.number_words and token.text not in _AMBIGUOUS)

    def continues_number(self, before: Sequence[Token], after: Sequence[Token]) -> bool:
        """Whether the tokens `after` go on with the number at the end of `before`: `one hundred | and six`."""
        if not before or not after or not self.is_number(before[-1]):
            return False
        nearest = after[0]
        if nearest.text in _SIZES or self.is_number(nearest):
            return True
        links = _DECIMAL_WORDS if nearest.text in _DECIMAL_WORDS else _NUMBER_LINKS
        if nearest.text not in links or len(after) < 2 or not self.is_number(after[1]):
            return False
        return links is _DECIMAL_WORDS or before[-1].text in self.number_words

    def filler_at(self, found: Sequence[Token], index: int, source: str | None = None) -> int:
        """How many tokens the filler that begins at `index` takes; 0 where none does.

        Hesitations always fill. Words such as `like`, `este` or `那个` fill only between pauses: with `source`, the
        text that the tokens came from, punctuation or a neighbouring hesitation must say so.
        """
        longest = self._longest.get(found[index].text)
        if longest is None:
            return 0
        for size in range(min(longest, len(found) - index), 0, -1):
            phrase = tuple(token.text for token in found[index : index + size])
            if phrase in self.hesitations:
                return size
            if phrase in self.discourse and self._fills(found, index, size, source):
                return size
        return 0

    def _fills(self, found: Sequence[Token], index: int, size: int, source: str | None) -> bool:
        before = found[index - 1] if index else None
        after = found[index + size] if index + size < len(found) else None
        near = (found[i].text for i in range(index - 1, max(index - 8, -1), -1))
        spoken = next((t for t in near if (t,) not in self.hesitations and t not in _PADDING), None)
        word = found[index].text
        claimed = (word in _CLAIMABLE and (spoken is None or spoken in _CARRIES)) or spoken in _CLAIMED_BY.get(word, ())
        if claimed and source is None:
            return False
        if not claimed and any(t is not None and (t.text,) in self.hesitations for t in (before, after)):
            return True
        if source is not None:
            starts_clause = before is None or _PAUSE.search(source[before.end : found[index].start]) is not None
            ends_clause = after is None or _PAUSE.search(source[found[index + size - 1].end : after.start]) is not None
            if starts_clause and ends_clause:
                return True
            phrase = tuple(token.text for token in found[index : index + size])
            if ends_clause or (starts_clause and phrase not in _POINTING):
                return phrase not in _NEVER_HALF and not (word == "like" and spoken in _WANTING)
        # Unpunctuated speech: these are fillers more often than words, unless the word before claims them.
        return word in _CLAIMABLE and not claimed and before is not None


def _spaceless_negations(found: Sequence[Token], hits: set[int]) -> set[int]:
    """Correct single characters by the words that they stand in, and add denials of several characters."""
    text = "".join(token.text for token in found)
    owner = [i for i, token in enumerate(found) for _ in token.text]
    harmless = {owner[at] for m in _CHINESE_HARMLESS.finditer(text) for at in range(*m.span())}
    more = {owner[m.start()] for m in _SPACELESS_NEGATION.finditer(text)}
    return (hits - harmless) | more


def _united(table: Mapping[str, frozenset[Phrase]], languages: Iterable[str]) -> frozenset[Phrase]:
    return frozenset().union(*(table.get(language, frozenset()) for language in languages))


# Languages whose little words collide with no other's: a text of unknown language is read with all of them.
_UNKNOWN = ("en", "es", "fa", "ar", "zh", "ja", "ko", "ru", "hi")


@lru_cache(maxsize=64)
def _lexicon(primary: str | None) -> Lexicon:
    own = (primary,) if primary is not None and primary in HESITATIONS else _UNKNOWN
    # English `um` and `er` are words elsewhere, so fillers stay with their language; negators are added together.
    hesitations = _united(HESITATIONS, own)
    discourse = _united(DISCOURSE, own)
    spoken = own if primary in HESITATIONS else tuple(NEGATORS)
    negators = frozenset().union(NEGATORS["en"], *(NEGATORS.get(language, frozenset()) for language in spoken))
    if primary in ("zh", "ja", "yue"):
        negators |= NEGATORS["zh"]
    numbers: dict[str, float] = {}
    for language in reversed(spoken):
        numbers.update(NUMBER_WORDS.get(language, {}))
    numbers = {**NUMBER_WORDS["en"], **numbers}
    return Lexicon(
        language=primary,
        hesitations=hesitations,
        discourse=discourse,
        negators=negators,
        deniers=_DENIERS["en"].union(*(_DENIERS.get(language, frozenset()) for language in spoken)),
        number_words=MappingProxyType(numbers),
        _longest={phrase[0]: len(phrase) for phrase in sorted(hesitations | discourse, key=len)},
    )


def lexicon_for(language: str | None) -> Lexicon:
    """The lexicon of a BCP 47 tag's language; of all languages together when the tag is absent or unknown."""
    return _lexicon(language.replace("_", "-").split("-", 1)[0].lower() if language else None)
