#!/usr/bin/env python3
"""Reads a VICAL with cbor2 and cryptography, and checks it with nothing of this repository: vical.py LIST ROOT.pem

Prints what is in it as JSON. Exit status: 0 it holds, 1 it does not, 2 it cannot be read. For a list that we made
every member of an entry is compared with its certificate; for a foreign one (a key identifier that is wrapped) the
identifier is left out, as it is not one.
"""
import datetime
import hashlib
import io
import json
import sys

import cbor2
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

MDL_VICAL = "1.0.18013.5.1.8"


def fail(why):
    print(why, file=sys.stderr)
    sys.exit(1)


def raw_tdates(decoder, tag):
    """cbor2 turns tag 0 into datetimes; that is wanted, all other tags are not."""
    return tag


def text(moment):
    return None if moment is None else moment.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def one_item(data):
    stream = io.BytesIO(data)
    item = cbor2.CBORDecoder(stream, tag_hook=raw_tdates).decode()
    if stream.read():
        raise ValueError("bytes after the item")
    return item


def main(list_file, root_file):
    data = open(list_file, "rb").read()
    root = x509.load_pem_x509_certificate(open(root_file, "rb").read())
    try:
        message = one_item(data)
        protected, unprotected, payload, signature = message
        header, vical = one_item(protected), one_item(payload)
        chain = unprotected[33]
        chain = [chain] if isinstance(chain, bytes) else chain
        signer = x509.load_der_x509_certificate(chain[0])
    except Exception as error:  # whatever is wrong with it
        print(error, file=sys.stderr)
        sys.exit(1)
    if data[0] != 0x84 or header != {1: -7} or len(signature) != 64:
        fail("not an untagged COSE_Sign1 with ES256")
    if signer.issuer != root.subject:
        fail("another issuer")
    root.public_key().verify(signer.signature, signer.tbs_certificate_bytes, ec.ECDSA(signer.signature_hash_algorithm))
    purposes = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    if MDL_VICAL not in [purpose.dotted_string for purpose in purposes.value] or not purposes.critical:
        fail("no signer of lists")
    to_sign = cbor2.dumps(["Signature1", protected, b"", payload])
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    signer.public_key().verify(encode_dss_signature(r, s), to_sign, ec.ECDSA(hashes.SHA256()))

    entries = []
    for info in vical["certificateInfos"]:
        certificate = x509.load_der_x509_certificate(info["certificate"])
        serial = certificate.serial_number
        if info["serialNumber"] != serial:
            fail("serial number")
        own = x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest
        if len(info["ski"]) == len(own):
            before, after = (
                moment.replace(tzinfo=datetime.timezone.utc)
                for moment in (certificate.not_valid_before, certificate.not_valid_after)
            )
            if info["ski"] != own:
                fail("key identifier")
            if info["subject"] != certificate.subject.public_bytes() or info["issuer"] != certificate.issuer.public_bytes():
                fail("names")
            if (info["notBefore"], info["notAfter"]) != (before, after):
                fail("validity")
        entries.append({
            "docTypes": info["docType"],
            "sha256": hashlib.sha256(info["certificate"]).hexdigest(),
            "serialNumber": serial.to_bytes((serial.bit_length() + 7) // 8, "big").hex(),
            "notBefore": certificate.not_valid_before.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "notAfter": certificate.not_valid_after.strftime("%Y-%m-%dT%H:%M:%SZ"),
        })
    print(json.dumps({
        "version": vical["version"],
        "provider": vical["vicalProvider"],
        "issueId": vical.get("vicalIssueID"),
        "date": text(vical["date"]),
        "nextUpdate": text(vical.get("nextUpdate")),
        "notAfter": text(vical.get("notAfter")),
        "entries": entries,
    }))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    try:
        main(*sys.argv[1:])
    except InvalidSignature:
        fail("a signature does not hold")
