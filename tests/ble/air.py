#!/usr/bin/env python3
"""The air between Bluetooth controllers that are only software (bumble's), on the host.

    air.py --socket PATH [--socket PATH …] [--cut-after BYTES]

Each socket is that of a controller, which speaks HCI (H4) with whoever connects: QEMU joins it to a virtual console
of the guest, where `btattach` makes an adapter of it. The air lasts until the program is ended.

--cut-after takes the range away: whenever that many bytes have gone over the air, every connection is lost at both
ends, as if the supervision timeout had passed.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from pathlib import Path

from bumble.controller import Connection, Controller
from bumble.core import PhysicalTransport
from bumble.hci import Address, HCI_AclDataPacket, HCI_ErrorCode, LeFeatureMask
from bumble.link import LocalLink
from bumble.transport import open_transport
from bumble.transport.common import Transport

# Bytes a second, for each connection and direction: about what a good connection of Bluetooth 5 has. And seconds
# between two values of ATT, however small: Linux has room for 92 that were not fetched, and an emulated guest is slow.
RATE, GAP = 80_000, 0.0065
CONTINUED = 1  # a packet that is not the first of its kind


class Air(LocalLink):
    """A link that behaves like radio where bumble 0.0.236 does not."""

    def __init__(self, cut_after: int | None = None) -> None:
        super().__init__()
        self.cut_after = cut_after
        self.carried = 0
        self.kept: list[Transport] = []

    def send_acl_data(
        self, sender_controller: Controller, destination_address: Address, transport: PhysicalTransport, data: bytes
    ) -> None:
        # bumble sends under the sender's random address even on a connection that was made with its public one, as
        # BlueZ's are; the receiver knows no such connection.
        connection = sender_controller.le_connections.get(destination_address)
        receiver = self.find_le_controller(destination_address) if connection else None
        if transport != PhysicalTransport.LE or connection is None or receiver is None:
            return
        asyncio.get_running_loop().call_soon(receiver.on_link_acl_data, connection.self_address, transport, data)
        self.carried += len(data)
        if self.cut_after is not None and self.carried >= self.cut_after:
            self.cut()

    def cut(self) -> None:
        """Every connection is lost, and neither end is told by the other."""
        print(f"air: cut after {self.carried} bytes", flush=True)
        self.carried = 0
        for controller in list(self.controllers):
            for connection in list(controller.le_connections.values()):
                controller.on_le_disconnected(connection, HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)

    def controller(self, number: int) -> Controller:
        controller = Controller(f"C{number}", link=self, public_address=f"00:1B:DC:00:00:{number:02X}")
        controller.le_acl_data_packet_length = 251
        # With either of these Linux waits 20 s for the enhanced event of a connection, and bumble sends the plain one.
        controller.le_features &= ~(LeFeatureMask.LL_PRIVACY | LeFeatureMask.LE_EXTENDED_ADVERTISING)
        return controller

    async def attach(self, number: int, path: Path) -> None:
        """A controller for whoever connects to the socket."""
        transport = await open_transport(f"unix-server:{path}")
        controller = self.controller(number)
        transport.source.set_packet_sink(controller)
        controller.host = transport.sink
        self.kept.append(transport)


def pace() -> None:
    """Gives all air a speed: a packet is delivered, and reported as sent, when its time on air is over.

    Without it bumble pours everything into the guest at once, and Linux drops what the buffer of the ATT socket cannot
    hold; no radio is fast enough for that.
    """
    at_once: Callable[[Connection, HCI_AclDataPacket], None] = Connection.on_hci_acl_data_packet
    free_at: dict[int, float] = {}

    def later(connection: Connection, packet: HCI_AclDataPacket) -> None:
        loop = asyncio.get_running_loop()
        start = max(free_at.get(id(connection), 0.0), loop.time())
        free_at[id(connection)] = start + max((len(packet.data) + 10) / RATE, 0 if packet.pb_flag == CONTINUED else GAP)
        loop.call_at(free_at[id(connection)], at_once, connection, packet)

    Connection.on_hci_acl_data_packet = later  # type: ignore[assignment, method-assign]


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--socket", type=Path, action="append", required=True)
    parser.add_argument("--cut-after", type=int)
    options = parser.parse_args()
    pace()
    air = Air(options.cut_after)
    for number, path in enumerate(options.socket, 1):
        await air.attach(number, path)
    print("air: up", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
