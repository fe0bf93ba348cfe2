#!/usr/bin/env python3
"""A wallet and a reader on another Bluetooth stack (bumble) and other code (mdoc.py), to try our programs with.

    peer.py selftest [MATERIAL]
    peer.py play --air SOCKET --share DIR --material DIR SCENARIO …

selftest compares mdoc.py with Annex D; with MATERIAL, the wallet and the reader then talk to each other.
play takes part in the scenarios, one after the other, over an air that QEMU shares at SOCKET. A scenario is
ROLE/MODE or ROLE/MODE/FAULT: the ROLE of this peer is wallet or reader, the MODE central-client, peripheral-server
or (wallet) both; the FAULT is one of

    decline      the wallet releases nothing
    vanish       disconnects in the middle of its message
    tampered     one bit of what it encrypted is wrong
    wrong-ident  the reader is not the one that the wallet looks for
    blunt        disconnects without a word where the session should be terminated
    l2cap        goes over a channel of L2CAP, whose number is in the engagement if the wallet is the server
    l2cap-asked  the same, and the number is nowhere but in the characteristic (as server, in two bytes)
    l2cap-lie    the wallet's engagement has the number of a channel that is not there
    hasty        says Start before it has subscribed, and twice; its fragments are small
    short-uuid   the wallet's service has a UUID of 16 bits, and is advertised by those alone

The engagement of scenario N is the file N.engagement in DIR, which a wallet writes and a reader waits for; how it went
for the peer is N.peer, a line that begins with `ok` or `failed`; and N.ours says that our program has ended.
MATERIAL is a folder made by tests/ble/material.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import secrets
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cbor2
from bumble.device import Device
from bumble.hci import Address
from bumble.host import Host
from bumble.transport.common import AsyncPipeSink
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

import annex_d
import mdoc
from air import Air, pace
from gatt import Link, Listener, Over, join, serve

LIMIT = 60.0  # seconds for a scenario
NAMESPACE = "org.iso.18013.5.1"
WANTED = {NAMESPACE: {"family_name": False, "age_over_18": False, "portrait": False}}


# The two roles


@dataclass
class Material:
    """What tests/ble/material made."""

    document: bytes
    device_key: ec.EllipticCurvePrivateKey
    portrait: bytes
    issuers: list[x509.Certificate]
    readers: list[x509.Certificate]
    reader: mdoc.Reader

    @classmethod
    def load(cls, folder: Path) -> Material:
        def key(name: str) -> ec.EllipticCurvePrivateKey:
            loaded = load_pem_private_key((folder / name).read_bytes(), None)
            assert isinstance(loaded, ec.EllipticCurvePrivateKey)
            return loaded

        def certificate(name: str) -> x509.Certificate:
            return x509.load_pem_x509_certificate((folder / name).read_bytes())

        return cls(
            (folder / "licence.mdoc").read_bytes(),
            key("device.key.pem"),
            (folder / "portrait.jpg").read_bytes(),
            [certificate("iaca.pem")],
            [certificate("reader-ca.pem")],
            mdoc.Reader(certificate("reader.pem"), key("reader.key.pem")),
        )


@dataclass
class Scenario:
    role: str
    mode: str
    fault: str

    @classmethod
    def parse(cls, text: str) -> Scenario:
        role, mode, fault = [*text.split("/"), "", ""][:3]
        if role not in ("wallet", "reader") or mode not in ("central-client", "peripheral-server", "both"):
            raise argparse.ArgumentTypeError(f"{text} is no scenario")
        return cls(role, mode, fault)

    @property
    def l2cap(self) -> bool:
        return self.fault in ("l2cap", "l2cap-asked")

    def listener(self, device: Device) -> Listener | None:
        return Listener(device, self.fault == "l2cap-asked") if self.l2cap else None


@contextlib.asynccontextmanager
async def device(air: Air, number: int) -> AsyncIterator[Device]:
    """A device of its own in the air, with an address that nobody has seen before, as a phone's."""
    controller = air.controller(number)
    made = Device(address=Address.generate_static_address(), host=Host(controller, AsyncPipeSink(controller)))
    await made.power_on()
    try:
        yield made
    finally:
        for connection in list(made.connections.values()):
            with contextlib.suppress(Exception):
                await asyncio.wait_for(connection.disconnect(), 2)
        await made.power_off()
        air.remove_controller(controller)


