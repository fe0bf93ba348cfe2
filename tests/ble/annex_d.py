"""mdoc.py beside the worked examples of ISO/IEC 18013-5, Annex D, and known answers of the same constructions."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

import mdoc

VECTORS = Path(__file__).parent.parent / "vectors" / "annex-d"

# An engagement by QR code for both modes, with the key of the private number below, and what Ident then is.
ENGAGEMENT = (
    "mdoc:owBjMS4wAYIB2BhYS6QBAiABIVggpHFsp0Ocdf2zWGPBoqWJNTdNbOgjBvgncFotcbbM8fAiWCACjoCrqq5-KJy7yAVbeaSL_61sB1l1zUQE"
    "T2SP0ZOgEgKBgwIBpAD1AfUKUA8ODQwLCkAJiAcGBQQDAgELUAARIjNEVUBml4iqu8zd7v8"
)
DEVICE_KEY = 0x4E191740332AA93137C522D43EB0DBF4B2F2B4D6C95192B9E4B442F09AAEF130
READER_KEY = 0x07DB8EF035BE44EB9820F30C370F4A27600FAFE1B047C02C30267F56C782F2DB
IDENT = "a3db75549caa24dbc97b6d3da3660e19"
SK_READER = "4f3a70b5583fe626c0fd837e60458913a986df96f3ca7b8ccdef07c489347881"
SK_DEVICE = "dc94dcac0b9ac1bd825003ccd4b1b4454d7f8e43b9739bd19a3827757c4b72d4"
ENDED = "a2646461746158259ca35e5b9a74d6bf45eeccf72c049e61ea6efc81611d4762828ed1c8b6afdaf96a56ad447f6673746174757314"


def private(number: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(number, ec.SECP256R1())


def jwk(name: str) -> ec.EllipticCurvePrivateKey:
    secret = json.loads((VECTORS / name).read_text())["d"]
    return private(int.from_bytes(base64.urlsafe_b64decode(secret + "=="), "big"))


def checks() -> Iterator[tuple[str, bool]]:
    """What is compared, and whether it is the same."""
    hexadecimal: dict[str, str] = json.loads((VECTORS / "annex-d.json").read_text())
    value = {name: bytes.fromhex(text) for name, text in hexadecimal.items()}

    yield "the engagement decodes", mdoc.Engagement.decode(value["D.3.1_device_engagement"]).central_client is not None
    engagement = mdoc.Engagement.from_uri(ENGAGEMENT)
    modes = engagement.peripheral_server, engagement.central_client
    made = mdoc.Engagement.make(private(DEVICE_KEY).public_key(), *modes)
    yield "an engagement is made", made.uri() == ENGAGEMENT
    yield "Ident", engagement.ident().hex() == IDENT

    reader = private(READER_KEY)
    key_bytes = cbor2.dumps(mdoc.cose_key(reader.public_key()))
    session = mdoc.Session(True, private(DEVICE_KEY), reader.public_key(), mdoc.transcript(engagement, key_bytes))
    yield "session keys by QR code", (session.receiving.key.hex(), session.sending.key.hex()) == (SK_READER, SK_DEVICE)
    ended = session.message(cbor2.dumps({"version": "1.0", "status": 10}), mdoc.TERMINATION)
    yield "SessionData with status 20", ended.hex() == ENDED

    transcript = cbor2.loads(value["D.5.1_session_transcript_bytes"]).value
    establishment, data = value["D.5.1_session_establishment"], value["D.5.1_session_data"]
    request, response = value["D.4.1.1_device_request"], value["D.4.1.2_device_response"]
    device_key, reader_key = jwk("e_device_key.jwk.json"), jwk("e_reader_key.jwk.json")
    for holder in (True, False):
        mine, peer = (device_key, reader_key) if holder else (reader_key, device_key)
        side = mdoc.Session(holder, mine, peer.public_key(), transcript)
        keys = side.receiving.key, side.sending.key
        expected = value["D.5.1_SKReader_key"], value["D.5.1_SKDevice_key"]
        yield "session keys", keys == (expected if holder else expected[::-1])
        if holder:
            yield "the request is decrypted", side.open(establishment)[0] == request
            yield "the response is encrypted", side.message(response) == data
        else:
            of_reader = cbor2.dumps(mdoc.cose_key(reader_key.public_key()))
            yield "the request is encrypted", mdoc.establishment(side, of_reader, request) == establishment
            yield "the response is decrypted", side.open(data)[0] == response
    yield "termination", side.message(None, mdoc.TERMINATION) == value["D.5.1_session_termination"]

    signed = cbor2.loads(request)["docRequests"][0]
    items = mdoc.content_of(signed["itemsRequest"], "ItemsRequestBytes")
    authentication = mdoc.reader_authentication(transcript, items)
    yield "ReaderAuthentication", authentication == value["D.5.4_reader_authentication_bytes"]
    certificate = mdoc.certificate_of(signed["readerAuth"], "the reader")
    mdoc.verify_signature(signed["readerAuth"], certificate.public_key(), authentication, "the reader")
    certificate.verify_directly_issued_by(x509.load_der_x509_certificate(value["D.5.4_reader_root_cert"]))

    document = cbor2.loads(response)["documents"][0]
    security = mdoc.security_object(document["issuerSigned"]["issuerAuth"])
    issuer_auth = document["issuerSigned"]["issuerAuth"]
    signer = mdoc.certificate_of(issuer_auth, "the issuer")
    mdoc.verify_signature(issuer_auth, signer.public_key(), issuer_auth[2], "the issuer")
    signer.verify_directly_issued_by(x509.load_der_x509_certificate(value["D.5.2_iaca_cert"]))
    yield "six digests", len(mdoc.check_digests(document["issuerSigned"]["nameSpaces"], security, None)) == 6
    mdoc.check_device(document, security, transcript, reader_key)
    namespaces = mdoc.content_of(document["deviceSigned"]["nameSpaces"], "DeviceNameSpacesBytes")
    payload = mdoc.device_authentication(transcript, mdoc.MDL, namespaces)
    yield "DeviceAuthentication", payload == value["D.5.3_device_authentication_bytes"]
    key = mdoc.public_key(security["deviceKeyInfo"]["deviceKey"])
    mac = mdoc.mac_key(reader_key, key, transcript)
    yield "EMacKey", mac == value["D.5.3_EMacKey_key"]
    yield "the device's MAC", mdoc.device_mac(mac, b"\xa1\x01\x05", payload) == value["D.5.3_MAC_tag"]

    # And what is wrong is found: a digest, the session that the device signed for.
    altered = document["issuerSigned"]["nameSpaces"]
    name = next(iter(altered))
    spoilt = bytearray(altered[name][0].value)
    spoilt[-1] ^= 1
    wrong = {name: [mdoc.tagged(bytes(spoilt))]}
    yield "an altered element is refused", refuses(lambda: mdoc.check_digests(wrong, security, None))
    other = transcript[:-1] + bytes([transcript[-1] ^ 1])
    yield "another session is refused", refuses(lambda: mdoc.check_device(document, security, other, reader_key))


def refuses(check: Callable[[], object]) -> bool:
    try:
        check()
    except (mdoc.Refused, ValueError):
        return True
    return False
