#!/usr/bin/env python3
"""The kiosk's screens: a terminal, and its page in a real browser, used by the keyboard alone.

    tests/browser/kiosk.py PROGRAMS [PICTURES]

PROGRAMS is the folder of the three programs, built. A licence is issued, wallets are shown through a folder instead of
a radio, and their codes are typed into the terminal and the page as a scanner types them. With PICTURES, what the page
looked like is written there. The page needs chromium and chromedriver (Debian: chromium, chromium-driver); exit status 77
if they are not there.
"""

from __future__ import annotations

import base64
import codecs
import json
import os
import pty
import re
import select
import shutil
import signal
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
CLEAR = "\x1b[H\x1b[2J\x1b[3J"
ASKED = ("--preset", "age-over-18", "--trust", "demo/iaca.pem", "--radio", "air")


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
            # Nothing but this machine: pages of others ask for fonts, and wait for them.
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
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

    def asked(self) -> None:
        """Waits until the wallet has asked its holder: a reader is there."""
        assert self.shown.stdout is not None
        said = ""
        while "[y/N]" not in said:
            more = self.shown.stdout.read(1)
            assert more, said
            said += more


class Terminal:
    """A program in a terminal of sixteen million colours; what it has written there, and is typed into it."""

    def __init__(self, stage: Stage, *command: str) -> None:
        self.text = ""
        # A character may come in two parts.
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.pid, self.end = pty.fork()
        if self.pid == 0:
            os.chdir(stage.folder)
            environment = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
            os.execve(stage.programs / command[0], list(command), environment)

    def read(self) -> str:
        while select.select([self.end], [], [], 0)[0]:
            try:
                self.text += self.decoder.decode(os.read(self.end, 65536))
            except OSError:  # it has ended
                break
        return self.text

    def expect(self, words: str, seconds: float = 20) -> str:
        """Waits for words; gives what came up to them, and forgets it."""
        wait(lambda: words in self.read(), f"{words!r} in the terminal", seconds)
        before, self.text = self.text.split(words, 1)
        return before

    def type(self, text: str) -> None:
        os.write(self.end, text.encode())

    def wait(self) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def wait(true: Callable[[], Any], what: str, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            sys.exit(f"kiosk.py: {what} did not come in {seconds:.0f} s")
        time.sleep(0.05)


def terminal(stage: Stage) -> None:
    """Who was read is erased from the terminal, with what has scrolled off it."""
    kiosk = Terminal(stage, "mdoc-verifier", "kiosk", *ASKED, "--show-for", "3s")
    kiosk.expect("ready: scan a code")
    # Its time is over.
    kiosk.type(stage.wallet("adult.mdoc", "--yes") + "\n")
    shown = kiosk.expect("1 accepted")
    assert "ACCEPTED" in shown and "\x1b[1;37;42m" in shown and "over 18" in shown, shown
    assert shown.count("▀") > 200, "no portrait"
    assert "\ufffd" not in shown and CLEAR not in shown.split("▀", 1)[1], "erased before it was seen"
    assert "▀" not in kiosk.expect(CLEAR)
    kiosk.expect("ready: scan a code")
    # The next code comes, and it is broken off; then Esc.
    kiosk.type(stage.wallet("minor.mdoc", "--yes") + "\n")
    assert "NOT ACCEPTED" in kiosk.expect("1 not accepted")
    kiosk.type(stage.wallet("adult.mdoc") + "\n")
    kiosk.expect(CLEAR)
    kiosk.expect("reading")
    stage.asked()
    kiosk.type("\x1b\n")
    kiosk.expect("broken off")
    stage.shown.wait(20)
    kiosk.type(stage.wallet("adult.mdoc", "--yes") + "\n")
    kiosk.expect("2 accepted")
    kiosk.type("\x1b\n")
    kiosk.expect(CLEAR)
    # It is ended while somebody is shown.
    kiosk.type(stage.wallet("adult.mdoc", "--yes") + "\n")
    kiosk.expect("3 accepted")
    kiosk.type("\x03")
    kiosk.expect(CLEAR)
    kiosk.expect("3 accepted, 1 not accepted, 0 could not tell")
    assert kiosk.wait() == 0

    read = Terminal(stage, "mdoc-verifier", "read", "--engagement", "-", *ASKED)
    read.type(stage.wallet("adult.mdoc", "--yes") + "\n")
    shown = read.expect("read in mdoc")
    assert shown.count("▀") > 200 and "\ufffd" not in shown, "read draws no portrait"
    assert read.wait() == 0


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    programs = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="kiosk-") as name:
        terminal(Stage(programs, Path(name)))
    print("kiosk.py: the terminal shows and forgets")
    missing = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    if missing:
        print(f"kiosk.py: NOT DONE: {' and '.join(missing)} missing (Debian: chromium, chromium-driver)", file=sys.stderr)
        sys.exit(77)
    pictures = Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory(prefix="kiosk-") as name:
        folder = Path(name)
        stage = Stage(programs, folder)
        kiosk, address = serve(stage, "60s")
        browser = Browser(folder / "profile")
        try:
            use(browser, stage, address, pictures)
            log = [json.loads(line)["verdict"] for line in (folder / "kiosk.log").read_text().splitlines()]
            assert log == ["accepted", "not-accepted", "could-not-tell", "could-not-tell"], log
            forget(browser, stage, address, kiosk)
        finally:
            browser.close()
            kiosk.kill()
            kiosk.wait()
    print("kiosk.py: the page did what it should, by the keyboard alone")


def serve(stage: Stage, show_for: str) -> tuple[subprocess.Popen[str], str]:
    """A kiosk with a page, and its address."""
    page = ("--web", "127.0.0.1:0", "--timeout", "15s", "--show-for", show_for, "--log", "kiosk.log")
    kiosk = stage.start("mdoc-verifier", "kiosk", *ASKED, *page)
    assert kiosk.stderr is not None
    return kiosk, next(m[0] for line in kiosk.stderr if (m := re.search(r"http://\S+/", line)))


def forget(browser: Browser, stage: Stage, address: str, kiosk: subprocess.Popen[str]) -> None:
    """Whatever becomes of the kiosk, nobody stays on the page."""

    def by(id: str, what: str) -> Any:
        return browser.script(f"document.getElementById('{id}').{what}")

    def shown() -> bool:
        return by("headline", "textContent") == "ACCEPTED" and by("portrait", "naturalWidth") > 0

    def nobody() -> bool:
        empty = all(by(list, "children.length") == 0 for list in ("facts", "reasons"))
        return empty and by("portrait", "hidden") and by("portrait", "getAttribute('src')") is None

    browser.type(stage.wallet("adult.mdoc", "--yes") + ENTER)
    wait(shown, "a result")
    assert not nobody()
    kiosk.kill()
    wait(lambda: by("headline", "textContent") == "The kiosk is not running", "that it is not running")
    assert nobody(), "somebody stays on the page of a kiosk that was killed"

    frozen, address = serve(stage, "10s")
    try:
        browser.go(address)
        wait(lambda: by("headline", "textContent") == "Show your code", "the page of another kiosk")
        browser.type(stage.wallet("adult.mdoc", "--yes") + ENTER)
        wait(shown, "a result")
        frozen.send_signal(signal.SIGSTOP)
        wait(nobody, "the end of the time of a kiosk that stands still")
        assert by("headline", "textContent") == "Show your code"
    finally:
        frozen.kill()
        frozen.wait()


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
