"""Writes docs/interoperability.md from what matrix.py and judge_vectors.py found, and from documents with other settings.

    report.py --kit DIR --out DIR --document FILE
"""
import argparse, datetime, json, os, re, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
US = "toolkit"
FORMS = {"issuer_signed": "issuerSigned", "device_response": "deviceSignature", "device_response_mac": "deviceMac"}
PEERS = ["plain", "auth0", "animo", "owf", "pymdoccbor", "isomdoc", "pycose", "isomdl", "bhmdoc"]
# Peer -> its package in the kit's lists.
PACKAGES = {
    "auth0": "@auth0/mdl", "animo": "@animo-id/mdoc", "owf": "@owf/mdoc", "pymdoccbor": "pymdoccbor",
    "isomdoc": "isomdoc", "pycose": "pycose", "isomdl": "isomdl", "bhmdoc": "bhmdoc",
}
# What is known to be a peer's own fault: (producer, verifier, form), None for any.
KNOWN = [
    ((None, "owf", "device_response_mac"), "@owf/mdoc compares the algorithm's name with its number, so it rejects every deviceMac, its own too."),
    (("owf", None, "device_response_mac"), "The MAC_structure of @owf/mdoc has three elements, the empty external_aad is missing; nobody can verify it."),
    (("animo", "owf", None), "animo encodes inner maps with 16-bit lengths; owf encodes the item again before hashing, so the digest differs."),
    (("owf", "isomdl", None), "owf draws digest IDs from 32 bits, isomdl decodes them as i32."),
    (("auth0", "isomdoc", "device_response"), "isomdoc demands an empty unprotected header; auth0 writes a kid."),
]
# Documents with other settings: what is other, and the options of `toolkit produce`.
VARIANTS = [
    ("signer's key P-384 (ES384)", ["--signer-curve", "P-384"]),
    ("signer's key P-521 (ES512)", ["--signer-curve", "P-521"]),
    ("signer's key Ed25519 (EdDSA)", ["--signer-curve", "Ed25519"]),
    ("device key P-384", ["--device-curve", "P-384"]),
    ("device key Ed25519 (no MAC)", ["--device-curve", "Ed25519"]),
    ("digests SHA-384", ["--digest", "SHA-384"]),
    ("digests SHA-512", ["--digest", "SHA-512"]),
    ("ten decoy digests", ["--decoys", "10"]),
    ("status list in the MSO", ["--status-index", "4711"]),
]
# The shipped formats, with their samples.
FORMATS = [
    *((name, ["--format", name, "--country", "NL"]) for name in (
        "partial-iso-18013-5", "iso-18013-5-mdl", "eu-pid", "iso-23220-photo-id", "eu-age-verification", "vehicle-registration",
        "loyalty-card", "qualification", "access-badge", "warrant-card")),
    ("aamva-mdl", ["--format", "aamva-mdl", "--country", "US", "--state", "US-CA"]),
]
# Why a peer rejects a document with another setting: (peer, words that begin the setting) -> limit of the peer.
LIMITS = {
    ("auth0", "device key P-384"): "derives MAC keys on P-256 only",
    ("animo", "device key P-384"): "the kit's script derives the MAC key for it, on P-256 only",
    ("owf", "signer's key P-"): "knows P-384 and P-521 in JWKs only as `p-384` and `p-521`",
    ("owf", "device key P-384"): "knows P-384 and P-521 in JWKs only as `p-384` and `p-521`",
    ("pymdoccbor", "signer's key"): "signers on P-256 only",
    ("pymdoccbor", "digests"): "hashes with SHA-256 only",
    ("isomdoc", "signer's key"): "ES256 only",
    ("isomdoc", "device key"): "ES256 only",
    ("isomdl", "signer's key"): "P-256 only",
    ("isomdl", "device key P-384"): "panics on a device key P-384",
    ("isomdl", "device key Ed25519"): "P-256 only",
    ("bhmdoc", "signer's key"): "ES256 only",
    ("bhmdoc", "device key"): "ES256 only",
}


def limit(peer, title):
    return next((why for (name, begin), why in LIMITS.items() if name == peer and title.startswith(begin)), None)


def known(producer, verifier, form):
    for (p, v, f), why in KNOWN:
        if p in (None, producer) and v in (None, verifier) and f in (None, form):
            return why
    return None


class Words:
    """Messages of programs without the names of this machine's folders, short enough for a table."""

    def __init__(self, *folders):
        wanted = {form for folder in folders for form in (folder, os.path.realpath(folder))}
        self.folders = sorted((folder for folder in wanted if len(folder) > 1), key=len, reverse=True)

    def __call__(self, text, longest=180):
        text = text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)
        for folder in self.folders:
            text = text.replace(folder, "…")
        text = re.sub(r"(?<![\w.:/])/(?:[\w.@+-]+/)+", "…/", text)
        text = " ".join(text.split()).replace("|", "\\|").replace("`", "'")
        return text if len(text) <= longest else text[:longest] + " …"


