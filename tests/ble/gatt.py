"""One end of ISO/IEC 18013-5 over Bluetooth Low Energy, on bumble: GATT or a channel of L2CAP; both ends."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from bumble.core import UUID, AdvertisingData
from bumble.device import Connection, Device, Peer
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.hci import Address
from bumble.l2cap import LeCreditBasedChannel, LeCreditBasedChannelSpec

import mdoc

START, END = b"\x01", b"\x02"
MORE, LAST = b"\x01", b"\x00"
# BlueZ up to 5.68 drops writes of 511 and 512 bytes; fragments of 510 are as good. So no case meets what is dropped.
WRITE_LIMIT, NOTIFY_LIMIT = 510, 512
SMALL = 100  # a hasty peer's
PIECE = 2000  # of what goes over a channel
BASE = uuid.UUID("00000000-0000-1000-8000-00805F9B34FB").int  # of UUIDs of 16 bits


class Over(Exception):
    """The other side has ended the link, or it is lost."""


# GATT: the same two characteristics either way, and what is the server's alone


def characteristics(holder_serves: bool) -> tuple[UUID, UUID, UUID, UUID, UUID]:
    """State, Client2Server, Server2Client, Ident, L2CAP."""
    numbers = (1, 2, 3, 8, 0x0A) if holder_serves else (5, 6, 7, 8, 0x0B)
    state, up, down, ident, psm = (UUID(f"{number:08X}-A123-48CE-896B-4C76973373E6") for number in numbers)
    return state, up, down, ident, psm


class Link:
    """One transaction's connection, seen from one end: whole messages go in and out."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[bytes | Over] = asyncio.Queue()
        self.partial = b""
        self.connection: Connection | None = None
        self.gone = asyncio.Event()
        self.write: Callable[[bytes], Any]
        self.signal_end: Callable[[], Any]
        self.room = 20
        self.client = False
        self.channel: LeCreditBasedChannel | None = None

    def over(self, channel: LeCreditBasedChannel) -> None:
        """Everything goes over this channel: each message with its length in front, four bytes in network order."""
        self.channel, self.room = channel, PIECE
        channel.sink = self.on_bytes
        channel.on(LeCreditBasedChannel.EVENT_CLOSE, lambda: self.messages.put_nowait(Over("the channel is closed")))

        async def write(piece: bytes) -> None:
            channel.write(piece)
            await channel.drain()

        # The session's status says when it is over.
        async def nothing() -> None: ...

        self.write, self.signal_end = write, nothing

    def on_bytes(self, value: bytes) -> None:
        self.partial += value
        while len(self.partial) >= 4:
            end = 4 + int.from_bytes(self.partial[:4], "big")
            if len(self.partial) < end:
                return
            self.messages.put_nowait(self.partial[4:end])
            self.partial = self.partial[end:]

    def bind(self, connection: Connection) -> None:
        self.connection = connection
        connection.on(Connection.EVENT_DISCONNECTION, self.on_disconnection)

    def on_disconnection(self, reason: int) -> None:
        self.gone.set()
        self.messages.put_nowait(Over(f"disconnected ({reason:#04x})"))

    def on_fragment(self, value: bytes) -> None:
        if value[:1] not in (MORE, LAST):
            self.messages.put_nowait(Over(f"a fragment begins with {value[:1].hex()}"))
            return
        self.partial += value[1:]
        if value[:1] == LAST:
            self.messages.put_nowait(self.partial)
            self.partial = b""

    def on_state(self, value: bytes) -> None:
        if value == END:
            self.messages.put_nowait(Over("State says end"))

    async def receive(self) -> bytes:
        message = await self.messages.get()
        if isinstance(message, Over):
            raise message
        return message

    async def send(self, message: bytes, vanish: bool = False) -> None:
        parts = list(fragments(message, self.room) if self.channel is None else pieces(message, self.room))
        for number, fragment in enumerate(parts):
            if vanish and number == len(parts) // 2:
                # What was written before is on its way while this is decided.
                await asyncio.sleep(0.2)
                await self.disconnect()
                raise Over("vanished, as it should")
            await self.write(fragment)

    async def disconnect(self) -> None:
        if self.connection is not None and not self.gone.is_set():
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self.connection.disconnect(), 5)

    async def finish(self) -> None:
        """State says end; then the client disconnects, and the server waits for it."""
        if not self.gone.is_set():
            await self.signal_end()
        if self.client:
            await asyncio.sleep(0.2)
        else:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.gone.wait(), 5)
        await self.disconnect()


def fragments(message: bytes, room: int) -> Iterator[bytes]:
    body = room - 1
    for at in range(0, max(len(message), 1), body):
        yield (LAST if at + body >= len(message) else MORE) + message[at : at + body]


def pieces(message: bytes, room: int) -> Iterator[bytes]:
    framed = len(message).to_bytes(4, "big") + message
    for at in range(0, len(framed), room):
        yield framed[at : at + room]


class Listener:
    """Where a server takes the channel of the first client."""

    def __init__(self, device: Device, short: bool) -> None:
        self.link, self.opened = Link(), asyncio.Event()
        self.psm: int = device.create_l2cap_server(LeCreditBasedChannelSpec(), self.on_channel).psm
        # As two families of wallets write it.
        self.value = self.psm.to_bytes(2, "little") if short else self.psm.to_bytes(4, "big")

    def on_channel(self, channel: LeCreditBasedChannel) -> None:
        if self.opened.is_set():
            return
        self.link.bind(channel.connection)
        self.link.over(channel)
        self.opened.set()


