"""When a quotation and a passage say the same, and what around a passage would turn its meaning.

Comes in: the words of one turn and of one quotation. Goes out: whether they agree word for word but for speech
artefacts and typing slips, and whether a negation or a number is cut off at the edges. Similarity is never measured:
a flipped negation is as similar as a typing slip, so each difference must belong to a named class. This module knows
nothing of speakers, turns' order or preference.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Literal

from service.clauses import clause_words
from service.folding import Token, tokens
from service.lexicon import ANSWER_WORDS, BARE_ANSWERS, Lexicon

EdgeFault = Literal["negation_differs", "number_differs", "name_differs"]
Direction = Literal[1, -1]


def _set(words: str) -> frozenset[str]:
    return frozenset(token.text for token in tokens(words))


# ── Clauses ─────────────────────────────────────────────────────────────────────────────────────────────────────

_CLAUSE_END = re.compile(r"(?<!\.)\.(?![.\d])|[!?;:,()\[\]。，！？；：、،؛؟।]|\n\s*\n")
_TRAILING_OFF = re.compile(r"(?:\.\.\.|…)\s+")  # the end of a sentence only where a capital follows
_SENTENCE_END = re.compile(r"(?<!\.)\.(?![.\d])|[!?;。！？؛؟।]|\n\s*\n")

# Verbs and adjectives that take a statement: what they report is denied with them (`I don't think | we can refund`).
_COMPLEMENT = _set(
    "think thought believe believed say said says saying tell told telling promise promised promising "
    "guarantee guaranteed "
    "suppose supposed expect expected know knew known sure certain mean meant imply implied claim claimed "
    "agree agreed "
    "confirm confirmed mention mentioned feel hope guess understand understood see aware convinced clear true "
    "that whether if "
    "creo creer dije dijo decir digo prometo prometí garantizo garantizar sé seguro segura que si pense dit "
    "dire promets "
    "garantis sûr sûre glaube gesagt sage sagen verspreche garantiere weiß sicher dass ob acho disse dizer "
    "prometo garanto "
    "certeza فکر گفتم گفته میگم قول مطمئن که أعتقد قلت أقول أعد أضمن متأكد أن أنه إن 说 說 认 認 觉 覺 保 承 "
    "诺 諾 知 确 確"
)
_HARMLESS_PAIRS = frozenset(
    tuple(pair.split())
    for pair in [
        "no problem",
        "no problems",
        "no worries",
        "no doubt",
        "no wonder",
        "no thank",
        "no thanks",
        "no trouble",
        "no rush",
        "no hurry",
        "not only",
        "why not",
        "or not",
        "if not",
        "no matter",
        "not just",
        "not at",
        "sin duda",
        "no obstante",
        "ningun problema",
        "sans doute",
        "pas probleme",
        "kein problem",
        "sem duvida",
        "sem problema",
        "nessun problema",
        "senza dubbio",
        "بدون شک",
        "بی شک",
    ]
)
_OPENERS_BY_DENIAL = _set("to from that doing giving")

# Verbs that leave their denial hanging before a comma: `we will not, under any circumstances, | refund you`.
_AUXILIARIES = _set(
    "will would can could do does did shall should may might must is are was were have has had am "
    "puedo puede podemos pueden vamos kann können werden posso pode podemos"
)
_CONTRACTED_DENIALS = _set(
    "cannot cant can't won't wont don't dont doesn't didn't isn't aren't wasn't weren't haven't hasn't hadn't "
    "wouldn't couldn't shouldn't mustn't"
)
_COMMA = re.compile(r"\A\s*(?:,|[-–—]+)\s*\Z")
_FAR_OFF = 12
# German and Dutch deny behind the object, before the verb: `Ich kann Ihnen die Gebühr | leider nicht erstatten`.
_DENY_LATE = frozenset({"de", "nl"})
_LATE_DENIALS = _set("nicht nie niemals kein keine keinen keinem keiner niet nooit geen")
# Where one word both answers and denies the verb behind it: `no | tiene que pagar`.
_ANSWER_BEFORE_VERB = frozenset({"es", "pt", "it", "ca", "gl"})
# Persian negative verbs close their own clause; these alone reach into the words that follow.
_PERSIAN_REACHING = re.compile(
    "توان|تون|خوا|خوام|باید|بایست|شود|شه|نمی$|گذار|ذار|اجازه|^بدون$|^بی$|^هیچ|^نا$|^نه$|^نی$|قادر|ممکن|قرار"
)
_PREFIXED_KOREAN = frozenset(("안", "못"))
_RELATIVE = _set("ما")  # Arabic "what", far more often than "not", where it follows a statement
_POLAR = _set("why or whether if")
_REACH = 6

# ── Numbers ─────────────────────────────────────────────────────────────────────────────────────────────────────

_RUN_OF_DIGITS = re.compile(r"[\s,/\-–−]*\Z")
_SPANNING = _set("to until through thru bis à تا إلى الى 到 至")  # `5 | to 7 days`
_SPANNED_BY_AND = _set("between entre zwischen tra fra بین بين")  # `between 5 | and 7`
_FRACTIONS = _set("half quarter third")
_PERCENT = _set("percent pct percentage prozent درصد")
_BELOW_ZERO = _set("minus negative menos moins منفی")
_RUN_OF_WORDS = re.compile(r"[\s\-–]*\Z")

# ── Artefacts of the source ─────────────────────────────────────────────────────────────────────────────────────

_BRACKETED = re.compile(
    r"[\[<({]\s*(?:"
    r"\d{1,3}:\d\d(?::\d\d)?(?:[.,]\d{1,3})?(?:\s*(?:-|–|-->)\s*\d{1,3}:\d\d(?::\d\d)?(?:[.,]\d{1,3})?)?"
    r"|(?-i:[A-Z]{2,}(?:[ _-][A-Z]+)*(?:[_ -]?\d{1,3})?)"
    r"|inaudible|unintelligible|crosstalk|cross talk|overlapping|laughter|laughs?|laughing|noise|background noise"
    r"|music|silence|pauses?|coughs?|sighs?|breath|redacted|masked|unk|beep|applause|phone rings|ringing|hold music|pii"
    r"|risas|ruido|rires|lachen|خنده|نامفهوم|听不清|笑声"
    r")\s*[\]>)}]",
    re.IGNORECASE,
)
_CUT_OFF = re.compile(r"\A\s?(?:-+|–|—|\.\.\.|…),?\s+\Z")

# ── Typing slips ────────────────────────────────────────────────────────────────────────────────────────────────

# Words one letter away from another word of the same business: a slip in them cannot be told from another word.
_CONFUSABLE = _set(
    "charge change charged changed charges changes charging changing country county message massage quite "
    "quiet through "
    "though thought thorough brought bought month mouth house horse contact contract contacts contracts "
    "contacted contracted "
    "personal personnel weather whether later latter latest loose lose closed closet loosing losing waive wave "
    "waived waved "
    "waiver waver present prevent started stated starting stating stayed staged strayed order older covered "
    "coveted installed "
    "instilled posting pasting working walking waiting wanting missing mission sending spending seeding "
    "lending landing united "
    "untied reset reject return retain returned retained advice advise device devise passed paused passes "
    "pauses cancel cancer "
    "paying playing payed played signed singed moral mortal council counsel insured injured insure injure "
    "assured assumed "
    "assure assume relieved relived complaint compliant complement compliment adverse averse stationary "
    "stationery discreet "
    "discrete formally formerly perspective prospective trail trial trails trials angel angle casual causal "
    "sacred scared "
    "married marred desert dessert posted ported resolve revolve resolved revolved expired expected inspired "
    "refunded refused "
    "unlocked unblocked blocked bloated slipped shipped dropped drooped crashed crushed credit locked looked "
    "booked booted "
    "shipping shopping shopped parking packing cleared cleaned clearing cleaning filed field filled reset refused "
    "refuted revised revived rebooted rebooked clicked clocked cashed crashed deceased decreased diseased flight "
    "fright freight upload unload uploaded unloaded project protect projects protects remote remove taking talking "
    "writing waiting saving saying staying thanks thinks things think think export expert expect import string "
    "strong storing convert concert looking locking showing snowing prompted promoted promise premise extensive "
    "expensive content context nothing noting double master matter leading leaving stopping shared routes routers "
    "quotes quotas chances chance changes selling spelling hearing heading heating relies replies applies apples "
    "setting seating falling failing filing follow fellow serves servers series missed messed banking backing "
    "father farther better bitter butter adopted adapted brother bother status states driver drivers provides "
    "providers assets assess throat threat threads threats lessor lesser letter litter called culled dropping "
    "dripping "
    "canceled concealed approved approached direct detect active alive bonus bogus minute minuet prosecute "
    "persecute ensure "
    "endure manager manger public pubic parent patent policy police signal single sample simple offered "
    "ordered tracked "
    "tricked packed picked packing picking costumer customer carrier career hoping hopping planed planned "
    "filing filling "
    "billing balling robbed rubbed stored stared starred tested texted testing texting "
    "cobrado comprado cargado cambiado pagado pegado cuenta cuesta cuento pasado pesado pisado cuarto cuatro "
    "pedido perdido "
    "llamada llamaba enviado envidiado contado cortado contrato contacto compra compara comprar comparar "
    "eines einen einem seines seinen seinem meinen meinem deinen deinem unseren unserem konnte könnte wurde "
    "würde hatte hätte "
    "musste müsste bezahlt gezahlt"
)
_NAME_CUES = _set(
    "name names named mr mrs ms miss dr sir madam called spell spelled spelling surname lastname firstname "
    "nombre llamo llama "
    "señor señora señorita apellido nom appelle monsieur madame prénom heiße herr frau nachname vorname nome "
    "chamo senhor "
    "senhora sobrenome cognome signor signora اسم اسمم اسمتون نام نامم آقای خانم فامیلی فامیل اسمي السيد "
    "السيدة الاسم سيد"
)
_NAMING = _set("name names surname nombre apellido nom nome nachname vorname")
_TITLES = _set("mr mrs ms dr llamo señor señora heiße herr frau chamo monsieur madame آقای")
_NAMING_CHARACTERS = frozenset("叫姓")
_COPULAS = _set("is was es ist est é de")
# Languages that deny by a letter inside the verb: no slip is forgiven there.
_DENY_BY_INFIX = frozenset({"tr", "az", "uz", "kk", "ky", "tk", "ug", "fi", "ja", "ko"})
_DENYING_PREFIXES = frozenset(
    {"in", "un", "im", "ir", "il", "dis", "mis", "no", "not", "non", "a", "نا", "بی", "ن", "نه", "لا", "ما"}
)
_PLAIN_COMPOUNDS = _set(
    "into onto instead indeed inside another anyone alot away around along ahead income input install inform nobody"
)


class Words:
    """The folded words of one turn and what is known of them. Lives as long as its transcript's index."""

    def __init__(self, text: str, found: Sequence[Token], lexicon: Lexicon) -> None:
        self.text = text
        self.tokens = found
        self.lexicon = lexicon
        self._clause = clause_words(lexicon.language)

    @cached_property
    def negations(self) -> frozenset[int]:
        """Indexes of the tokens that deny."""
        return frozenset(self.lexicon.negations(self.tokens))

    @cached_property
    def artefacts(self) -> dict[int, int]:
        """Index of a token → index just behind the filler, time stamp, noise or redaction mark that begins there."""
        spans: dict[int, int] = {}
        starts = [token.start for token in self.tokens]
        for match in _BRACKETED.finditer(self.text):
            first, behind = bisect_left(starts, match.start()), bisect_left(starts, match.end())
            if first < behind and self.negations.isdisjoint(range(first, behind)):
                spans[first] = behind
        for index in range(len(self.tokens)):
            if index in spans:
                continue
            size = self.lexicon.filler_at(self.tokens, index, self.text)
            if size and not self._needed(index, size):
                spans[index] = index + size
        return spans

    @cached_property
    def artefact_ends(self) -> dict[int, int]:
        """The same spans, from behind."""
        return {behind: first for first, behind in self.artefacts.items()}

    def _needed(self, index: int, size: int) -> bool:
        """A filler is no filler where it denies or stands within a number (`five oh six`)."""
        if not self.negations.isdisjoint(range(index, index + size)):
            return True
        if not any(self.tokens[i].text in self.lexicon.number_words for i in range(index, index + size)):
            return False
        neighbours = (*self.tokens[max(index - 1, 0) : index], *self.tokens[index + size : index + size + 1])
        return any(self.lexicon.is_number(token) for token in neighbours)

    def gap(self, index: int) -> str:
        """The text between token `index` and the one before it."""
        return self.text[self.tokens[index - 1].end : self.tokens[index].start]

    def clause_begins(self, index: int) -> bool:
        """Whether punctuation, or the edge of the turn, parts token `index` from the one before."""
        if index in (0, len(self.tokens)):
            return True
        gap = self.gap(index)
        if gap == " ":
            return False
        return _CLAUSE_END.search(gap) is not None or (
            _TRAILING_OFF.search(gap) is not None and self.text[self.tokens[index].start].isupper()
        )

    def _sentence_begins(self, index: int) -> bool:
        return index in (0, len(self.tokens)) or _SENTENCE_END.search(self.gap(index)) is not None

    def whole_clause(self, first: int, last: int) -> bool:
        """Whether tokens [first, last] are a clause of their own, as the answer `Yes.` is."""
        return self.clause_begins(first) and self.clause_begins(last + 1)

    # ── The edges of a passage ──────────────────────────────────────────────────────────────────────────────────

    def edge_fault(self, first: int, last: int, *, opens: bool = True, closes: bool = True) -> EdgeFault | None:
        """What the passage of tokens [first, last] cuts off at its edges that belongs to its meaning, if anything.

        The inner edges of an elided quote neither open nor close it; `gap_fault` answers for what lies between.
        """
        if self._cuts_number(first, last) or self._drops_number(first, last, opens=opens, closes=closes):
            return "number_differs"
        if (opens and self._denied_before(first)) or (closes and self._denied_behind(last)):
            return "negation_differs"
        return "name_differs" if closes and self._cuts_name(last) else None

    def _drops_number(self, first: int, last: int, *, opens: bool, closes: bool) -> bool:
        """Whether a number in figures stands directly beside the passage and belongs to its words: `15 | dollars`.

        A preposition begins a phrase of its own: `room 359 | at 6 pm`.
        """
        found = self.tokens
        if opens and first and found[first - 1].kind == "number" and not self.clause_begins(first):
            return not (self._begins_statement(first) or found[first].text in self._clause.prepositions)
        return (
            closes
            and last + 1 < len(found)
            and found[last + 1].kind != "word"
            and found[last].kind == "word"
            and not self.clause_begins(last + 1)
        )

    def _cuts_name(self, last: int) -> bool:
        """Whether the passage ends where a name is about to be said: `my name is | Priya`."""
        found = self.tokens
        if last + 1 >= len(found) or self.clause_begins(last + 1):
            return False
        if found[last].text in _TITLES or (last and found[last].text in _COPULAS and found[last - 1].text in _NAMING):
            return True
        # A Chinese name follows its verb without a break, two or three characters long.
        return any(token.text in _NAMING_CHARACTERS for token in found[max(last - 2, 0) : last + 1])

    def _cuts_number(self, first: int, last: int) -> bool:
        found, lexicon = self.tokens, self.lexicon
        if self._spans(first - 1, first) or self._spans(last + 1, last + 1) or self._goes_with_number(last):
            return True
        if first:
            head, before = found[first], found[first - 1]
            if before.text in _BELOW_ZERO and lexicon.is_number(head) and not self.clause_begins(first):
                return True
            if head.kind == "number" and before.kind == "sign" and before.text != "%" and before.end == head.start:
                return True
            if self._runs_on(first, before, head) and lexicon.continues_number(
                found[max(first - 2, 0) : first], found[first : first + 2]
            ):
                return True
            if before.text in ("and", "point", "punto", "y", "و", "ممیز") and lexicon.continues_number(
                found[max(first - 2, 0) : first - 1], found[first - 1 : first + 1]
            ):
                return True
        if last + 1 < len(found):
            tail, after = found[last], found[last + 1]
            if tail.kind == "number" and after.kind == "sign" and (after.text == "%" or after.end == after.start + 1):
                return after.text == "%" or self._sign_belongs_before(last + 1) is False
            if self._runs_on(last + 1, tail, after):
                return lexicon.continues_number(found[max(last - 2, 0) : last + 1], found[last + 1 : last + 3])
        return False

    def _spans(self, link: int, cut: int) -> bool:
        """Whether the token at `link` ties two numbers into a range that is cut before token `cut`."""
        found, lexicon = self.tokens, self.lexicon
        if not (
            1 <= link < len(found) - 1 and lexicon.is_number(found[link - 1]) and lexicon.is_number(found[link + 1])
        ):
            return False
        if any(self.clause_begins(i) for i in (link, link + 1)) or cut not in (link, link + 1):
            return False
        if found[link].text in _SPANNING:
            return True
        opening = {token.text for token in found[max(link - 4, 0) : link - 1]}
        return found[link].text in self._clause.links and not opening.isdisjoint(_SPANNED_BY_AND)

    def _goes_with_number(self, last: int) -> bool:
        """Whether a number at the passage's end goes on in words: `15 | percent`, `two | and a half`."""
        found = self.tokens
        ahead = [token.text for token in found[last + 1 : last + 4]]
        if not ahead or not self.lexicon.is_number(found[last]) or self.clause_begins(last + 1):
            return False
        return (
            ahead[0] in _PERCENT
            or ahead[:2] == ["per", "cent"]
            or (ahead[:2] == ["and", "a"] and ahead[2:] != [] and ahead[2] in _FRACTIONS)
        )

    def _sign_belongs_before(self, index: int) -> bool:
        """A currency sign directly before a digit belongs to the number behind it: `5 $6`."""
        found = self.tokens
        return (
            index + 1 < len(found) and found[index + 1].kind == "number" and found[index].end == found[index + 1].start
        )

    def _runs_on(self, index: int, before: Token, after: Token) -> bool:
        digits = before.kind == "number" and after.kind == "number"
        if digits and before.text[-1].isalpha() and "," in self.gap(index):
            return False  # `March 3rd, 2024` and `the 21st, 4pm` are two figures; `4, 5, 6` may be one
        return (_RUN_OF_DIGITS if digits else _RUN_OF_WORDS).match(self.gap(index)) is not None

    def _words_before(self, index: int) -> Iterator[int]:
        """Indexes of the words before `index` in its clause, nearest first, stepping over fillers and their pauses."""
        paused = linked = False
        for _ in range(_REACH * 3):
            filler = self.artefact_ends.get(index)
            if filler is not None:
                if self._sentence_begins(index) or (linked and self.clause_begins(filler)):
                    return
                index, paused = filler, True
                continue
            if index == 0 or (self._sentence_begins(index) if paused else self.clause_begins(index)):
                return
            index, paused = index - 1, False
            linked = self.tokens[index].text in self._clause.links  # `…, um, and | we` opens a new statement
            yield index

    def _denied_before(self, first: int) -> bool:
        """Whether a negation in the same clause, left out of the passage, governs its first words."""
        found = self.tokens
        conjunctions = self._clause.conjunctions
        head = found[first].text
        if first == 0 or head in conjunctions:
            return False
        if self._left_hanging(first):
            return True
        if first in self.negations and found[first - 1].text in self._clause.links:
            return False  # `keine Mail bekommen und | niemand hat zurückgerufen` denies for itself
        reports = False
        linked = head in _OPENERS_BY_DENIAL
        for steps, index in enumerate(self._words_before(first)):
            word = found[index].text
            if steps >= _REACH or word in conjunctions:
                return False
            if index in self.negations:
                if word in BARE_ANSWERS or self._harmless(index) or self._only_answers(index, first):
                    continue
                return self._governs(index, first, steps, reports=reports)
            if linked and steps < 3 and word in self.lexicon.deniers:
                return True
            linked = linked or word in _OPENERS_BY_DENIAL
            reports = reports or word in _COMPLEMENT
        return False

    def _begins_statement(self, first: int) -> bool:
        """Whether token `first` can open a new statement or question where no punctuation says so."""
        clause = self._clause
        ahead = [token.text for token in self.tokens[first : first + 5]]
        if ahead[0] in clause.links and len(ahead) > 1:
            ahead = ahead[1:]
        head, following = ahead[0], ahead[1:]
        if head in clause.subjects or head in clause.openers:
            return True
        if head in clause.determiners:
            return any(word in clause.finite for word in following[:3])
        return head in clause.asking and bool(following) and following[0] in clause.subjects | clause.openers

    def _harmless(self, index: int) -> bool:
        found = self.tokens
        word = found[index].text
        after = found[index + 1].text if index + 1 < len(found) else ""
        before = found[index - 1].text if index else ""
        return (word, after) in _HARMLESS_PAIRS or (before, word) in _HARMLESS_PAIRS

    def _only_answers(self, index: int, first: int) -> bool:
        """Whether the "no" at `index` opens its clause and a statement or a pause follows: `Oh no I am | lost`."""
        if self.tokens[index].text not in ANSWER_WORDS or self.lexicon.language in _ANSWER_BEFORE_VERB:
            return False
        opening = index
        while opening in self.artefact_ends and not self.clause_begins(opening):
            opening = self.artefact_ends[opening]
        if not self.clause_begins(opening):
            return False
        behind = index + 1
        return behind < first and (self.clause_begins(behind) or self.tokens[behind].text in self._clause.subjects)

    def _left_hanging(self, first: int) -> bool:
        """Whether a denied auxiliary before a comma, up to two commas ago, waits for the verb at `first`."""
        if first == 0 or not self.clause_begins(first) or self._begins_statement(first):
            return False
        commas = 0
        for index in range(first, max(first - _FAR_OFF, 0), -1):
            if not self.clause_begins(index):
                continue
            if not _COMMA.match(self.gap(index)):
                return False
            commas += 1
            before = self.tokens[index - 1].text
            if index - 1 in self.negations and (
                before in _CONTRACTED_DENIALS or (index >= 2 and self.tokens[index - 2].text in _AUXILIARIES)
            ):
                return commas > 1
            if commas == 2:
                return False
        return False

    def _governs(self, index: int, first: int, steps: int, *, reports: bool) -> bool:
        """Whether the negation at `index` reaches `first`, which stands `steps` words behind it."""
        word = self.tokens[index].text
        language = self.lexicon.language
        begins_statement = self._begins_statement(first)
        if word in ANSWER_WORDS and steps == 0 and begins_statement:
            openers = self._clause.subjects | self._clause.openers
            return language in _ANSWER_BEFORE_VERB and self.tokens[first].text not in openers
        if language == "fa" and "\u0600" < word[0] < "\u06ff":
            return _PERSIAN_REACHING.search(word) is not None and (reports or not begins_statement)
        if "\uac00" <= word[0] <= "\ud7a3":
            return steps == 0 and word in _PREFIXED_KOREAN
        if language in ("tr", "hi", "ja"):
            return False
        if begins_statement and not reports:
            # `not` may deny the noun behind it (`not my account`), but never a subject (`I do not I need`).
            return steps == 0 and self.tokens[first].text not in self._clause.subjects
        return True

    def _denied_behind(self, last: int) -> bool:
        """Whether a negation directly behind the passage belongs to its last words: `ich erstatte | nicht`."""
        found = self.tokens
        index = last + 1
        paused = False
        while index in self.artefacts and not self._sentence_begins(index):
            index, paused = self.artefacts[index], True
        if index >= len(found) or (self._sentence_begins(index) if paused else self.clause_begins(index)):
            return False
        near = found[index].text
        if "\u3040" <= near[0] <= "\u30ff":  # Japanese denies at the end of its verb
            ahead = next((i for i in range(index, min(index + 5, len(found))) if i in self.negations), None)
            return ahead is not None and not any(self.clause_begins(i) for i in range(index, ahead + 1))
        if index not in self.negations and (self.lexicon.language in _DENY_LATE or self.lexicon.language is None):
            return self._denied_late(index)
        if index not in self.negations or self._harmless(index):
            return False
        if near in BARE_ANSWERS or near in _RELATIVE or found[last].text in _POLAR:
            return False
        if near == "no" and self.lexicon.language in (None, "en"):
            return (
                index + 1 < len(found) and not self._begins_statement(index + 1) and not self.clause_begins(index + 1)
            )
        return True

    def _denied_late(self, index: int) -> bool:
        """Whether a negation further on in the clause denies what stands before `index`."""
        found = self.tokens
        for i in range(index, min(index + _REACH, len(found))):
            if i > index and self.clause_begins(i):
                return False
            if found[i].text in self._clause.conjunctions or found[i].text in self._clause.links:
                return False
            if i in self.negations and found[i].text in _LATE_DENIALS and not self._harmless(i):
                return True
        return False

    def gap_fault(self, behind: int, before: int) -> EdgeFault | None:
        """What leaving out the tokens [behind, before) between two kept parts would misstate, if anything.

        A negation, a number where another number follows the gap (`the fee is … 50 dollars`), and a name where another
        capital follows (`my name is … Sarah`) may not be jumped.
        """
        found, lexicon = self.tokens, self.lexicon
        if self._gap_denies(behind, before):
            return "negation_differs"
        if any(lexicon.is_number(found[i]) for i in range(behind, before)) and any(
            lexicon.is_number(token) for token in found[before : before + 2]
        ):
            return "number_differs"
        if behind and self._cuts_name(behind - 1) and self.text[found[before].start].isupper():
            return None if self._sentence_begins(before) else "name_differs"
        return None

    def _gap_denies(self, behind: int, before: int) -> bool:
        """Whether a negation is left out, unless in a whole sentence of the gap that is more than a bare "No."."""
        for index in range(behind, before):
            if index not in self.negations and self.tokens[index].text not in self.lexicon.deniers:
                continue
            begin = index
            while begin > behind and not self._sentence_begins(begin):
                begin -= 1
            end = index + 1
            while end < before and not self._sentence_begins(end):
                end += 1
            whole = self._sentence_begins(begin) and self._sentence_begins(end)
            if not whole or end - begin < 4 or begin == index:
                return True
        return False

    # ── Word for word ───────────────────────────────────────────────────────────────────────────────────────────

    def same_meaning(self, quoted: Words, first: int, last: int) -> EdgeFault | Literal["not_found"] | None:
        """What differs between a quotation and tokens [first, last] that read the same letters, if anything.

        The letters agree, so only where words begin may differ: `not able` and `notable` do.
        """
        own = self.tokens[first : last + 1]
        if len(own) == len(quoted.tokens) and all(a.text == b.text for a, b in zip(own, quoted.tokens, strict=True)):
            return "not_found" if _accents_differ(self.text, own, quoted.text, quoted.tokens) else None
        denied = sum(first <= index <= last for index in self.negations)
        if (
            denied != len(quoted.negations)
            or _prefix_moves(self.text, own, quoted)
            or _prefix_moves(quoted.text, quoted.tokens, self)
        ):
            return "negation_differs"
        return None

    def align(
        self, quoted: Words, anchor: int, at: int, *, slips: int, used: Mapping[str, int]
    ) -> tuple[int, int] | None:
        """The tokens [first, last] that the quotation stands for, given that its token `anchor` stands at `at`.

        Only these may differ: fillers, repetitions, cut-off words, noise, time stamps and redaction marks of the source
        are left out; words are written together or apart; up to `slips` long words differ by one inner letter. `used`
        tells how often the transcript uses a word: two words in use are no slip of each other.
        """
        for skip_first in (False, True):
            leave = _Leave(slips, 2 * len(quoted.tokens) + 12, used, skip_first=skip_first)
            behind = self._walk(quoted, anchor + 1, at + 1, 1, leave)
            before = None if behind is None else self._walk(quoted, anchor - 1, at - 1, -1, leave)
            if behind is None or before is None:
                continue
            if not self._halves_artefact(before + 1, behind - 1):
                return before + 1, behind - 1
        return None

    def _halves_artefact(self, first: int, last: int) -> bool:
        """Whether an edge lies within a filler of several words: `bringing you | know, with you`."""
        return any(
            begin < edge < self.artefacts.get(begin, begin)
            for edge in (first, last + 1)
            for begin in range(max(edge - 3, 0), edge)
        )

    def _walk(self, quoted: Words, q: int, s: int, step: Direction, leave: _Leave) -> int | None:
        """The index just past the source token that the last quoted token in this direction stands at."""
        mine, theirs = self.tokens, quoted.tokens
        said = [theirs[q - step].text]  # what was matched so far, in walking order
        owed = 0  # words whose repetition was left out on the promise that they follow
        while 0 <= q < len(theirs):
            if not 0 <= s < len(mine) or leave.skips < 0:
                return None
            same = mine[s].text == theirs[q].text
            if same and not (leave.skip_first and self._artefact(s, step)):
                said.append(mine[s].text)
                q, s, owed = q + step, s + step, max(owed - 1, 0)
                continue
            skipped = 0 if owed else self._artefact(s, step) or self._cut_off(s)
            if not skipped and (skipped := self._repetition(s, step, said)):
                owed = 0 if said[-skipped:] == [mine[s + step * i].text for i in range(skipped)] else skipped
            if skipped:
                s += step * skipped
                leave.skips -= skipped
                continue
            if joined := _joined(mine, s, theirs, q, step):
                read, told = joined
            elif same:
                read = told = 1
            elif leave.slips and self._slip(s, quoted, q, leave.used):
                leave.slips -= 1
                read = told = 1
            else:
                return None
            said.extend(mine[s + step * i].text for i in range(read))
            s, q, owed = s + step * read, q + step * told, max(owed - read, 0)
        return s

    def _artefact(self, s: int, step: Direction) -> int:
        if step == 1:
            return self.artefacts.get(s, s) - s
        return s + 1 - self.artefact_ends.get(s + 1, s + 1)

    def _repetition(self, s: int, step: Direction, said: Sequence[str]) -> int:
        """How many tokens from `s` on repeat what was said, or are said again at once: `I was I was told`.

        One copy is always left to be matched. Numbers and negations never count as repetitions.
        """
        mine = self.tokens
        for size in (1, 2, 3, 4):
            places = range(s, s + step * size, step)
            if not 0 <= places[-1] < len(mine):
                return 0
            texts = [mine[i].text for i in places]
            again = range(s + step * size, s + 2 * step * size, step)
            if texts != said[-size:] and not (
                0 <= again[-1] < len(mine) and all(mine[i].text == text for i, text in zip(again, texts, strict=True))
            ):
                continue
            if any(i in self.negations or mine[i].kind != "word" or self.lexicon.is_number(mine[i]) for i in places):
                return 0
            if size == 1 and texts[0] > "\u0e00" and not ("\uac00" <= texts[0] <= "\ud7a3"):
                return 0  # one doubled character is a word in scripts without spaces: 谢谢, 天天
            return size
        return 0

    def _cut_off(self, s: int) -> int:
        """A word broken off and begun again: `re- refund`."""
        mine = self.tokens
        if (
            s + 1 >= len(mine)
            or mine[s].kind != "word"
            or s in self.negations
            or len(mine[s].text) >= len(mine[s + 1].text)
        ):
            return 0
        gap = self.gap(s + 1)
        return int(mine[s + 1].text.startswith(mine[s].text) and _CUT_OFF.match(gap) is not None)

    def _slip(self, s: int, quoted: Words, q: int, used: Mapping[str, int]) -> bool:
        mine, theirs = self.tokens[s], quoted.tokens[q]
        lexicon = self.lexicon
        if mine.kind != "word" or theirs.kind != "word" or lexicon.language in _DENY_BY_INFIX:
            return False
        if not one_slip_apart(mine.text, theirs.text):
            return False
        if lexicon.language in (*_DENY_LATE, None) and mine.text[:3] != theirs.text[:3]:
            return False  # `ankommen` and `abkommen`: their prefixes differ by one letter
        if s in self.negations or q in quoted.negations:
            return False
        if any(word in lexicon.number_words or word in lexicon.deniers for word in (mine.text, theirs.text)):
            return False
        # Two words that people use are two words, however alike: `charged` is no slip for `changed`.
        if mine.text in _CONFUSABLE and theirs.text in _CONFUSABLE:
            return False
        if used.get(mine.text, 0) > 1 and theirs.text in used:
            return False
        # A capital may mean a name, and a name is never a slip; so may a word that somebody is introduced by.
        if self.text[mine.start].isupper() or quoted.text[theirs.start].isupper():
            return False
        return not any(token.text in _NAME_CUES for token in self.tokens[max(s - 3, 0) : s])