def versions(kit):
    found = {}
    with open(os.path.join(kit, "npm", "package.json"), encoding="utf-8") as file:
        found.update(json.load(file)["dependencies"])
    with open(os.path.join(kit, "pypi", "requirements.txt"), encoding="utf-8") as file:
        found.update(re.findall(r"^([\w-]+)==(\S+)", file.read(), re.M))
    with open(os.path.join(kit, "rust", "Cargo.toml"), encoding="utf-8") as file:
        found.update(re.findall(r'^([\w-]+) = "=(\S+)"', file.read(), re.M))
    return found


def call(command):
    try:
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", errors="replace", timeout=120)
    except subprocess.TimeoutExpired:
        return 124, {"error": "no answer in two minutes"}
    try:
        answer = json.loads(result.stdout[result.stdout.index("{"):])
    except ValueError:
        answer = {"error": result.stdout + result.stderr}
    return result.returncode, answer


def variant(kit, folder, peer):
    """The three cells of one verifier: (cell, why)."""
    at = lambda name: os.path.join(folder, name)
    command = [os.path.join(HERE, "toolkit"), "verify"] if peer == US else [os.path.join(kit, "bin", "peer"), "verify", peer]
    with open(at("expected.json"), encoding="utf-8") as file:
        expected = json.load(file)["elements"]
    cells = []
    for form in FORMS:
        unread = {"isomdl": form == "device_response_mac", "isomdoc": form == "device_response_mac", "bhmdoc": form != "device_response"}
        if not os.path.exists(at(form + ".cbor")) or unread.get(peer):
            cells.append(("-", None))
            continue
        options = ["--iaca", at("iaca.pem")]
        if form == "issuer_signed":
            options += ["--issuer-signed", at("issuer_signed.cbor")]
        else:
            options += ["--device-response", at(form + ".cbor"), "--session-transcript", at("session_transcript.cbor")]
            options += [] if peer == "plain" else ["--handover", at("handover.json")]
            options += ["--reader-key", at("reader.jwk.json")] if form == "device_response_mac" else []
        status, answer = call(command + options)
        if status:
            cells.append(("no", answer.get("error") or answer.get("failed")))
            continue
        seen = answer["documents"][0]["elements"]
        if any(seen.get(name, {}).get(key) != value for name, elements in expected.items() for key, value in elements.items()):
            cells.append(("differs", "an element has another value"))
            continue
        unchecked = form != "issuer_signed" and "device-auth" in answer.get("not_checked", [])
        cells.append(("ok*" if unchecked else "ok", None))
    return cells


def rows(header, lines):
    return ["| " + " | ".join(header) + " |", "|---" * len(header) + "|"] + ["| " + " | ".join(line) + " |" for line in lines]


def section(given, words, unexpected, kind, documents):
    """The table of documents that are unlike that of the matrix, and who refuses which."""
    verifiers = [*PEERS, US]
    lines, reasons = [], []
    for number, (title, options) in enumerate(documents):
        folder = os.path.join(given.out, f"{kind}-{number}")
        status, answer = call([os.path.join(HERE, "toolkit"), "produce", "--out", folder, *options])
        if status:
            unexpected.append(f"{title}: {words(answer.get('error') or '')}")
            lines.append([title, *("not made" for _ in verifiers)])
            continue
        line, refusals = [title], []
        for peer in verifiers:
            cells = variant(given.kit, folder, peer)
            line.append(" ".join(cell for cell, _ in cells))
            said = [(form, why) for form, (cell, why) in zip(FORMS, cells) if cell in ("no", "differs") and not known(US, peer, form)]
            if not said:
                continue
            why = limit(peer, title)
            if not why:
                unexpected.append(f"{title} → {peer}, {FORMS[said[0][0]]}: {words(said[0][1] or '')}")
            refusals.append(f"{peer}: {why or '**unexplained**'} (`{words(said[0][1] or '', 90)}`)")
        lines.append(line)
        reasons += [f"- {title}: " + "; ".join(refusals)] if refusals else []
    header = [kind, *(f"**{name}**" if name == US else name for name in verifiers)]
    refusing = "Who refuses, for what limit of its own, and what it says (deviceMac → owf is as above):"
    return [*rows(header, lines), "", refusing, "", *(reasons or ["- nobody"])]


