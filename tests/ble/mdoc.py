"""ISO/IEC 18013-5 face to face, both sides, as far as one exchange needs it. No I/O.

Written from a description of the standard and from nothing else; the code of this repository was not looked at, so
that agreement with it says something. `peer.py selftest` compares it with the worked examples of Annex D.
Shapes and key labels are those of the 2021 edition. Only elliptic curves P-256, P-384 and P-521; ES256, ES384, ES512.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding

MDL = "org.iso.18013.5.1.mDL"
READER_EKU = x509.ObjectIdentifier("1.0.18013.5.1.6")
SIGNER_EKU = x509.ObjectIdentifier("1.0.18013.5.1.2")

# Status of a session message.
DECRYPTION, DECODING, TERMINATION = 10, 11, 20

# COSE: curve -> (curve, octets of a coordinate, algorithm of signatures, its hash).
CURVES: dict[int, tuple[ec.EllipticCurve, int, int, hashes.HashAlgorithm]] = {
    1: (ec.SECP256R1(), 32, -7, hashes.SHA256()),
    2: (ec.SECP384R1(), 48, -35, hashes.SHA384()),
    3: (ec.SECP521R1(), 66, -36, hashes.SHA512()),
}
DIGESTS = {"SHA-256": hashlib.sha256, "SHA-384": hashlib.sha384, "SHA-512": hashlib.sha512}


class Refused(Exception):
    """What was received is not as it should be; the text says what."""


# CBOR. Maps that are signed or hashed travel as tag 24 around bytes, and those bytes are kept as received.


def tagged(content: bytes) -> cbor2.CBORTag:
    return cbor2.CBORTag(24, content)


def wrap(encoded: bytes) -> bytes:
    """What is encoded, in tag 24."""
    return cbor2.dumps(tagged(encoded))


def wrapped_array(title: str, *parts: bytes) -> bytes:
    """An array of a title and of what is encoded already, in tag 24."""
    return wrap(bytes([0x81 + len(parts)]) + cbor2.dumps(title) + b"".join(parts))


def content_of(item: Any, what: str) -> bytes:
    """The bytes within tag 24."""
    if not isinstance(item, cbor2.CBORTag) or item.tag != 24 or not isinstance(item.value, bytes):
        raise Refused(f"{what} is not CBOR in tag 24")
    return item.value


# Keys


def curve_of(key: ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey) -> int:
    return next(number for number, (curve, *_) in CURVES.items() if curve.name == key.curve.name)


def cose_key(public: ec.EllipticCurvePublicKey) -> dict[int, Any]:
    number, numbers = curve_of(public), public.public_numbers()
    size = CURVES[number][1]
    return {1: 2, -1: number, -2: numbers.x.to_bytes(size, "big"), -3: numbers.y.to_bytes(size, "big")}


def public_key(key: Any) -> ec.EllipticCurvePublicKey:
    """A COSE_Key, its point compressed or not. The library refuses points that are not on the curve."""
    if not isinstance(key, dict) or key.get(1) != 2 or key.get(-1) not in CURVES:
        raise Refused("a key is not on a curve that this peer knows")
    curve, size, *_ = CURVES[key[-1]]
    x, y = key[-2], key[-3]
    if len(x) != size or (not isinstance(y, bool) and len(y) != size):
        raise Refused("a coordinate has the wrong length")
    point = bytes([2 + y]) + x if isinstance(y, bool) else b"\x04" + x + y
    return ec.EllipticCurvePublicKey.from_encoded_point(curve, point)


def derive(secret: bytes, salt: bytes | None, info: str, length: int = 32) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info.encode()).derive(secret)


# Signatures (COSE), their payload beside them


def sign(key: ec.EllipticCurvePrivateKey, payload: bytes, chain: Iterable[bytes] = ()) -> list[Any]:
    """COSE_Sign1 with its payload detached; `chain` is the certificates, the signer's first."""
    _, size, algorithm, digest = CURVES[curve_of(key)]
    protected = cbor2.dumps({1: algorithm})
    r, s = utils.decode_dss_signature(key.sign(to_be_signed(protected, payload), ec.ECDSA(digest)))
    certificates = list(chain)
    headers = {33: certificates[0] if len(certificates) == 1 else certificates} if certificates else {}
    return [protected, headers, None, r.to_bytes(size, "big") + s.to_bytes(size, "big")]


