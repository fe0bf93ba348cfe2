#!/usr/bin/env python3
"""How operators sign in, in a real browser: an invitation, a password and a code, a passkey, a provider of other people.

    tests/browser/operator.py PROGRAMS [PICTURES]

PROGRAMS is the folder of the programs, built. A service is made and started; its pages are used by the keyboard. The passkey
is one of the browser's own virtual authenticator (W3C WebAuthn, 11). The provider is `oidc-provider` from npm, with its own
pages; without node that part is not done. A certificate signs in over a real TLS connection, by Python's own TLS. With
PICTURES, what the pages looked like is written there. Exit status 77 without chromium and chromedriver.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from http.client import HTTPSConnection
from pathlib import Path
from urllib.parse import urlencode

from kiosk import ENTER, ROOT, Browser, wait

PASSWORD = "kettle moss 7 orbit"
TAB = "\ue004"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def totp(typed: str, at: float) -> str:
    """RFC 6238, of what a page shows to be typed into an app."""
    secret = base64.b32decode(re.sub(r"\s", "", typed))
    digest = hmac.digest(secret, struct.pack(">Q", int(at) // 30), hashlib.sha1)
    number = struct.unpack_from(">I", digest, digest[-1] & 15)[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


class Service:
    """A service in a folder, with an operator who is called ada."""

    def __init__(self, programs: Path, folder: Path, external: str, more: str = "") -> None:
        self.programs, self.folder = programs, folder
        self.run("mdoc-service", "init", "authority", "--external", external, "--name", "Example authority")
        self.config = folder / "authority" / "service.toml"
        self.config.write_text(self.config.read_text() + more)
        self.do("person", "add", "--logon", "ada", "--given-name", "Ada", "--family-name", "Lovelace", "--external-id", "ada-1")
        self.do("role", "grant", "administrators", "ada")

    def run(self, program: str, *arguments: str) -> str:
        done = subprocess.run([self.programs / program, *arguments], cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout

    def do(self, *arguments: str) -> str:
        return self.run("mdoc-service", *arguments, "--config", str(self.config))

    def serve(self, port: int) -> subprocess.Popen[bytes]:
        command = [self.programs / "mdoc-service", "serve", "--listen", f"127.0.0.1:{port}", "--config", self.config]
        serving = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait(lambda: listens(port), "the service")
        return serving


def listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False


# Whether all of a page is there, and the field that is typed into first has the focus.
WHOLE = (
    "(first => document.readyState === 'complete' && (!first || document.activeElement === first))"
    "(document.querySelector('[autofocus]'))"
)


class Pages:
    """The pages of an operator, by the keyboard."""

    def __init__(self, browser: Browser, base: str, pictures: Path | None) -> None:
        self.browser, self.base, self.pictures = browser, base, pictures

    def text(self) -> str:
        return self.browser.script("document.body ? document.body.innerText : ''")

    def expect(self, words: str, picture: str | None = None) -> str:
        """Waits for a page with these words, until all of it is there and the field that is typed into first has the focus."""
        wait(lambda: words in self.text() and self.browser.script(WHOLE), words)
        if picture and self.pictures is not None:
            (self.pictures / f"operator-{picture}.png").write_bytes(self.browser.picture())
        return self.text()

    def focus(self, selector: str) -> None:
        self.browser.script(f"document.querySelector({json.dumps(selector)}).focus()")

    def press(self, words: str) -> None:
        """Presses the button that says so."""
        button = f"[...document.querySelectorAll('button')].find(one => one.innerText === {json.dumps(words)})"
        self.browser.script(f"({button}).focus()")
        self.browser.type(ENTER)

    def sign_out(self) -> None:
        """The page of the account has a password, too: whoever waits for that alone goes on before anybody is signed out."""
        self.press("Sign out")
        wait(lambda: "You are" not in self.text() and "Continue" in self.text(), "the page for signing in")

    def password(self) -> None:
        self.browser.go(self.base + "/operator")
        self.expect("Sign in", "sign-in")
        # The name has the focus.
        self.browser.type("ada" + TAB + PASSWORD + ENTER)


def local_account(pages: Pages, service: Service) -> str:
    """Takes the invitation, signs in with a code, and gives what the authenticator was set up by."""
    address = service.do("operator", "invite", "ada").split()[0]
    browser = pages.browser
    browser.go(address)
    pages.expect("Set up your account", "invitation")
    typed = browser.script("document.querySelector('code').innerText")
    pages.focus("#password")
    browser.type(PASSWORD + TAB + PASSWORD + TAB + totp(typed, time.time()) + ENTER)
    pages.expect("recovery codes", "recovery-codes")
    codes = browser.script("[...document.querySelectorAll('li code')].map(one => one.innerText)")
    assert len(set(codes)) == 10, codes
    pages.password()
    pages.expect("Show that it is you")
    # The code that set the account up is used; one of the next half-minute is good already.
    browser.type(totp(typed, time.time() + 30) + ENTER)
    pages.expect("You are ada: administrators", "account")
    return typed


def passkey(pages: Pages) -> None:
    """Adds a passkey, signs out, and signs in with it."""
    browser = pages.browser
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
    }
    browser.call("POST", "/webauthn/authenticator", options)
    pages.focus("#current-passkey")
    browser.type(PASSWORD + ENTER)
    pages.expect("A new passkey")
    browser.type("laptop" + ENTER)
    pages.expect("laptop", "passkeys")
    pages.sign_out()
    pages.password()
    pages.expect("Or by passkey", "second")
    pages.press("Use a passkey")
    pages.expect("You are ada")
    # The policy of the page lets its script fetch nothing.
    said = browser.script("fetch('/api/v1/operator').then(answer => answer.status, () => 'refused')")
    assert said == "refused", said
    browser.go(pages.base + "/api/v1/operator")
    pages.expect('"logon_name":"ada"')
    browser.go(pages.base + "/operator")
    pages.sign_out()
    browser.go(pages.base + "/api/v1/operator")
    pages.expect("token.missing")


def provider(pages: Pages, service: Service, folder: Path, port: int) -> bool:
    """Signs in at a provider that other people made; not if its packages cannot be had."""
    shutil.copytree(ROOT / "tests/interop/provider", folder / "provider", ignore=shutil.ignore_patterns("node_modules"))
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    if subprocess.run(install, cwd=folder / "provider").returncode != 0:
        return False
    command = ["node", "provider.mjs", str(port), pages.base]
    running = subprocess.Popen(command, cwd=folder / "provider", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    service.do("operator", "enable", "ada")
    try:
        wait(lambda: listens(port), "the provider")
        for login, words in (("somebody-else", "not right"), ("ada-1", "You are ada")):
            pages.browser.call("DELETE", "/cookie")
            pages.browser.go(pages.base + "/operator/sign-in")
            pages.expect("Your organisation: Example login")
            pages.press("Sign in at your organisation")
            # The page leads on by itself.
            pages.expect("Sign-in")
            pages.focus("input[name=login]")
            pages.browser.type(login + TAB + "any" + ENTER)
            pages.expect("Authorize")
            pages.press("Continue")
            pages.expect(words)
            # The provider keeps a session of its own, which is another host's to forget.
            pages.browser.go(f"http://127.0.0.1:{port}/")
            pages.browser.call("DELETE", "/cookie")
    finally:
        running.terminate()
        running.wait()
    return True


def certificate(programs: Path, folder: Path) -> None:
    """Signs in by a certificate, over TLS."""
    port = free_port()
    external = f"https://localhost:{port}"
    tls = '\n[tls]\ncertificate = "../server/tls-server.pem"\nkey = "../server/tls-server.key.pem"\n\n[operators]\nclient_authorities = "../ca/ca.pem"\n'
    service = Service(programs, folder, external, tls)
    service.run("mdoc-issuer", "pki", "ca", "--name", "Example clients", "--out", "ca")
    service.run("mdoc-issuer", "pki", "ca", "--name", "Other clients", "--out", "other")
    service.run("mdoc-issuer", "pki", "tls-server", "--ca", "ca", "--host", "localhost", "--out", "server")
    for name, ca in (("ada", "ca"), ("bob", "ca"), ("eve", "other")):
        service.run("mdoc-issuer", "pki", "tls-client", "--ca", ca, "--name", name, "--out", name)
    found = {path.name for folder in ("server", "ada") for path in (service.folder / folder).iterdir()}
    pem = next(name for name in found if name.startswith("tls-client") and not name.endswith(".key.pem"))
    service.do("operator", "certificate", "add", "ada", str(service.folder / "ada" / pem))
    serving = service.serve(port)
    try:
        for name, expected in (("ada", 303), ("bob", 403), (None, 403), ("eve", None)):
            assert asks(service.folder, port, name, pem) == expected, name
    finally:
        serving.terminate()
        serving.wait()


def asks(folder: Path, port: int, name: str | None, pem: str) -> int | None:
    """What is answered to a sign-in with that certificate; nothing if there is no connection."""
    context = ssl.create_default_context(cafile=folder / "ca" / "ca.pem")
    if name is not None:
        context.load_cert_chain(folder / name / pem, folder / name / pem.replace(".pem", ".key.pem"))
    connection = HTTPSConnection("localhost", port, context=context, timeout=20)
    try:
        connection.request("POST", "/operator/certificate", urlencode({}), {"Origin": f"https://localhost:{port}"})
        answer = connection.getresponse()
        cookie = answer.headers.get("Set-Cookie", "")
        assert (answer.status == 303) == cookie.startswith("__Host-mdoc-operator="), cookie
        return answer.status
    except (ssl.SSLError, ConnectionError):
        return None
    finally:
        connection.close()


def lacking(what: str) -> None:
    """Says what was not done, and notes it for who runs all tests."""
    print(f"NOT DONE: {what}")
    if notes := os.environ.get("MDOC_NOT_DONE"):
        with open(notes, "a") as file:
            file.write(what + "\n")


def main() -> None:
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        print("chromium and chromedriver are needed", file=sys.stderr)
        sys.exit(77)
    programs = Path(sys.argv[1]).resolve()
    pictures = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in ("tls", "pages", "profile"):
            (folder / name).mkdir()
        certificate(programs, folder / "tls")
        print("ok: a certificate over TLS")
        port, at = free_port(), free_port()
        base = f"http://localhost:{port}"
        secret = folder / "pages" / "openid.secret"
        secret.write_text("s3cret of the service\n")
        openid = (
            '\n[operators.openid]\nname = "Example login"\nclient_id = "mdoc-service"\nclient_secret = "../openid.secret"\n'
            f'issuer = "http://127.0.0.1:{at}"\ninternal = true\n'
        )
        service = Service(programs, folder / "pages", base, openid)
        serving = service.serve(port)
        browser = Browser(folder / "profile")
        try:
            pages = Pages(browser, base, pictures)
            local_account(pages, service)
            print("ok: an invitation, a password and a code")
            passkey(pages)
            print("ok: a passkey")
            if shutil.which("npm") and provider(pages, service, folder, at):
                print("ok: a provider of OpenID Connect")
            else:
                lacking("a provider of OpenID Connect, which needs npm and its registry")
        finally:
            browser.close()
            serving.terminate()
            serving.wait()


if __name__ == "__main__":
    os.umask(0o077)
    main()