def main():
    parser = argparse.ArgumentParser()
    for name in ("kit", "out", "document"):
        parser.add_argument("--" + name, required=True)
    given = parser.parse_args()
    words = Words(given.out, given.kit, ROOT, os.environ.get("INTEROP_DIR", ""), tempfile.gettempdir(), os.path.expanduser("~"))
    with open(os.path.join(given.out, "matrix.json"), encoding="utf-8") as file:
        matrix = json.load(file)
    unexpected = []

    numbers = versions(given.kit)
    text = [
        "# Interoperability",
        "",
        "Who accepts what this toolkit issues and presents, and whose documents it accepts. Written by `tests/interop/run` on "
        f"{datetime.date.today().isoformat()}; do not edit.",
        "",
        "The document is a driving licence in a format of its own, `tests/interop/interop-mdl.xml`, with a JPEG portrait and elements of a",
        "second namespace, presented over an OpenID4VP 1.0 transcript, with a device signature and, from a document with another device",
        "key, with a device MAC. An acceptance proves what the peer looks at, and no more; refusing is judged by the vectors below.",
        "",
        "## Peers",
        "",
    ]
    peers = [(peer, PACKAGES[peer], numbers.get(PACKAGES[peer], "?")) for peer in PEERS if peer in PACKAGES]
    text += rows(("Peer", "Package", "Version"), [("plain", "the kit's independent oracle", ""), *peers])

    text += ["", "## Matrix", "", "issuerSigned / deviceSignature / deviceMac. `ok`: accepted, and every element equal; `ok*`: accepted without looking at the",
             "device authentication; `differs`: an element differs; `no`: rejected; `-`: not produced or not read. pymdoccbor and isomdoc make no",
             "device authentication, the kit adds it.", ""]
    verifiers = [*PEERS, US]
    producers = [name for name in (*PEERS, US) if name in matrix]
    unexpected += [f"{name} produced nothing" for name in verifiers if name not in matrix and name != "pycose"]
    emphasis = lambda name: f"**{name}**" if name == US else name
    cell = lambda p, v: " ".join(matrix[p][v][form]["cell"] for form in FORMS)
    text += rows(["producer \\ verifier", *map(emphasis, verifiers)], [[emphasis(p), *(cell(p, v) for v in verifiers)] for p in producers])

    text += ["", "Where this toolkit takes part and the answer is no:", ""]
    found = []
    for p in producers:
        for v in verifiers:
            for form, name in FORMS.items():
                result = matrix[p][v][form]
                if US not in (p, v) or result["cell"] not in ("no", "differs"):
                    continue
                why = known(p, v, form)
                said = words(result.get("why") or "nothing")
                if why is None:
                    unexpected.append(f"{p} → {v}, {name}: {said}")
                found.append(f"- {p} → {v}, {name}: {why or '**Unexplained.**'} It says: `{said}`")
    text += found or ["- nowhere"]
    others = [(p, v, form) for p in producers for v in verifiers for form in FORMS if US not in (p, v) and matrix[p][v][form]["cell"] in ("no", "differs")]
    explained = []
    for place in others:
        why = known(*place)
        if why and why not in explained:
            explained.append(why)
    text += ["", "Among the others:", "", *(f"- {why}" for why in explained)]
    text += [f"- {p} → {v}, {FORMS[form]}: `{words(matrix[p][v][form].get('why') or '')}`" for p, v, form in others if not known(p, v, form)]

    text += ["", "## Documents of every shipped format", "", "The samples of `document-formats/samples`, all elements asked for. What a peer reads is compared with what this toolkit reads.", ""]
    text += section(given, words, unexpected, "format", FORMATS)
    text += ["", "## Documents with other settings", "", "As above, issuerSigned / deviceSignature / deviceMac; only what is named differs from the document of the matrix.", ""]
    text += section(given, words, unexpected, "setting", VARIANTS)

    judged = os.path.join(given.out, "judge.json")
    if os.path.exists(judged):
        with open(judged, encoding="utf-8") as file:
            judge = json.load(file)
        tally = ", ".join(f"{name} {count}" for name, count in sorted(judge["tally"].items()))
        wrong = [row for row in judge["rows"] if row["verdict"] not in ("right", "either")]
        text += ["", "## Vectors", "", f"The kit's judge over its vectors, {len(judge['rows'])} documents of real issuers and made ones: {tally}.", ""]
        text += [f"- {row['verdict']}: {row['id']}: {words(row['why'])}" for row in wrong] or ["None accepted wrongly, none rejected wrongly, no crash."]
        unexpected += [f"vectors: {row['verdict']}: {row['id']}" for row in wrong]

    text += ["", "## How to run it", "", "```sh", "KIT=path/to/peers tests/interop/run", "```", "",
             "The kit installs the peers from their package registries; it is no part of this repository, and nothing of it is linked or copied.",
             "The script ends with status 1 if a peer rejects this toolkit, or this toolkit a peer, for a reason that is not known as a fault of the peer."]
    with open(given.document, "w", encoding="utf-8") as file:
        file.write("\n".join(text) + "\n")
    for line in unexpected:
        print("unexpected:", line, file=sys.stderr)
    return 1 if unexpected else 0


if __name__ == "__main__":
    sys.exit(main())
