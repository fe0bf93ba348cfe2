"""`toolkit produce --out DIR [--pki DIR]`: a document of ours and two presentations of it, for the peers to verify.

The keys and certificates are made by our programs, or taken from a folder that the kit's make_pki.py wrote. One key
never makes both a signature and a MAC, so the MAC comes from a second document with a key of its own: device.jwk.json
is that of the signature and of issuer_signed.cbor.

Further options, all with a value: --signer-curve, --device-curve, --digest, --decoys, --status-index; --format NAME for
a shipped format with its sample, --country and --state of the issuing authority.

Everything is done by the programs as a user would; here are only the other forms of the files: PEM keys as JWK, the
transcript of OpenID4VP 1.0, and what the verifiers are to find.
"""
import base64, datetime, hashlib, json, os, shutil, tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
SAMPLES = os.path.join(HERE, "..", "..", "document-formats", "samples")
FORMAT = os.path.join(HERE, "interop-mdl.xml")
DATA = os.path.join(HERE, "interop-mdl.json")
EXPECTED = os.path.join(HERE, "expected.json")
PORTRAIT = os.path.join(SAMPLES, "portrait.jpg")
STATUS_LIST = "https://mdl.example.test/status/1"
HANDOVER = {
    "client_id": "x509_san_dns:verifier.example.test",
    "nonce": "n-0S6_WzA2Mj",
    "response_uri": "https://verifier.example.test/response",
    "jwk_thumbprint_hex": None,
}
# Object identifier of a curve in DER -> its name in a JWK and the octets of a coordinate.
CURVES = {
    bytes.fromhex("2a8648ce3d030107"): ("P-256", 32),
    bytes.fromhex("2b81040022"): ("P-384", 48),
    bytes.fromhex("2b81040023"): ("P-521", 66),
}
ED25519 = bytes.fromhex("2b6570")


class Refused(Exception):
    pass


# Files


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, content, secret=False):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if secret else 0o644), "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())


def write_json(path, value, secret=False):
    write(path, json.dumps(value, ensure_ascii=False, indent=1) + "\n", secret)


# CBOR and DER, as much as is needed


def cbor(value):
    if value is None:
        return b"\xf6"
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    return head(4, len(value)) + b"".join(cbor(item) for item in value)


def head(major, number):
    if number < 24:
        return bytes([major << 5 | number])
    size = next(size for size in (1, 2, 4, 8) if number < 1 << (8 * size))
    return bytes([major << 5 | 23 + size.bit_length()]) + number.to_bytes(size, "big")


def der(data):
    """[(tag, content)] of what follows one another."""
    found = []
    while data:
        length, at = data[1], 2
        if length & 0x80:
            at += length & 0x7F
            length = int.from_bytes(data[2:at], "big")
        found.append((data[0], data[at:at + length]))
        data = data[at + length:]
    return found


def pem(path, label):
    text = read(path).decode()
    inner = text.split(f"-----BEGIN {label}-----")[1].split(f"-----END {label}-----")[0]
    return base64.b64decode("".join(inner.split()))


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwk(secret_pem, public_pem):
    """PKCS#8 and SubjectPublicKeyInfo -> a private JWK."""
    _, algorithm, secret = der(der(pem(secret_pem, "PRIVATE KEY"))[0][1])[:3]
    public = der(der(pem(public_pem, "PUBLIC KEY"))[0][1])[1][1][1:]
    identifiers = [content for tag, content in der(algorithm[1]) if tag == 0x06]
    if identifiers[0] == ED25519:
        return {"kty": "OKP", "crv": "Ed25519", "x": b64(public), "d": b64(der(secret[1])[0][1])}
    curve, size = CURVES[identifiers[1]]
    d = der(der(secret[1])[0][1])[1][1]
    return {"kty": "EC", "crv": curve, "x": b64(public[1:1 + size]), "y": b64(public[1 + size:]), "d": b64(d)}


# The steps


def transcript():
    thumbprint = HANDOVER["jwk_thumbprint_hex"]
    info = [HANDOVER["client_id"], HANDOVER["nonce"], bytes.fromhex(thumbprint) if thumbprint else None, HANDOVER["response_uri"]]
    return cbor([None, None, ["OpenID4VPHandover", hashlib.sha256(cbor(info)).digest()]])


def read_by_us(run, to_peer, document, iaca):
    """The accepted document as `{docType, elements}`, in the kit's form of values."""
    result = run("mdoc-verifier", "check", document, "--as", "issuer-signed", "--trust", iaca, "--json")
    if result.returncode:
        raise Refused(f"mdoc-verifier check: exit status {result.returncode}: {result.stderr.strip()}")
    found = json.loads(result.stdout)["documents"][0]
    elements = to_peer(found["elements"])
    for members in elements.values():
        # No more than two of them may be asked for at once.
        for identifier in sorted(name for name in members if name.startswith("age_over_"))[2:]:
            del members[identifier]
    return {"docType": found["docType"], "elements": elements}


def request_file(expected):
    lines = ["[[document]]", f"docType = {json.dumps(expected['docType'])}"]
    for name_space, elements in expected["elements"].items():
        lines.append(f"[document.elements.{json.dumps(name_space)}]")
        lines += [f"{json.dumps(identifier)} = false" for identifier in elements]
    return "\n".join(lines) + "\n"