async def wallet(
    device: Device, scenario: Scenario, material: Material, announce: Callable[[mdoc.Engagement], None]
) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    peripheral = uuid.uuid4() if scenario.mode in ("peripheral-server", "both") else None
    if scenario.fault == "short-uuid":
        # In none of the ranges that are given away.
        peripheral = uuid.UUID(f"{secrets.randbelow(0x4000) + 0x6000:08x}-0000-1000-8000-00805f9b34fb")
    central = uuid.uuid4() if scenario.mode in ("central-client", "both") else None
    listener = scenario.listener(device) if peripheral else None
    psm = listener.psm if listener and scenario.fault == "l2cap" else None
    psm = 0xF1 if scenario.fault == "l2cap-lie" else psm
    engagement = mdoc.Engagement.make(key.public_key(), peripheral, central, psm)
    announce(engagement)
    link = await first(
        peripheral and serve(device, peripheral, True, None, scenario.fault == "hasty", listener),
        central and join(device, central, True, engagement.ident(), scenario.fault == "hasty", scenario.l2cap),
    )
    session, request = mdoc.accept(engagement, key, await link.receive())
    asked = cbor2.loads(request)["docRequests"][0]
    name = mdoc.check_reader(asked, session.transcript, material.readers) if "readerAuth" in asked else "nobody"
    response, released = mdoc.device_response(request, material.document, material.device_key, session.transcript)
    if scenario.fault == "decline":
        response, released = mdoc.nothing_released(mdoc.MDL), []
    await link.send(spoilt(session.message(response), scenario), scenario.fault == "vanish")
    if scenario.fault == "blunt":
        await asyncio.sleep(1)
        await link.disconnect()
        return f"{len(released)} elements to {name}"
    status = None
    try:
        _, status = session.open(await link.receive())
        ended = f"status {status}"
    except Over as over:
        ended = str(over)
    if scenario.fault == "tampered":
        if status != mdoc.DECRYPTION:
            raise mdoc.Refused(f"the reader did not complain of what it could not decrypt: {ended}")
    elif status not in (None, mdoc.TERMINATION):
        raise mdoc.Refused(f"the reader complains: {ended}")
    await link.finish()
    return f"{len(released)} elements to {name}; {ended}"


async def reader(device: Device, scenario: Scenario, material: Material, engagement: mdoc.Engagement) -> str:
    session, private, key_bytes = mdoc.begin(engagement)
    items = mdoc.items_request(mdoc.MDL, WANTED)
    request = mdoc.device_request(items, mdoc.authenticate(material.reader, session.transcript, items))
    hello = mdoc.establishment(session, key_bytes, request)
    hasty, ident = scenario.fault == "hasty", engagement.ident()
    if scenario.fault == "wrong-ident":
        ident = bytes(16)
    if scenario.mode == "central-client" and engagement.central_client:
        link = await serve(device, engagement.central_client, False, ident, hasty, scenario.listener(device))
    elif scenario.mode == "peripheral-server" and engagement.peripheral_server:
        known = engagement.psm if scenario.fault == "l2cap" else None
        link = await join(device, engagement.peripheral_server, False, None, hasty, scenario.l2cap, known)
    else:
        raise mdoc.Refused(f"the holder does not offer {scenario.mode}")
    await link.send(spoilt(hello, scenario), scenario.fault == "vanish")
    start = time.monotonic()
    response, status = session.open(await link.receive())
    took = time.monotonic() - start
    if scenario.fault == "tampered":
        await link.finish()
        if status != mdoc.DECRYPTION or response is not None:
            raise mdoc.Refused(f"the holder did not complain of what it could not decrypt: status {status}")
        return f"status {status}"
    if response is None:
        raise mdoc.Refused(f"no response but status {status}")
    if scenario.fault == "blunt":
        await link.disconnect()
    elif status is None:
        await link.send(session.message(None, mdoc.TERMINATION))
        await link.finish()
    else:
        await link.finish()
    elements = mdoc.check_response(response, WANTED, session.transcript, material.issuers, private)
    if set(elements) != set(WANTED[NAMESPACE]):
        raise mdoc.Refused(f"released were {', '.join(elements)}")
    if elements["portrait"] != material.portrait:
        raise mdoc.Refused("the portrait is another one than was issued")
    return f"{len(response)} bytes in {took:.2f} s; the portrait is that which was issued"