def verify_signature(sign1: Any, key: Any, payload: bytes, what: str) -> None:
    protected, _, _, signature = sign1
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise Refused(f"the key of {what} is not on a curve that this peer knows")
    _, size, algorithm, digest = CURVES[curve_of(key)]
    if cbor2.loads(protected).get(1) != algorithm or len(signature) != 2 * size:
        raise Refused(f"the algorithm of {what} does not fit its key")
    r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
    try:
        key.verify(utils.encode_dss_signature(r, s), to_be_signed(protected, payload), ec.ECDSA(digest))
    except InvalidSignature:
        raise Refused(f"the signature of {what} is wrong") from None


def to_be_signed(protected: bytes, payload: bytes) -> bytes:
    return cbor2.dumps(["Signature1", protected, b"", payload])


def certificate_of(sign1: Any, what: str) -> x509.Certificate:
    chain = sign1[1].get(33)
    first = chain[0] if isinstance(chain, list | tuple) and chain else chain
    if not isinstance(first, bytes):
        raise Refused(f"{what} has no certificate")
    return x509.load_der_x509_certificate(first)


def check_certificate(
    certificate: x509.Certificate, anchors: list[x509.Certificate], purpose: x509.ObjectIdentifier, what: str
) -> None:
    """One step from a trusted root to the certificate, as in clause 9.3.3 and Annex B, without revocation."""
    now = datetime.datetime.now(datetime.UTC)
    for anchor in anchors:
        try:
            certificate.verify_directly_issued_by(anchor)
        except (InvalidSignature, ValueError, TypeError):
            continue
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        if purpose not in usage:
            raise Refused(f"the certificate of {what} is for another purpose")
        for one in (certificate, anchor):
            if not one.not_valid_before_utc <= now <= one.not_valid_after_utc:
                raise Refused(f"a certificate of {what} is not valid now")
        return
    raise Refused(f"the certificate of {what} comes from nobody trusted")


# Engagement


@dataclass
class Engagement:
    """What the QR code says: the holder's key, and the UUIDs to look for or to advertise. `raw` is as received."""

    raw: bytes
    device_key: ec.EllipticCurvePublicKey
    device_key_bytes: bytes
    peripheral_server: uuid.UUID | None
    central_client: uuid.UUID | None
    psm: int | None = None

    @classmethod
    def make(
        cls,
        key: ec.EllipticCurvePublicKey,
        peripheral: uuid.UUID | None,
        central: uuid.UUID | None,
        psm: int | None = None,
    ) -> Engagement:
        options: dict[int, Any] = {0: peripheral is not None, 1: central is not None}
        if peripheral:
            options[10] = peripheral.bytes
        if central:
            options[11] = central.bytes
        if psm is not None:
            options[21] = psm
        device_key = cbor2.dumps(cose_key(key))
        return cls.decode(cbor2.dumps({0: "1.0", 1: [1, tagged(device_key)], 2: [[2, 1, options]]}))

    @classmethod
    def decode(cls, raw: bytes) -> Engagement:
        engagement = cbor2.loads(raw)
        suite, key = engagement[1]
        if not str(engagement[0]).startswith("1.") or suite != 1:
            raise Refused("the engagement is of another version")
        # By NFC the methods are outside the engagement; a QR code without Bluetooth is of no use here.
        methods = [options for kind, version, options in engagement.get(2, []) if (kind, version) == (2, 1)]
        options = methods[0] if methods else {}
        return cls(
            raw,
            public_key(cbor2.loads(content_of(key, "EDeviceKeyBytes"))),
            cbor2.dumps(key),
            uuid.UUID(bytes=options[10]) if options.get(0) else None,
            uuid.UUID(bytes=options[11]) if options.get(1) else None,
            options.get(21),
        )

    @classmethod
    def from_uri(cls, uri: str) -> Engagement:
        scheme, _, text = uri.strip().partition(":")
        if scheme.lower() != "mdoc":
            raise Refused("no engagement: it does not begin with mdoc:")
        return cls.decode(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True))

    def uri(self) -> str:
        return "mdoc:" + base64.urlsafe_b64encode(self.raw).decode().rstrip("=")

    def ident(self) -> bytes:
        """The value of the characteristic Ident, by which the holder knows that it found its own reader."""
        return derive(self.device_key_bytes, None, "BLEIdent", 16)