def produce(given, run, to_peer):
    if "out" not in given:
        raise SystemExit("toolkit: produce wants --out DIR")
    try:
        with tempfile.TemporaryDirectory() as work:
            make(given, run, to_peer, work)
    except (Refused, OSError) as error:
        print(json.dumps({"peer": "toolkit", "ok": False, "error": str(error)}))
        return 1
    print(json.dumps({"peer": "toolkit", "ok": True}))
    return 0


def make(given, run, to_peer, work):
    out, pki = given["out"], given.get("pki")
    in_out, in_work = (lambda name: os.path.join(out, name)), (lambda name: os.path.join(work, name))

    def do(name, *arguments):
        result = run(name, *arguments)
        if result.returncode:
            raise Refused(f"{name} {arguments[0]}: exit status {result.returncode}: {result.stderr.strip()}")

    def key(name, curve):
        do("mdoc-holder", "key", "new", "--out", in_work(name), "--curve", curve)
        return in_work(f"{name}/device.key.pem"), in_work(f"{name}/device.pub.pem")

    def private_copy(name):
        # What make_pki.py writes everybody can read; the programs refuse such keys.
        write(in_work(name), read(os.path.join(pki, name)), secret=True)
        return in_work(name)

    os.makedirs(out, exist_ok=True)
    device_curve = given.get("device-curve", "P-256")
    mac_key, mac_public = key("mac", device_curve)
    if pki:
        signer_key, device_key, reader_key = (private_copy(name + ".jwk.json") for name in ("ds", "device", "reader"))
        device_public, reader_public = device_key, reader_key
        for name in ("iaca.pem", "ds.pem", "device.jwk.json", "reader.jwk.json", "session_transcript.cbor"):
            shutil.copyfile(os.path.join(pki, name), in_out(name))
    else:
        # Yesterday: @owf/mdoc wants `signed` after the certificate's beginning, and the same second is not after.
        begin = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        state = ["--state", given["state"]] if "state" in given else []
        do("mdoc-issuer", "pki", "iaca", "--at", begin, "--country", given.get("country", "UT"), *state, "--name", "Utopia IACA", "--organization", "Utopia Dept of Interop",
           "--uri", "https://mdl.example.test/", "--crl-url", "https://mdl.example.test/crl", "--out", in_work("pki"))
        do("mdoc-issuer", "pki", "signer", "--at", begin, "--iaca", in_work("pki"), "--name", "Utopia DS", "--out", in_work("pki"),
           "--curve", given.get("signer-curve", "P-256"))
        signer_key = in_work("pki/ds.key.pem")
        device_key, device_public = key("device", device_curve)
        # The reader's key of the session has to be on the curve of the device's; Ed25519 makes no MAC.
        reader_key, reader_public = key("reader", "P-256" if device_curve == "Ed25519" else device_curve)
        for name in ("iaca.pem", "ds.pem"):
            shutil.copyfile(in_work(f"pki/{name}"), in_out(name))
        write_json(in_out("device.jwk.json"), jwk(device_key, device_public), secret=True)
        write_json(in_out("reader.jwk.json"), jwk(reader_key, reader_public), secret=True)
        write(in_out("session_transcript.cbor"), transcript())
    write_json(in_out("handover.json"), HANDOVER)

    settings = ["--digest", given.get("digest", "SHA-256"), "--decoys", given.get("decoys", "0")]
    if "status-index" in given:
        settings += ["--status-list", STATUS_LIST, "--status-index", given["status-index"]]
    if "format" in given:
        name = given["format"]
        shipped = read(os.path.join(SAMPLES, "..", f"{name}.xml")).decode()
        settings += ["--format", name, "--data", os.path.join(SAMPLES, f"{name}.json")]
        settings += ["--portrait", PORTRAIT] if 'identifier="portrait"' in shipped else []
    else:
        with open(EXPECTED, encoding="utf-8") as file:
            expected = json.load(file)
        expected["elements"]["org.iso.18013.5.1"]["portrait"] = {"$hex": read(PORTRAIT).hex()}
        authority = expected["elements"]["org.iso.18013.5.1"]["issuing_authority"]
        settings += ["--format", FORMAT, "--data", DATA, "--portrait", PORTRAIT, "--authority", authority]
    documents = ((device_public, in_out("issuer_signed.cbor")), (mac_public, in_work("mac.mdoc")))
    for public, document in documents:
        do("mdoc-issuer", "issue", "--device-key", public, "--signer", in_out("ds.pem"), "--signer-key", signer_key,
           *settings, "--out", document)
    if "format" in given:
        # What our own verifier reads: the peers have to read the same, element by element.
        expected = read_by_us(run, to_peer, in_out("issuer_signed.cbor"), in_out("iaca.pem"))
    write_json(in_out("expected.json"), expected)

    write(in_work("request.toml"), request_file(expected))
    do("mdoc-verifier", "request", "--file", in_work("request.toml"), "--out", in_work("request.cbor"))
    session = ["--request", in_work("request.cbor"), "--transcript", in_out("session_transcript.cbor")]
    do("mdoc-holder", "respond", "--document", in_out("issuer_signed.cbor"), "--key", device_key, *session,
       "--out", in_out("device_response.cbor"))
    if device_curve == "Ed25519":
        return
    do("mdoc-holder", "respond", "--document", in_work("mac.mdoc"), "--key", mac_key, *session,
       "--mac", "--reader-key", reader_public, "--out", in_out("device_response_mac.cbor"))
