"""Reads signed status lists with Python's zlib, json and cryptography, and says what the entries are.

Usage: status_list.py TOKEN IACA URI KEY... KEY is an index, or for an identifier list an identifier in hexadecimal.
"""

import base64
import json
import sys
import zlib

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256


def cbor(data, at):
    """One item of the kinds that these tokens have, and where it ends."""
    major, value = data[at] >> 5, data[at] & 31
    at += 1
    if value >= 24:
        size = 1 << (value - 24)
        value, at = int.from_bytes(data[at : at + size], "big"), at + size
    if major == 0:
        return value, at
    if major == 1:
        return -1 - value, at
    if major in (2, 3):
        content = data[at : at + value]
        return (content if major == 2 else content.decode()), at + value
    if major == 6:
        item, at = cbor(data, at)
        return ("tag", value, item), at
    assert major in (4, 5), major
    items = []
    for _ in range(value * (major - 3)):
        item, at = cbor(data, at)
        items.append(item)
    return (items if major == 4 else dict(zip(items[::2], items[1::2]))), at


def whole(data):
    item, end = cbor(data, 0)
    assert end == len(data)
    return item


def base64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def head(text):
    """The head of a byte string in front of it."""
    size = len(text)
    if size < 24:
        return bytes([0x40 | size]) + text
    width = 1 if size < 256 else 2 if size < 65536 else 4
    return bytes([0x58 + width.bit_length() - 1]) + size.to_bytes(width, "big") + text


def read_cwt(token):
    tag, number, (protected, unprotected, payload, signature) = whole(token)
    assert (tag, number, unprotected) == ("tag", 18, {})
    header, claims = whole(protected), whole(payload)
    assert header[1] == -7
    signed = b"\x84\x6aSignature1" + head(protected) + b"\x40" + head(payload)
    names = {2: "sub", 4: "exp", 6: "iat", 65533: "status_list", 65530: "identifier_list", 65534: "ttl"}
    return header[16], header[33], signed, signature, {names[key]: value for key, value in claims.items()}


def read_jwt(token):
    header, payload, signature = token.decode().split(".")
    signed = f"{header}.{payload}".encode()
    header, claims = json.loads(base64url(header)), json.loads(base64url(payload))
    assert header["alg"] == "ES256"
    claims["status_list"]["lst"] = base64url(claims["status_list"]["lst"])
    return header["typ"], base64.b64decode(header["x5c"][0]), signed, base64url(signature), claims


def main():
    path, iaca, uri, *keys = sys.argv[1:]
    with open(path, "rb") as file:
        token = file.read()
    with open(iaca, "rb") as file:
        iaca = x509.load_pem_x509_certificate(file.read())
    typ, der, signed, signature, claims = (read_jwt if token[:2] == b"ey" else read_cwt)(token)
    signer = x509.load_der_x509_certificate(der)
    by_iaca = ec.ECDSA(signer.signature_hash_algorithm)
    iaca.public_key().verify(signer.signature, signer.tbs_certificate_bytes, by_iaca)
    assert signer.issuer == iaca.subject
    halves = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    signer.public_key().verify(utils.encode_dss_signature(*halves), signed, ec.ECDSA(SHA256()))
    assert claims["sub"] == uri and claims["iat"] < claims["exp"] and claims["ttl"] > 0
    if "identifier_list" in claims:
        identifiers = claims["identifier_list"]["identifiers"]
        values = [int(bytes.fromhex(key) in identifiers) for key in keys]
    else:
        bits, entries = claims["status_list"]["bits"], zlib.decompress(claims["status_list"]["lst"])
        places = [int(key) * bits for key in keys]
        values = [entries[place // 8] >> place % 8 & (1 << bits) - 1 for place in places]
    print(typ, *values)


main()