class _Leave:
    """What one alignment may still forgive, and whether it leaves out fillers that the quotation may hold too."""

    __slots__ = ("skip_first", "skips", "slips", "used")

    def __init__(self, slips: int, skips: int, used: Mapping[str, int], *, skip_first: bool) -> None:
        self.slips = slips
        self.skips = skips
        self.used = used
        self.skip_first = skip_first


def one_slip_apart(one: str, other: str) -> bool:
    """Whether two long words differ by one letter left out, put in, changed, or by two neighbours swapped.

    The first letter must agree, because prefixes deny; so must the last, because endings carry person, tense
    and number.
    Only a swap may touch the last.
    """
    if len(one) > len(other):
        one, other = other, one
    short, long = len(one), len(other)
    if short < 5 or long - short > 1 or one[0] != other[0] or one == other:
        return False
    head = next((i for i in range(short) if one[i] != other[i]), short)
    tail = next((i for i in range(short - head) if one[short - 1 - i] != other[long - 1 - i]), short - head)
    middle, other_middle = one[head : short - tail], other[head : long - tail]
    if long == short:
        if len(middle) == 2 and middle == other_middle[::-1]:
            return True
        if len(middle) != 1 or tail == 0 or short < 6:
            return False
        changed = middle + other_middle
    else:
        if middle or tail == 0:
            return False
        if other_middle in (other[head - 1], other[head + 1 : head + 2]) and other_middle != "ن":
            return other_middle < "\u0590" or short >= 6
        if short < 6:
            return False
        changed = other_middle
    # Persian and Arabic deny by this one letter: برگشت, برنگشت.
    return not ("\u0600" <= one[0] <= "\u06ff" and "ن" in changed)


