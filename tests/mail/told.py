"""People are told of their documents by a real mail server: see `run`."""

import argparse
import email
import email.policy
import json
import logging
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

LOGIN = (b"service", b"correct horse")
# How long a node has a message, and some.
LEASE = 125


class Kept:
    """What arrived."""

    def __init__(self, slowly):
        self.mails = []
        self.slowly = slowly

    async def handle_DATA(self, server, session, envelope):
        import asyncio

        # It has the mail now, and takes its time to say so.
        self.mails.append((envelope.rcpt_tos, envelope.content, session.ssl is not None))
        if self.slowly:
            await asyncio.sleep(random.random() * 0.02)
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=(data.login, data.password) == LOGIN)


class AfterStartTls(Controller):
    def factory(self):
        return SMTP(
            self.handler,
            tls_context=self.tls,
            require_starttls=True,
            auth_required=True,
            authenticator=authenticate,
            hostname="localhost",
        )


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def mail_server(folder, kind, slowly=False):
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(folder / "mail.pem", folder / "mail.key")
    kept, port = Kept(slowly), free_port()
    if kind == "tls":
        controller = Controller(
            kept,
            hostname="localhost",
            port=port,
            ssl_context=tls,
            authenticator=authenticate,
            auth_required=True,
            auth_require_tls=False,
        )
    else:
        controller = AfterStartTls(kept, hostname="localhost", port=port)
        controller.tls = tls
    controller.start()
    return controller, kept, port


def certificate(folder, name):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        + ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        + ["-addext", "basicConstraints=critical,CA:FALSE"]
        + ["-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem"],
        check=True,
        capture_output=True,
    )