def transcript(engagement: Engagement, reader_key_bytes: bytes, handover: Any = None) -> bytes:
    """SessionTranscript, encoded, not wrapped. `reader_key_bytes` are within tag 24. Handover of a QR code: null."""
    return cbor2.dumps([tagged(engagement.raw), tagged(reader_key_bytes), handover])


# Session


class Session:
    """The encrypted session of one side, which owns `private`; `peer` is the other side's ephemeral key."""

    def __init__(
        self, holder: bool, private: ec.EllipticCurvePrivateKey, peer: ec.EllipticCurvePublicKey, transcript: bytes
    ) -> None:
        self.transcript = transcript
        secret = private.exchange(ec.ECDH(), peer)
        salt = hashlib.sha256(wrap(transcript)).digest()
        reader, device = derive(secret, salt, "SKReader"), derive(secret, salt, "SKDevice")
        self.sending = Direction(device if holder else reader, holder)
        self.receiving = Direction(reader if holder else device, not holder)

    def message(self, plain: bytes | None, status: int | None = None) -> bytes:
        """SessionData."""
        members: dict[str, Any] = {}
        if plain is not None:
            members["data"] = self.sending.encrypt(plain)
        if status is not None:
            members["status"] = status
        return cbor2.dumps(members)

    def open(self, message: bytes) -> tuple[bytes | None, int | None]:
        """SessionData or SessionEstablishment: what it says, and its status."""
        members = cbor2.loads(message)
        data = members.get("data")
        return (None if data is None else self.receiving.decrypt(data)), members.get("status")


@dataclass
class Direction:
    key: bytes
    from_holder: bool
    used: int = field(default=0)

    def nonce(self) -> bytes:
        self.used += 1
        return int(self.from_holder).to_bytes(8, "big") + self.used.to_bytes(4, "big")

    def encrypt(self, plain: bytes) -> bytes:
        return AESGCM(self.key).encrypt(self.nonce(), plain, None)

    def decrypt(self, data: bytes) -> bytes:
        try:
            return AESGCM(self.key).decrypt(self.nonce(), data, None)
        except InvalidTag:
            raise Refused("a message cannot be decrypted") from None


def begin(engagement: Engagement) -> tuple[Session, ec.EllipticCurvePrivateKey, bytes]:
    """The reader's first step: its session, its key (for MACs), and that key as it goes into SessionEstablishment."""
    private = ec.generate_private_key(engagement.device_key.curve)
    key_bytes = cbor2.dumps(cose_key(private.public_key()))
    session = Session(False, private, engagement.device_key, transcript(engagement, key_bytes))
    return session, private, key_bytes


def establishment(session: Session, key_bytes: bytes, plain: bytes) -> bytes:
    return cbor2.dumps({"eReaderKey": tagged(key_bytes), "data": session.sending.encrypt(plain)})


def accept(engagement: Engagement, private: ec.EllipticCurvePrivateKey, message: bytes) -> tuple[Session, bytes]:
    """The holder's first step: its session, and the request."""
    members = cbor2.loads(message)
    key_bytes = content_of(members["eReaderKey"], "EReaderKeyBytes")
    session = Session(True, private, public_key(cbor2.loads(key_bytes)), transcript(engagement, key_bytes))
    return session, session.receiving.decrypt(members["data"])