def _joined(mine: Sequence[Token], s: int, theirs: Sequence[Token], q: int, step: Direction) -> tuple[int, int] | None:
    """How many tokens of both sides read the same when run together: `can not` and `cannot`."""
    if mine[s].kind != "word" or theirs[q].kind != "word":
        return None
    for one, i, other, j, flipped in ((mine, s, theirs, q, False), (theirs, q, mine, s, True)):
        k = j + step
        if not 0 <= k < len(other) or other[k].kind != "word":
            continue
        run = other[j].text + other[k].text if step == 1 else other[k].text + other[j].text
        if run == one[i].text and other[min(j, k)].text not in _DENYING_PREFIXES:
            return (2, 1) if flipped else (1, 2)
    return None


def _prefix_moves(text: str, apart: Sequence[Token], other: Words) -> bool:
    """Whether a denying prefix stands alone on one side and is part of a word on the other: `in valid`, `invalid`."""
    known = {token.text for token in other.tokens}
    for one, two in itertools.pairwise(apart):
        if one.text in _DENYING_PREFIXES and text[one.end : two.start].isspace():
            whole = one.text + two.text
            if whole in known and whole not in _PLAIN_COMPOUNDS and len(two.text) >= 3:
                return True
    return False


def _accents_differ(text: str, own: Sequence[Token], quoted_text: str, theirs: Sequence[Token]) -> bool:
    """Whether both sides write accents and not the same ones: to leave them out is a habit, to change them is not."""
    if quoted_text.isascii():
        return False
    for a, b in zip(own, theirs, strict=True):
        if not (b.text < "\u0370"):
            continue
        one = unicodedata.normalize("NFC", text[a.start : a.end]).casefold().replace("’", "'")
        two = unicodedata.normalize("NFC", quoted_text[b.start : b.end]).casefold().replace("’", "'")
        if one != two and not one.isascii() and not two.isascii():
            plain_one = [c for c in unicodedata.normalize("NFD", one) if unicodedata.combining(c)]
            plain_two = [c for c in unicodedata.normalize("NFD", two) if unicodedata.combining(c)]
            if plain_one and plain_two and plain_one != plain_two:
                return True
    return False