def spoilt(message: bytes, scenario: Scenario) -> bytes:
    """With fault tampered, a message whose ciphertext has one bit flipped."""
    if scenario.fault != "tampered":
        return message
    members = cbor2.loads(message)
    data = bytearray(members["data"])
    data[len(data) // 2] ^= 1
    return cbor2.dumps({**members, "data": bytes(data)})


async def first(*ways: Any) -> Link:
    """The link of whichever way is there first; the others are given up."""
    tasks = [asyncio.ensure_future(way) for way in ways if way]
    done, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for other in others:
        other.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    return done.pop().result()


# A fault of the peer's own that ends the link is what was wanted.
def expected(scenario: Scenario, error: Exception) -> bool:
    return (scenario.fault in ("vanish", "wrong-ident") and isinstance(error, Over)) or (
        # A holder that finds another reader's Ident never says Start, so that the reader waits in vain.
        scenario.fault == "wrong-ident" and isinstance(error, TimeoutError)
    )


async def outcome(scenario: Scenario, play: Any, limit: float = LIMIT, over: Path | None = None) -> str:
    """What came of it, in `limit` seconds; and in some seconds when the file `over` is there."""
    task = asyncio.ensure_future(play)
    try:
        end = time.monotonic() + limit
        while not task.done() and time.monotonic() < end:
            await asyncio.wait([task], timeout=0.2)
            if over is not None and over.exists():
                end, over = min(end, time.monotonic() + 6), None
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
            raise TimeoutError("nothing more came of it")
        return "ok " + task.result()
    except Exception as error:
        word = "ok" if expected(scenario, error) else "failed"
        return f"{word} {type(error).__name__}: {error}"


async def play(options: argparse.Namespace) -> int:
    pace()
    air, material, failed = Air(), Material.load(options.material), 0
    await air.attach(1, options.air)
    print("air: up", flush=True)
    for number, scenario in enumerate(options.scenario, 1):
        path = options.share / f"{number}.engagement"
        async with device(air, 0x80 + number) as own:
            if scenario.role == "wallet":
                # Whoever waits for the file sees it whole or not at all.
                part = path.with_suffix(".part")

                def announce(engagement: mdoc.Engagement, part: Path = part, path: Path = path) -> None:
                    part.write_text(engagement.uri() + "\n")
                    os.replace(part, path)

                played = wallet(own, scenario, material, announce)
            else:
                while not path.exists():
                    await asyncio.sleep(0.05)
                played = reader(own, scenario, material, mdoc.Engagement.from_uri(path.read_text()))
            limit = 15 if scenario.fault == "wrong-ident" else LIMIT
            said = await outcome(scenario, played, limit, options.share / f"{number}.ours")
        failed += not said.startswith("ok")
        print(f"peer: {scenario.role}/{scenario.mode} {scenario.fault}: {said}", flush=True)
        (options.share / f"{number}.peer").write_text(said + "\n")
    # The guest needs its controller until it is turned off.
    await asyncio.Event().wait()
    return failed


async def selftest(material: Path | None) -> int:
    results = list(annex_d.checks())
    if material is not None:
        for mode in ("central-client", "peripheral-server"):
            for fault in ("", "hasty", "l2cap"):
                results.append((f"wallet and reader, {mode} {fault}", await loopback(mode, fault, material)))
    for title, good in results:
        if not good:
            print(f"peer: not as it should be: {title}")
    bad = sum(not good for _, good in results)
    print(f"peer: {len(results) - bad} passed, {bad} failed")
    return bad


async def loopback(mode: str, fault: str, folder: Path) -> bool:
    """The peer's wallet and the peer's reader in one air."""
    air, material = Air(), Material.load(folder)
    engaged: asyncio.Future[mdoc.Engagement] = asyncio.get_running_loop().create_future()
    async with device(air, 1) as one, device(air, 2) as two:

        async def read() -> str:
            # L2CAP takes both.
            over = fault if fault == "l2cap" else ""
            return await reader(two, Scenario("reader", mode, over), material, await engaged)

        held = wallet(one, Scenario("wallet", mode, fault), material, engaged.set_result)
        said = [outcome(Scenario("wallet", mode, fault), held), outcome(Scenario("reader", mode, ""), read())]
        lines = await asyncio.gather(*said)
    print(json.dumps({"mode": mode, "fault": fault, "wallet": lines[0], "reader": lines[1]}))
    return all(line.startswith("ok") for line in lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    test = commands.add_parser("selftest")
    test.add_argument("material", type=Path, nargs="?")
    part = commands.add_parser("play")
    part.add_argument("--air", type=Path, required=True)
    part.add_argument("--share", type=Path, required=True)
    part.add_argument("--material", type=Path, required=True)
    part.add_argument("scenario", type=Scenario.parse, nargs="+")
    options = parser.parse_args()
    return min(asyncio.run(play(options) if options.command == "play" else selftest(options.material)), 1)


if __name__ == "__main__":
    sys.exit(main())
