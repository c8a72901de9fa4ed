"""Who is the agent, who the customer: decided by explicit rules, or not at all.

Comes in: the document's speakers and lines, and the caller's role map. Goes out: a `Participant` per speaker, with
the source of its role, and notes on what was guessed. The rules, in this order; the first that speaks decides:

1. `mapped`: the caller's role map names the label, name, address, phone number or `@domain` of the speaker.
2. `given`: the document states the role in a field of its own, or the label is a role word (`Agent`, `客服 2`,
   `Mara (Advisor)`).
3. `inferred`, rule `service_mailbox`: an address such as support@ or noreply@ belongs to the agent's side,
   where all such addresses of the conversation are of one domain.
4. `inferred`, rule `service_phrase`: of exactly two people, exactly one says what only the serving side says
   ("thank you for calling", "how can I help you"); that one is the agent, the other the customer.
5. `inferred`, rule `other_side`: exactly one person has no role, and all others are of one side; this one is of the
   other (a conversation with a bot alone leaves the customer).

Anything else is `RolesUnknown`. Names, order of speaking and talk time are no rules: callers speak first as often as
agents do, and a wrong role makes every evidence check wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from service.conversation import Participant, Role
from service.errors import ConversationRejected, RolesUnknown
from service.ingest.fields import whole_characters
from service.ingest.reading import Line, Speaker
from service.ingest.role_words import role_word
from service.ingest.service_phrases import is_service_phrase

_MAILBOX: Final = re.compile(
    r"(?:support|help|helpdesk|services?|customer[._-]?(?:service|care|support)|care|service[._-]?desk|complaints|returns|"
    r"claims|no-?reply|do-?not-?reply|soporte|atencion|ayuda|kundenservice|serviceclient)(?:\+[^@]*)?@(?P<domain>.+)",
    re.IGNORECASE,
)
"""Mailboxes of the serving side. Others, such as info@ or billing@, write to support as often as they are support."""

FIX: Final = (
    'Pass a role map such as {"Speaker 0": "agent", "Speaker 1": "customer"} (parameter roles; --role LABEL=ROLE '
    "on the command line); names, addresses and @domains serve as labels too. Roles: agent, customer, bot, system."
)


def participants_of(
    speakers: Iterable[Speaker], lines: Sequence[Line], roles: Mapping[str, Role], *, machine: bool
) -> tuple[tuple[Participant, ...], tuple[str, ...]]:
    """Every speaker with a role and the reason for it; and notes on what was inferred and what the map missed.

    Parties who say nothing and whose role nobody states are left out. Raises `RolesUnknown` with the labels that no
    rule settles, and for a machine's diarisation that gave all lines one label.
    """
    asked = _RoleMap(roles)
    spoken = dict.fromkeys(line.label for line in lines)
    everyone = {speaker.label: speaker for speaker in speakers}
    everyone |= {label: Speaker(label) for label in spoken if label not in everyone}
    for label in everyone:
        _check_label(label)
    for speaker in everyone.values():
        whole_characters(speaker.label + (speaker.name or "") + (speaker.role_rule or ""), "participants")
    known = {label: found for label, speaker in everyone.items() if (found := _stated(speaker, asked))}
    missed = _missed(asked, everyone.values())
    if machine:
        _refuse_one_label(spoken, known, len(lines))
    if any(label not in known for label in spoken):
        _infer(everyone, lines, known)
    unknown = [label for label in spoken if label not in known]
    if unknown:
        raise RolesUnknown(
            f"nothing tells which of the speakers {_listed(unknown)} is the agent and which the customer.",
            field="roles",
            fix=" ".join((*missed, FIX)),
        )
    participants = tuple(known[label] for label in everyone if label in known)
    return participants, (*missed, *_inferred(participants))


def _missed(asked: _RoleMap, everyone: Iterable[Speaker]) -> tuple[str, ...]:
    """A note where the role map names somebody who is not here: a typing error there makes a role a guess."""
    present = tuple(everyone)
    if not (nobody := asked.unused(present)):
        return ()
    called = "that" if len(nobody) == 1 else "any of these"
    speakers = _listed([speaker.label for speaker in present])
    missed = f"The role map names {_listed(nobody)}, and nobody in this conversation is called {called}"
    return (f"{missed}; speakers: {speakers}.",)


def _inferred(participants: Iterable[Participant]) -> tuple[str, ...]:
    """A note on the roles that nobody stated, each with its rule."""
    found = [
        f"{one.id[:40]} = {one.role}" + (f" ({one.role_rule[:40]})" if one.role_rule else "")
        for one in participants
        if one.role_source == "inferred"
    ]
    more = f" and {len(found) - 6} more" if len(found) > 6 else ""
    return (f"Roles inferred: {', '.join(found[:6])}{more}.",) if found else ()


class _RoleMap:
    """The caller's role map, compared without regard to case, blanks and `mailto:`."""

    def __init__(self, roles: Mapping[str, Role]) -> None:
        self._roles = {self._key(label): role for label, role in roles.items()}
        self._labels = {self._key(label): label for label in roles}

    @staticmethod
    def _key(text: str) -> str:
        return re.sub(r"^(?:mailto|tel|sip):", "", " ".join(text.casefold().split()))

    def role_of(self, speaker: Speaker) -> Role | None:
        if not self._roles:
            return None
        return next((self._roles[key] for key in self._keys_of(speaker) if key in self._roles), None)

    def unused(self, speakers: Iterable[Speaker]) -> list[str]:
        """The labels, as the caller wrote them, that fit nobody."""
        fitting = {key for speaker in speakers for key in self._keys_of(speaker)} if self._roles else set()
        return [label for key, label in self._labels.items() if key not in fitting]

    def _keys_of(self, speaker: Speaker) -> Iterator[str]:
        """Everything by which a map can name the speaker, the closest first."""
        for name in (speaker.label, speaker.name, *speaker.aliases):
            if name is not None:
                yield self._key(name)
        for name in (speaker.label, *speaker.aliases):
            _, at, domain = name.rpartition("@")
            if at:
                yield "@" + self._key(domain)