async def serve(
    device: Device,
    service: uuid.UUID,
    holder: bool,
    ident: bytes | None,
    hasty: bool,
    listener: Listener | None = None,
) -> Link:
    """The server's side, until a client has said Start and subscribed, or opened the channel. Ident is the reader's."""
    link, started, subscribed = Link(), asyncio.Event(), asyncio.Event()
    state_uuid, up_uuid, down_uuid, ident_uuid, psm_uuid = characteristics(holder)

    def on_state(connection: Connection, value: bytes) -> None:
        if value == START and link.connection is None:
            link.bind(connection)
            started.set()
        link.on_state(value)

    properties, writable = Characteristic.Properties, Characteristic.WRITEABLE
    state = Characteristic[bytes](
        state_uuid,
        properties.NOTIFY | properties.WRITE_WITHOUT_RESPONSE,
        writable,
        CharacteristicValue(write=on_state),
    )
    up = Characteristic[bytes](
        up_uuid,
        properties.WRITE_WITHOUT_RESPONSE,
        writable,
        CharacteristicValue(write=lambda _, value: link.on_fragment(value)),
    )
    down = Characteristic[bytes](down_uuid, properties.NOTIFY, Characteristic.READABLE, b"")

    def on_subscription(_: Connection, notify: bool, __: bool) -> None:
        if notify:
            subscribed.set()

    down.on(Characteristic.EVENT_SUBSCRIPTION, on_subscription)
    offered = [state, up, down]
    if ident is not None:
        offered.append(Characteristic[bytes](ident_uuid, properties.READ, Characteristic.READABLE, ident))
    if listener is not None:
        offered.append(Characteristic[bytes](psm_uuid, properties.READ, Characteristic.READABLE, listener.value))
    types = AdvertisingData.Type
    name, kind = UUID(str(service)), types.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS
    if service.int & ~(0xFFFF << 96) == BASE:
        # As iOS does with one that can be said in 16 bits.
        name, kind = UUID.from_16_bits(service.int >> 96), types.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS
    device.add_service(Service(name, offered))
    advertised = AdvertisingData([(types.FLAGS, b"\x06"), (kind, name.to_bytes())])
    await device.start_advertising(advertising_data=bytes(advertised), auto_restart=False)
    if listener is not None:
        await listener.opened.wait()
        return listener.link
    await started.wait()
    await subscribed.wait()
    connection = link.connection
    assert connection is not None
    link.room = min(connection.att_mtu - 3, SMALL if hasty else NOTIFY_LIMIT)
    link.write = lambda fragment: device.notify_subscriber(connection, down, fragment)
    link.signal_end = lambda: device.notify_subscriber(connection, state, END)
    return link


async def join(
    device: Device,
    service: uuid.UUID,
    holder: bool,
    ident: bytes | None,
    hasty: bool,
    l2cap: bool = False,
    known: int | None = None,
) -> Link:
    """The client's side, up to Start, or up to the channel whose number is `known` or asked for.

    `ident` is what the server has to be known by, if anything.
    """
    link, wanted = Link(), UUID(str(service))
    link.client = True
    found: asyncio.Future[Address] = asyncio.get_running_loop().create_future()

    def on_advertisement(advertisement: Any) -> None:
        services = advertisement.data.get(AdvertisingData.Type.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS) or []
        if wanted in services and not found.done():
            found.set_result(advertisement.address)

    device.on(Device.EVENT_ADVERTISEMENT, on_advertisement)
    await device.start_scanning(filter_duplicates=False)
    try:
        address = await found
    finally:
        await device.stop_scanning()
    connection = await device.connect(address)
    link.bind(connection)
    if known is not None:
        link.over(await connection.create_l2cap_channel(LeCreditBasedChannelSpec(psm=known)))
        return link
    peer = Peer(connection)
    # The most that is of use, as phones ask for.
    mtu = await peer.request_mtu(517)
    await peer.discover_services()
    await peer.discover_characteristics()
    state_uuid, up_uuid, down_uuid, ident_uuid, psm_uuid = characteristics(not holder)
    state, up, down = (peer.get_characteristics_by_uuid(one)[0] for one in (state_uuid, up_uuid, down_uuid))
    if ident is not None:
        got = await peer.get_characteristics_by_uuid(ident_uuid)[0].read_value()
        if got != ident:
            await link.disconnect()
            raise mdoc.Refused("Ident is another reader's")
    if l2cap:
        value = await peer.get_characteristics_by_uuid(psm_uuid)[0].read_value()
        if len(value) != 4:
            raise mdoc.Refused(f"the number of the channel has {len(value)} bytes")
        psm = int.from_bytes(value, "big")
        link.over(await connection.create_l2cap_channel(LeCreditBasedChannelSpec(psm=psm)))
        return link
    link.room = min(mtu - 3, SMALL if hasty else WRITE_LIMIT)
    link.write = lambda fragment: up.write_value(fragment, with_response=False)
    link.signal_end = lambda: state.write_value(END, with_response=False)
    if hasty:
        await state.write_value(START, with_response=False)
    await state.subscribe(link.on_state)
    await down.subscribe(link.on_fragment)
    await state.write_value(START, with_response=False)
    return link