# Request


@dataclass
class Reader:
    """A reader's certificate and key, with which it signs what it asks for."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def items_request(doctype: str, wanted: dict[str, dict[str, bool]]) -> bytes:
    return cbor2.dumps({"docType": doctype, "nameSpaces": wanted})


def device_request(items: bytes, auth: list[Any] | None = None) -> bytes:
    """DeviceRequest for one document; `items` is an encoded ItemsRequest, `auth` the signature over it."""
    request = {"itemsRequest": tagged(items)} | ({"readerAuth": auth} if auth else {})
    return cbor2.dumps({"version": "1.0", "docRequests": [request]})


def reader_authentication(transcript: bytes, items: bytes) -> bytes:
    return wrapped_array("ReaderAuthentication", transcript, wrap(items))


def authenticate(reader: Reader, transcript: bytes, items: bytes) -> list[Any]:
    chain = [reader.certificate.public_bytes(Encoding.DER)]
    return sign(reader.key, reader_authentication(transcript, items), chain)


def check_reader(request: Any, transcript: bytes, anchors: list[x509.Certificate]) -> str:
    """The name of the reader that signed a DocRequest."""
    auth = request["readerAuth"]
    certificate = certificate_of(auth, "the reader")
    items = content_of(request["itemsRequest"], "ItemsRequestBytes")
    verify_signature(auth, certificate.public_key(), reader_authentication(transcript, items), "the reader")
    check_certificate(certificate, anchors, READER_EKU, "the reader")
    return certificate.subject.rfc4514_string()


# Response


def device_authentication(transcript: bytes, doctype: str, device_namespaces: bytes) -> bytes:
    return wrapped_array("DeviceAuthentication", transcript, cbor2.dumps(doctype), wrap(device_namespaces))


def device_response(
    request: bytes, issuer_signed: bytes, key: ec.EllipticCurvePrivateKey, transcript: bytes
) -> tuple[bytes, list[str]]:
    """What a DeviceRequest asks for of a document, signed by the device's key; and the names of what is released."""
    held = cbor2.loads(issuer_signed)
    doctype = security_object(held["issuerAuth"])["docType"]
    for asked in cbor2.loads(request)["docRequests"]:
        items = cbor2.loads(content_of(asked["itemsRequest"], "ItemsRequestBytes"))
        if items["docType"] == doctype:
            break
    else:
        return nothing_released(doctype), []
    released: dict[str, list[Any]] = {}
    names = []
    for namespace, wanted in items["nameSpaces"].items():
        for item in held["nameSpaces"].get(namespace, []):
            name = cbor2.loads(content_of(item, "IssuerSignedItemBytes"))["elementIdentifier"]
            if name in wanted:
                # The bytes are those that the issuer made: their digest was signed.
                released.setdefault(namespace, []).append(item)
                names.append(name)
    nothing = cbor2.dumps({})
    signature = sign(key, device_authentication(transcript, doctype, nothing))
    document = {
        "docType": doctype,
        "issuerSigned": {"nameSpaces": released, "issuerAuth": held["issuerAuth"]},
        "deviceSigned": {"nameSpaces": tagged(nothing), "deviceAuth": {"deviceSignature": signature}},
    }
    return cbor2.dumps({"version": "1.0", "documents": [document], "status": 0}), names


def nothing_released(doctype: str) -> bytes:
    """DeviceResponse without a document, which does not say why."""
    return cbor2.dumps({"version": "1.0", "documentErrors": [{doctype: 0}], "status": 0})


def security_object(issuer_auth: Any) -> dict[str, Any]:
    return cbor2.loads(content_of(cbor2.loads(issuer_auth[2]), "MobileSecurityObjectBytes"))