def check_role_map(roles: Mapping[str, Role] | None) -> Mapping[str, Role]:
    """The caller's role map, proven to hold roles; empty for None."""
    for label, role in (roles or {}).items():
        if role not in ("agent", "customer", "bot", "system") or not isinstance(label, str):
            raise ConversationRejected(
                f"the role map gives {_listed([str(label)])} a role that does not exist.",
                field="roles",
                fix="Roles are agent, customer, bot and system.",
            )
    return roles or {}


def _check_label(label: str) -> None:
    if not 0 < len(label) <= 200:
        raise ConversationRejected(
            f"a speaker's label has {len(label)} characters; 1 to 200 are possible.",
            field="participants",
            fix="Shorten the label.",
        )


def _stated(speaker: Speaker, asked: _RoleMap) -> Participant | None:
    """The participant where the caller or the document states the role."""
    if role := asked.role_of(speaker):
        return _participant(speaker, role, "mapped", None)
    if speaker.role:
        source = speaker.role_source or "given"
        return _participant(speaker, speaker.role, source, speaker.role_rule)
    if role := role_word(speaker.label) or (speaker.name and role_word(speaker.name)) or None:
        return _participant(speaker, role, "given", None)
    return None


def _participant(speaker: Speaker, role: Role, source: str, rule: str | None) -> Participant:
    return Participant.model_validate(
        {"id": speaker.label, "role": role, "name": speaker.name, "role_source": source, "role_rule": rule}
    )


def _refuse_one_label(spoken: Mapping[str, None], known: Mapping[str, Participant], count: int) -> None:
    only = next(iter(spoken), None)
    if len(spoken) != 1 or count < 2 or only is None:
        return
    if only in known and known[only].role_source == "mapped":
        return
    raise RolesUnknown(
        f"all {count} lines carry the one label {_listed([only])}, so the speakers were not told apart and no line can "
        "be trusted to be the agent's or the customer's.",
        field="roles",
        fix="Transcribe again with speaker separation (or one channel per side); if really one person speaks, map the "
        f"label in roles. {FIX}",
    )


def _infer(everyone: Mapping[str, Speaker], lines: Sequence[Line], known: dict[str, Participant]) -> None:
    """Add to `known` what rules 3 to 5 settle."""
    mailboxes = _service_mailboxes(speaker for label, speaker in everyone.items() if label not in known)
    for label in mailboxes:
        known[label] = _participant(everyone[label], "agent", "inferred", "service_mailbox")
    people = [label for label in everyone if label not in known or known[label].role in ("agent", "customer")]
    if len(people) == 2 and not any(label in known for label in people):
        serving = [label for label in people if _serves(label, lines)]
        if len(serving) == 1:
            for label in people:
                role: Role = "agent" if label in serving else "customer"
                known[label] = _participant(everyone[label], role, "inferred", "service_phrase")
    _complete(people, everyone, known)


def _service_mailboxes(unsettled: Iterable[Speaker]) -> tuple[str, ...]:
    """Labels of the service mailboxes; none where they are of several domains, for then one of them is a customer's."""
    found = {
        speaker.label: box["domain"].casefold()
        for speaker in unsettled
        for name in (speaker.label, *speaker.aliases)
        if (box := _MAILBOX.fullmatch(name))
    }
    return tuple(found) if len(set(found.values())) == 1 else ()


def _complete(people: Sequence[str], everyone: Mapping[str, Speaker], known: dict[str, Participant]) -> None:
    """Give the only person without a role the side that is missing: a contact has a serving side and a customer."""
    unsettled = [label for label in people if label not in known]
    sides = {found.role for found in known.values() if found.role != "system"}
    if len(unsettled) != 1 or len(sides - {"bot"}) > 1 or not sides:
        return
    role: Role = "agent" if "customer" in sides else "customer"
    known[unsettled[0]] = _participant(everyone[unsettled[0]], role, "inferred", "other_side")


def _serves(label: str, lines: Sequence[Line]) -> bool:
    return any(is_service_phrase(_own_words(line)) for line in lines if line.label == label)


def _own_words(line: Line) -> str:
    """The line without quoted history: a customer who quotes the agent's greeting is not the agent."""
    text = line.text
    for span in sorted(line.quoted or (), key=lambda span: -span.start):
        text = text[: span.start] + "\n" + text[span.end :]
    return text


def _listed(labels: Sequence[str]) -> str:
    shown = ", ".join(f"“{label[:40]}”" for label in labels[:6])
    return f"{shown} and {len(labels) - 6} more" if len(labels) > 6 else shown
