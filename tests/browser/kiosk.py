#!/usr/bin/env python3
"""The kiosk's page in a real browser, used by the keyboard alone.

    tests/browser/kiosk.py PROGRAMS [PICTURES]

PROGRAMS is the folder of the three programs, built. A licence is issued, wallets are shown through a folder instead of
a radio, and their codes are typed into the page as a scanner types them. With PICTURES, what the page looked like is
written there. Needs chromium and chromedriver (Debian: chromium, chromium-driver); exit status 77 if they are not there.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "document-formats" / "samples"
ENTER, ESCAPE = "\ue007", "\ue00c"


class Browser:
    """What is needed of WebDriver (W3C), over its own HTTP."""

    def __init__(self, folder: Path) -> None:
        self.driver = subprocess.Popen(
            ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self.driver.stdout is not None
        port = next(m[1] for line in self.driver.stdout if (m := re.search(r"successfully on port (\d+)", line)))
        self.base = f"http://127.0.0.1:{port}/session"
        arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1280,800",
            f"--user-data-dir={folder}",
        ]
        options = {"goog:chromeOptions": {"args": arguments}}
        session = self.call("POST", "", {"capabilities": {"alwaysMatch": options}})
        self.base += "/" + session["sessionId"]

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def go(self, url: str) -> None:
        self.call("POST", "/url", {"url": url})

    def script(self, code: str) -> Any:
        return self.call("POST", "/execute/sync", {"script": f"return {code}", "args": []})

    def type(self, keys: str) -> None:
        """Into whatever has the focus."""
        element = next(iter(self.call("GET", "/element/active").values()))
        self.call("POST", f"/element/{element}/value", {"text": keys})

    def picture(self) -> bytes:
        return base64.b64decode(self.call("GET", "/screenshot"))

    def close(self) -> None:
        self.call("DELETE", "")
        self.driver.terminate()
        self.driver.wait()


class Stage:
    """A folder with a licence for an adult and one for a minor."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.programs, self.folder = programs, folder
        (folder / "air").mkdir()
        self.run("mdoc-issuer", "pki", "iaca", "--country", "NL", "--name", "Example", "--out", "demo")
        self.run("mdoc-issuer", "pki", "signer", "--iaca", "demo", "--out", "demo")
        self.run("mdoc-holder", "key", "new", "--out", "demo")
        person = json.loads((SAMPLES / "partial-iso-18013-5.json").read_text())
        self.issue(person, "adult.mdoc")
        year = time.gmtime().tm_year - 16
        self.issue({**person, "birth_date": f"{year}-01-01"}, "minor.mdoc")

    def issue(self, person: dict[str, Any], out: str) -> None:
        (self.folder / "person.json").write_text(json.dumps(person))
        files = ["--data", "person.json", "--portrait", str(SAMPLES / "portrait.jpg")]
        signer = ["--signer", "demo/ds.pem", "--signer-key", "demo/ds.key.pem"]
        holder = ["--device-key", "demo/device.pub.pem", "--out", out]
        self.run("mdoc-issuer", "issue", "--format", "partial-iso-18013-5", *files, *signer, *holder)

    def run(self, program: str, *arguments: str) -> None:
        subprocess.run([self.programs / program, *arguments], cwd=self.folder, check=True, capture_output=True)

    def start(self, program: str, *arguments: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        command = [str(self.programs / program), *arguments]
        return subprocess.Popen(command, cwd=self.folder, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def wallet(self, document: str, *more: str) -> str:
        """Shows a wallet, and gives its code."""
        code = self.folder / "code.txt"
        code.unlink(missing_ok=True)
        files = ["--document", document, "--key", "demo/device.key.pem", "--engagement-out", code.name]
        self.shown = self.start("mdoc-holder", "present", *files, "--radio", "air", *more)
        wait(code.exists, "the code of the wallet")
        return code.read_text().strip()


def wait(true: Callable[[], Any], what: str, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            sys.exit(f"kiosk.py: {what} did not come in {seconds:.0f} s")
        time.sleep(0.05)


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    missing = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    if missing:
        print(f"kiosk.py: NOT DONE: {' and '.join(missing)} missing (Debian: chromium, chromium-driver)", file=sys.stderr)
        sys.exit(77)
    programs = Path(sys.argv[1]).resolve()
    pictures = Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory(prefix="kiosk-") as name:
        folder = Path(name)
        stage = Stage(programs, folder)
        kiosk = stage.start(
            "mdoc-verifier", "kiosk", "--preset", "age-over-18", "--trust", "demo/iaca.pem", "--radio", "air",
            "--web", "127.0.0.1:0", "--timeout", "3s", "--show-for", "60s", "--log", "kiosk.log",
        )  # fmt: skip
        assert kiosk.stderr is not None
        address = next(m[0] for line in kiosk.stderr if (m := re.search(r"http://\S+/", line)))
        browser = Browser(folder / "profile")
        try:
            use(browser, stage, address, pictures)
        finally:
            browser.close()
            kiosk.terminate()
            kiosk.wait()
        log = [json.loads(line)["verdict"] for line in (folder / "kiosk.log").read_text().splitlines()]
        assert log == ["accepted", "not-accepted", "could-not-tell", "could-not-tell"], log
    print("kiosk.py: the page did what it should, by the keyboard alone")


def use(browser: Browser, stage: Stage, address: str, pictures: Path | None) -> None:
    def headline() -> str:
        return browser.script("document.getElementById('headline').textContent")

    def expect(words: str, picture: str) -> None:
        wait(lambda: headline() == words, words)
        shown = "const p = document.getElementById('portrait'); return p.hidden || p.naturalWidth > 0"
        wait(lambda: browser.script(f"(() => {{ {shown} }})()"), "the picture")
        if pictures is not None:
            (pictures / f"kiosk-{picture}.png").write_bytes(browser.picture())

    def facts() -> str:
        return browser.script("document.getElementById('facts').innerText.replace(/\\s+/g, ' ')")

    browser.go(address)
    expect("Show your code", "ready")
    wait(lambda: browser.script("document.activeElement.id") == "code", "the focus")

    browser.type(stage.wallet("adult.mdoc", "--yes") + ENTER)
    expect("ACCEPTED", "accepted")
    assert facts() == "over 18 yes", facts()
    assert not browser.script("document.getElementById('portrait').hidden")

    browser.type(ESCAPE)
    expect("Show your code", "cleared")
    assert browser.script("document.getElementById('portrait').getAttribute('src')") is None
    assert browser.script("document.getElementById('accepted').textContent") == "1"

    browser.type(stage.wallet("minor.mdoc", "--yes") + ENTER)
    expect("NOT ACCEPTED", "not-accepted")
    assert facts() == "over 18 no", facts()

    browser.type(stage.wallet("adult.mdoc", "--decline") + ENTER)
    expect("COULD NOT TELL", "could-not-tell")
    browser.type("https://elsewhere.example/" + ENTER)
    wait(lambda: browser.script("document.getElementById('could-not-tell').textContent") == "2", "the count")
    reasons = browser.script("document.getElementById('reasons').innerText")
    assert "elsewhere" not in reasons, reasons
    # Nothing runs that is not of the page itself.
    assert browser.script("document.querySelectorAll('script:not([src]), [style]').length") == 0


if __name__ == "__main__":
    os.umask(0o077)
    main()
