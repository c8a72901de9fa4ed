"""Signed and encrypted JSON containers (JWS and JWE, RFC 7515 and 7516).

Comes in: a container. Goes out: the payload with whether its signature was checked, or the named refusal. A signature
counts only with a public key that the caller gave: the certificates inside a container prove nothing by themselves.
Dates and chain of a certificate that the caller gives are the caller's to check.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwk, jws
from joserfc.errors import JoseError

from service.errors import ConversationEncrypted, ConversationRejected, SignatureInvalid
from service.ingest.fields import Object, obj, objects_at, text_at

_ALGORITHMS: Final = [
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
]
"""Public-key algorithms only: a shared secret or `none` would let anybody sign."""

_COMPACT: Final = re.compile(r"[\w-]{10,}(?:\.[\w-]*){2,4}", re.ASCII)


class _Registry(jws.JWSRegistry):
    """The library's registry without its small size limits; conversations are limited before they come here."""

    max_header_length = 200_000
    max_payload_length = 1 << 40
    max_signature_length = 20_000


@dataclass(frozen=True, slots=True)
class Payload:
    """What a container holds; `verified` is None for bare JSON, False for unchecked, True for checked signatures."""

    value: Any
    verified: bool | None


def is_container(value: Any) -> bool:
    """Whether the JSON is a JWS or JWE."""
    return isinstance(value, Mapping) and (
        ("payload" in value and ("signatures" in value or "signature" in value)) or "ciphertext" in value
    )


def is_compact(text: str | None) -> bool:
    """Whether the text is a JWS or JWE in compact form."""
    return text is not None and text.startswith("ey") and bool(_COMPACT.fullmatch(text.strip()))


def open_container(value: Object, key: str | None) -> Payload:
    """The signed JSON. Raises `ConversationEncrypted`, or `SignatureInvalid` when `key` does not fit."""
    if "ciphertext" in value:
        raise ConversationEncrypted(
            "the container is encrypted (JWE) and this service holds no private keys.",
            field="ciphertext",
            fix="Decrypt it and send what is inside.",
        )
    payload = text_at(value, "payload") or ""
    if key is not None:
        _verify(value, payload, public_key(key))
    try:
        inner = json.loads(base64url(payload, "payload"))
    except (ValueError, RecursionError):
        raise ConversationRejected(
            "the signed payload is not JSON.", field="payload", fix="Sign the vCon's JSON."
        ) from None
    return Payload(inner, key is not None)


def open_compact(text: str, key: str | None) -> Payload:
    """The same for `header.payload.signature`."""
    parts = text.strip().split(".")
    if len(parts) == 5:
        return open_container({"ciphertext": parts[3]}, key)
    if len(parts) != 3:
        raise ConversationRejected(
            "neither a signed nor an encrypted container.", field="body", fix="A signed one has three parts."
        )
    return open_container({"protected": parts[0], "payload": parts[1], "signature": parts[2]}, key)


def base64url(text: str, where: str) -> bytes:
    """The bytes of base64url text, padded or not; the plain alphabet is accepted too."""
    compact = "".join(text.split()).rstrip("=").translate(str.maketrans("+/", "-_"))
    try:
        return base64.b64decode(compact + "=" * (-len(compact) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise ConversationRejected("not base64url.", field=where, fix="Encode it as RFC 4648, section 5.") from None


def public_key(pem: str) -> jwk.Key:
    """The public key of a PEM key or certificate."""
    try:
        if "BEGIN CERTIFICATE" in pem:
            certificate = x509.load_pem_x509_certificate(pem.encode())
            pem = certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        for family in (jwk.RSAKey, jwk.ECKey, jwk.OKPKey):
            try:
                return family.import_key(pem)
            except (JoseError, ValueError, TypeError):
                continue
    except (ValueError, TypeError, UnsupportedAlgorithm):
        pass
    raise ConversationRejected(
        "the key is neither a PEM public key nor a PEM certificate.", field="vcon_key", fix="Correct the key."
    )


def _verify(container: Object, payload: str, key: jwk.Key) -> None:
    """Pass when one of the signatures is the key's; a container may be signed by several parties."""
    signatures = (
        [signature for _, signature in objects_at(container, "signatures")]
        if "signatures" in container
        else [{name: container[name] for name in ("protected", "header", "signature") if name in container}]
    )
    if not any(_is_signed_by(obj(signature, "signatures"), payload, key) for signature in signatures[:20]):
        raise SignatureInvalid(
            "the signature does not match the given key.",
            field="signatures",
            fix="Check that the key is the signer's and that the container was not altered.",
        )


def _is_signed_by(signature: Object, payload: str, key: jwk.Key) -> bool:
    flat: Any = {
        "payload": payload,
        **{name: signature[name] for name in ("protected", "header", "signature") if signature.get(name) is not None},
    }
    registry = _Registry(algorithms=_ALGORITHMS, strict_check_header=False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            jws.deserialize_json(flat, key, registry=registry)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return False
    return True
