"""Reads and verifies what `mdoc-issuer pki` made with Python's cryptography, and says how much it was.

Usage: second_opinion.py LIST. Each line of LIST: kind, file, issuer's certificate, and for OCSP the expected status.
"""

import sys

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509 import ocsp


def certificate(path):
    with open(path, "rb") as file:
        return x509.load_pem_x509_certificate(file.read())


def verify(key, signature, message, digest):
    if isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(signature, message)
    else:
        key.verify(signature, message, ec.ECDSA(digest))


def main():
    done = 0
    with open(sys.argv[1], encoding="utf-8") as file:
        lines = [line.split("\t") for line in file.read().splitlines()]
    for kind, path, issuer_path, expected in lines:
        with open(path, "rb") as file:
            content = file.read()
        issuer = certificate(issuer_path).public_key() if issuer_path else None
        if kind == "certificate":
            found = x509.load_pem_x509_certificate(content)
            verify(issuer, found.signature, found.tbs_certificate_bytes, found.signature_hash_algorithm)
            assert found.issuer == certificate(issuer_path).subject, path
            assert len(list(found.extensions)) >= 3, path
        elif kind == "csr":
            found = x509.load_pem_x509_csr(content)
            assert found.is_signature_valid, path
            assert found.extensions.get_extension_for_class(x509.KeyUsage), path
        elif kind == "crl":
            found = x509.load_der_x509_crl(content)
            assert found.is_signature_valid(issuer), path
            assert str(len(found)) == expected, path
        elif kind == "ocsp-request":
            found = ocsp.load_der_ocsp_request(content)
            assert found.serial_number == certificate(expected).serial_number, path
        elif kind == "ocsp-response":
            found = ocsp.load_der_ocsp_response(content)
            assert found.certificate_status.name == expected, path
            signer = found.certificates[0].public_key() if found.certificates else issuer
            verify(signer, found.signature, found.tbs_response_bytes, found.signature_hash_algorithm)
        else:
            raise ValueError(kind)
        done += 1
    print(f"{done} agreed")


main()