def check_response(
    response: bytes,
    wanted: dict[str, dict[str, bool]],
    transcript: bytes,
    anchors: list[x509.Certificate],
    reader_key: ec.EllipticCurvePrivateKey,
    doctype: str = MDL,
) -> dict[str, Any]:
    """The elements of a DeviceResponse, after every check of clause 9.3.1 that needs no network.

    Raises Refused with the first thing that is wrong.
    """
    members = cbor2.loads(response)
    if not members["version"].startswith("1.") or members["status"] != 0:
        raise Refused(f"the response has status {members['status']}")
    documents = members.get("documents") or []
    if [document["docType"] for document in documents] != [doctype]:
        raise Refused("the response does not have the one document that was asked for")
    document = documents[0]
    issuer_auth = document["issuerSigned"]["issuerAuth"]
    signer = certificate_of(issuer_auth, "the issuer")
    check_certificate(signer, anchors, SIGNER_EKU, "the issuer")
    verify_signature(issuer_auth, signer.public_key(), issuer_auth[2], "the issuer")
    security = security_object(issuer_auth)
    if security["docType"] != doctype:
        raise Refused("the issuer signed another type of document")
    validity, now = security["validityInfo"], datetime.datetime.now(datetime.UTC)
    if not validity["validFrom"] <= now <= validity["validUntil"]:
        raise Refused("the document is not valid now")
    elements = check_digests(document["issuerSigned"]["nameSpaces"], security, wanted)
    check_device(document, security, transcript, reader_key)
    return elements


def check_digests(
    namespaces: dict[str, list[Any]], security: dict[str, Any], wanted: dict[str, dict[str, bool]] | None
) -> dict[str, Any]:
    digest, elements = DIGESTS[security["digestAlgorithm"]], {}
    for namespace, items in namespaces.items():
        for wrapped_item in items:
            item = cbor2.loads(content_of(wrapped_item, "IssuerSignedItemBytes"))
            name, number = item["elementIdentifier"], item["digestID"]
            if digest(cbor2.dumps(wrapped_item)).digest() != security["valueDigests"][namespace][number]:
                raise Refused(f"the digest of {name} is wrong")
            if len(item["random"]) < 16 or name in elements:
                raise Refused(f"{name} is not as it should be")
            if wanted is not None and name not in wanted.get(namespace, {}):
                raise Refused(f"{name} was not asked for")
            elements[name] = item["elementValue"]
    return elements


def check_device(
    document: dict[str, Any], security: dict[str, Any], transcript: bytes, reader_key: ec.EllipticCurvePrivateKey
) -> None:
    signed = document["deviceSigned"]
    namespaces = content_of(signed["nameSpaces"], "DeviceNameSpacesBytes")
    if cbor2.loads(namespaces):
        raise Refused("the device signed elements for which nobody authorised it")
    payload = device_authentication(transcript, document["docType"], namespaces)
    key = public_key(security["deviceKeyInfo"]["deviceKey"])
    auth = signed["deviceAuth"]
    if set(auth) == {"deviceSignature"}:
        verify_signature(auth["deviceSignature"], key, payload, "the device")
    elif set(auth) == {"deviceMac"}:
        protected, _, _, tag = auth["deviceMac"]
        if not hmac.compare_digest(tag, device_mac(mac_key(reader_key, key, transcript), protected, payload)):
            raise Refused("the MAC of the device is wrong")
    else:
        raise Refused("there is not exactly one of a signature and a MAC of the device")


def mac_key(private: ec.EllipticCurvePrivateKey, peer: ec.EllipticCurvePublicKey, transcript: bytes) -> bytes:
    salt = hashlib.sha256(wrap(transcript)).digest()
    return derive(private.exchange(ec.ECDH(), peer), salt, "EMacKey")


def device_mac(key: bytes, protected: bytes, payload: bytes) -> bytes:
    return hmac.digest(key, cbor2.dumps(["MAC0", protected, b"", payload]), "sha256")