class Service:
    """A service with people who can be told something."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None
        subprocess.run([program, "init", folder, "--external", self.url], check=True, capture_output=True)
        self.config = folder / "service.toml"
        self.plain = self.config.read_text()
        password = folder / "password"
        password.write_bytes(LOGIN[1] + b"\n")
        password.chmod(0o600)
        profile = folder / "club.toml"
        profile.write_text(
            'display_name = "Société <i>Été</i>"\nformat = "loyalty-card"\nissue_over_existing = true\n'
            'notification_scheme = "auth_code_via_sms"\n'
        )
        self.run("person", "add", "--logon", "ada", "--given-name", "Ada", "--family-name", "Lovelace", "--approved",
                 "--email", "ada@example.org", "--mobile-phone", "+441632960123")
        self.run("profile", "set", "club", str(profile))

    def set(self, port, security, trust):
        table = {"from": "Office <office@id.example.org>", "host": "localhost", "port": port, "security": security,
                 "user": LOGIN[0].decode(), "password": "password", "trust": str(trust)}
        lines = [f"{key} = {json.dumps(value)}" for key, value in table.items()]
        self.config.write_text(
            self.plain + "\n[notifications.mail]\n" + "\n".join(lines)
            + '\n[notifications.sms]\ndomain = "sms.example.org"\n'
        )

    def run(self, *arguments):
        done = subprocess.run([self.program, *arguments, "--config", self.config], capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def request(self):
        self.run("request", "--person", "ada", "--profile", "club")

    def messages(self):
        return json.loads(self.run("message", "list", "--limit", "500", "--json"))

    def start(self):
        listen = f"127.0.0.1:{self.port}"
        log = open(self.folder / "serve.log", "ab")
        self.process = subprocess.Popen(
            [self.program, "serve", "--listen", listen, "--config", self.config], stdout=log, stderr=log
        )

    def end(self, how):
        self.process.send_signal(how)
        self.process.wait()


def until(what, holds, seconds=20.0):
    start = time.monotonic()
    while not holds():
        if time.monotonic() - start > seconds:
            raise SystemExit(f"not in {seconds:.0f} s: {what}")
        time.sleep(0.1)


def check(held, what):
    if not held:
        raise SystemExit(f"does not hold: {what}")


def read(content):
    return email.message_from_bytes(content, policy=email.policy.default)


def delivered(service, folder, kind):
    controller, kept, port = mail_server(folder, "tls" if kind == "tls" else "starttls")
    service.set(port, kind, folder / "mail.pem")
    service.request()
    service.start()
    until(f"{kind}: two messages", lambda: len(kept.mails) == 2)
    until(f"{kind}: noted", lambda: [one["stage"] for one in service.messages()][:2] == ["sent", "sent"])
    service.end(signal.SIGTERM)
    controller.stop()
    # The other server speaks nothing else.
    check(kind == "tls" or all(secure for _, _, secure in kept.mails), f"{kind}: all of it goes by TLS")
    (address,) = [read(content) for to, content, _ in kept.mails if to == ["ada@example.org"]]
    (code,) = [read(content) for to, content, _ in kept.mails if to == ["441632960123@sms.example.org"]]
    check(address["subject"] == "Société <i>Été</i>: ready for your wallet", "the subject is read as it was written")
    check(address["auto-submitted"] == "auto-generated", "answering machines leave it alone")
    text = address.get_body(("plain",)).get_content()
    html = address.get_body(("html",)).get_content()
    link = re.search(r"http://\S+/offer/\S+", text)
    check(link, "the text has the address")
    check("<i>" not in html and "&lt;i&gt;" in html, "what is put into HTML is escaped")
    digits = re.search(r"\b\d{8}\b", code.get_content())
    check(digits and digits.group() not in text + html, "the code goes by another way than the address")
    print(f"ok  {kind}: address by mail, code by message, both read by Python's reader of mail")


def distrusted(service, folder):
    controller, kept, port = mail_server(folder, "tls")
    service.set(port, "tls", folder / "other.pem")
    service.request()
    service.start()
    until("a server that is not trusted", lambda: any(one["why"] for one in service.messages()))
    service.end(signal.SIGTERM)
    service.set(port, "tls", folder / "mail.pem")
    (service.folder / "password").write_bytes(b"wrong")
    tried = {one["id"]: one["tries"] for one in service.messages()}
    service.start()
    until("a wrong password", lambda: any(one["tries"] > tried[one["id"]] for one in service.messages()), 40)
    service.end(signal.SIGTERM)
    (service.folder / "password").write_bytes(LOGIN[1])
    controller.stop()
    check(not kept.mails, "nothing goes to a server that is not trusted, or that does not know who sends")
    print("ok  a certificate that is not trusted, and a wrong password: nothing goes out, and it is tried again")


def killed(service, folder, kills, seed):
    print(f"    {kills} kills, seed {seed}")
    random.seed(seed)
    controller, kept, port = mail_server(folder, "tls", slowly=True)
    service.set(port, "tls", folder / "mail.pem")
    for _ in range(kills):
        service.start()
        service.request()
        time.sleep(random.random() * 0.3)
        service.end(signal.SIGKILL)
    time.sleep(LEASE)
    service.start()
    waits = ("waiting", "taken", "handing-over")
    until("everything was sent or given up", lambda: not any(one["stage"] in waits for one in service.messages()), 120)
    service.end(signal.SIGTERM)
    controller.stop()
    arrived = Counter(read(content)["message-id"].strip("<>").split("@")[0] for _, content, _ in kept.mails)
    check(all(count == 1 for count in arrived.values()), "nothing arrives twice")
    stages = Counter(one["stage"] for one in service.messages())
    for one in service.messages():
        if one["stage"] == "sent":
            check(arrived[one["id"]] == 1, f"what is noted as sent arrived: {one['id']}")
        else:
            check(one["stage"] == "uncertain", f"nothing is lost: {one}")
    unsure = [one["id"] for one in service.messages() if one["stage"] == "uncertain"]
    print(f"ok  {kills} kills: {stages['sent']} sent, each arrived once; {len(unsure)} uncertain, of which "
          f"{sum(arrived[id] for id in unsure)} had arrived; nothing lost, nothing twice")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mdoc-mail-"))
    warnings.simplefilter("ignore")
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    os.environ["MDOC_LOG"] = "warning"
    try:
        for name in ["mail", "other"]:
            certificate(folder, name)
        service = Service(arguments.program, folder / "one")
        delivered(service, folder, "tls")
        delivered(service, folder, "starttls")
        distrusted(service, folder)
        if arguments.kills:
            killed(Service(arguments.program, folder / "two"), folder, arguments.kills, arguments.seed)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
