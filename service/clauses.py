"""The small words by which a clause begins, language by language: what a negation reaches and where its reach ends.

Comes in: a language tag. Goes out: `ClauseWords`. The same letters mean different things in different languages (`want`
joins clauses in Dutch, `he` is a verb in Spanish), so the sets are never mixed; a text of unknown language is read with
the few words that are safe everywhere. This module knows nothing of transcripts.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from service.folding import tokens


def _set(words: str) -> frozenset[str]:
    return frozenset(token.text for token in tokens(words))


class ClauseWords(NamedTuple):
    """The closed classes of one language, folded."""

    conjunctions: frozenset[str] = frozenset()
    """What follows is a new statement, out of reach of the negation before it."""
    links: frozenset[str] = frozenset()
    """What follows may be either: a negation reaches across `and` unless a new subject follows."""
    subjects: frozenset[str] = frozenset()
    """Pronouns that are always a subject: a new statement begins."""
    openers: frozenset[str] = frozenset()
    """Words that open statements, questions and courtesies, and may also be an object."""
    determiners: frozenset[str] = frozenset()
    """They open a noun phrase: a new statement only where a finite verb soon follows."""
    asking: frozenset[str] = frozenset()
    """Verbs that open a question before a pronoun."""
    finite: frozenset[str] = frozenset()
    """Verbs that show a noun phrase to be a subject: `my name is`."""
    prepositions: frozenset[str] = frozenset()
    """They begin a phrase that stands by itself behind a number; none that may join two numbers (`15 to 20`)."""


_ENGLISH = ClauseWords(
    conjunctions=_set("but however because although unless whereas therefore otherwise"),
    links=_set("and or plus also"),
    subjects=_set("i im ive ill id we weve he hes she shes they theyre theyve theyll"),
    openers=_set(
        "you youre youll youve youd it its there theres here heres let lets thank thanks please yes yeah yep "
        "ok okay hello hi "
        "sorry sure bye goodbye what whats when where how which who why"
    ),
    determiners=_set("my our your his her their the a an this that these those"),
    asking=_set("can could would will do does did are is was were have has had may shall should am"),
    finite=_set("is are was were will has have had can could would should does did do am might must isnt wasnt doesnt"),
    prepositions=_set("at on in for with before after within until about"),
)

_WORDS: Mapping[str, ClauseWords] = MappingProxyType(
    {
        "en": _ENGLISH,
        "es": ClauseWords(
            conjunctions=_set("pero sino porque aunque entonces"),
            links=_set("y e o u además"),
            subjects=_set("yo nosotros nosotras ellos ellas"),
            openers=_set("usted ustedes tú gracias buenos buenas hola cuándo dónde quién"),  # folded, qué reads que
            determiners=_set("mi mis su sus nuestro nuestra el la los las un una este esta ese esa"),
            asking=_set("puede puedo podría tiene es está"),
            finite=_set("es son está están fue era será tiene tengo puede"),
        ),
        "fr": ClauseWords(
            conjunctions=_set("mais parce donc cependant"),
            links=_set("et ou puis"),
            subjects=_set("je j nous il elle ils elles on"),
            openers=_set("vous tu merci oui bonjour voilà quand comment pourquoi qui"),
            determiners=_set("mon ma mes votre vos notre nos le la les un une ce cette son sa ses"),
            finite=_set("est sont était sera a ont peut doit"),
        ),
        "de": ClauseWords(
            conjunctions=_set("aber sondern denn weil obwohl trotzdem"),
            links=_set("und oder auch"),
            subjects=_set("ich wir er"),
            openers=_set("sie du ihr es danke ja bitte hallo wann wie wo wer warum"),
            determiners=_set("mein meine ihre unser unsere der die das ein eine dieser diese dieses"),
            finite=_set("ist sind war waren wird werden hat haben kann muss"),
        ),
        "pt": ClauseWords(
            conjunctions=_set("porém porque embora então"),
            links=_set("e ou também"),
            subjects=_set("eu nós eles elas"),
            openers=_set("você vocês obrigado obrigada sim olá quando como onde quem"),
            determiners=_set("meu minha seu sua nosso nossa o a os as um uma este esta"),
            finite=_set("é são está estão foi era será tem tenho pode"),
        ),
        "it": ClauseWords(
            conjunctions=_set("però perché allora"),
            links=_set("e o anche"),
            subjects=_set("io noi loro"),
            openers=_set("lei tu grazie sì buongiorno quando come dove chi"),
            determiners=_set("mio mia suo sua nostro nostra il lo la i gli le un una questo questa"),
            finite=_set("è sono era sarà ha ho può"),
        ),
        "nl": ClauseWords(
            conjunctions=_set("maar want omdat hoewel"),
            links=_set("en of ook"),
            subjects=_set("ik wij hij"),
            openers=_set("u jij dank ja hallo wanneer hoe waar wie"),
        ),
        "fa": ClauseWords(
            conjunctions=_set("اما ولی لیکن چون زیرا بلکه"),
            links=_set("و یا هم"),
            subjects=_set("من ما"),
            openers=_set("شما او آنها ایشان بله ممنون لطفا مرسی سلام چطور چرا کی کجا"),
        ),
        "ar": ClauseWords(
            conjunctions=_set("لكن ولكن لأن بل"),
            links=_set("و أو"),
            subjects=_set("أنا نحن"),
            openers=_set("أنت هو هي نعم شكرا مرحبا متى كيف أين من لماذا"),
        ),
        "zh": ClauseWords(
            conjunctions=_set("但 因"),
            links=_set("和 或"),
            subjects=_set("我 咱"),
            openers=_set("您 你 他 她 它 请 請 谢 謝"),
        ),
        "ru": ClauseWords(
            conjunctions=_set("но потому однако"),
            links=_set("и или"),
            subjects=_set("я мы он она они"),
            openers=_set("вы спасибо да здравствуйте когда как где кто"),
        ),
        "tr": ClauseWords(conjunctions=_set("ama fakat çünkü")),
        "hi": ClauseWords(conjunctions=_set("लेकिन पर मगर")),
    }
)

# Where the language is unknown: English without the words that mean something else in a language beside it.
_ANY = ClauseWords(
    conjunctions=_set("but however because although unless whereas therefore otherwise pero اما ولی لكن ولكن 但 но"),
    links=_set("and or plus also"),
    subjects=_set("i im ive ill id we weve they theyre yo ich je من أنا 我 я"),
    openers=_set("you youre youll thank thanks please yes yeah okay hello sorry gracias usted شما 您 你"),
    determiners=_set("my our your"),
    asking=_ENGLISH.asking,
    finite=_ENGLISH.finite,
)


@lru_cache(maxsize=64)
def clause_words(language: str | None) -> ClauseWords:
    """The words of one language, by its primary subtag."""
    if language is None:
        return _ANY
    return _WORDS.get(language, ClauseWords() if language in ("ja", "ko", "th") else _ANY)
