//! Over a channel of L2CAP: who is asked for one, who is bound to it, and what is done without.

use super::*;

const STATE: Characteristic = Characteristic::State;

fn end(role: Role, gatt: Gatt) -> End {
    let setup = Setup {
        l2cap: true,
        ..setup(role, gatt)
    };
    let mut end = End(Link::new(setup, Duration::ZERO));
    end.actions();
    end
}

const fn channel(peer: Peer) -> Input {
    Input::Channel { peer }
}

fn bytes(peer: Peer, bytes: &[u8]) -> Input {
    Input::Bytes {
        peer,
        bytes: bytes.to_vec(),
    }
}

fn sends(peer: Peer, bytes: &[u8]) -> Action {
    Action::Send(peer, bytes.to_vec())
}

/// A reader that knew the number.
fn open_reader() -> End {
    let mut end = end(Role::Reader, Gatt::Client);
    assert_eq!(end.after(channel(MDOC), 1), [Action::Ready]);
    assert_eq!(end.0.bearer(), Bearer::L2cap);
    end
}

/// An mdoc that was spoken to.
fn open_mdoc() -> End {
    let mut end = end(Role::Mdoc, Gatt::Server);
    assert_eq!(end.after(channel(READER), 1), []);
    assert_eq!(
        end.after(bytes(READER, &[0, 0, 0, 1, 5]), 2),
        [Action::StopAdvertising, Action::Ready, Action::Message(vec![5])]
    );
    end
}

#[test]
fn a_client_asks_for_a_channel_once_it_knows_whom_it_has_found() {
    let mut reader = end(Role::Reader, Gatt::Client);
    assert_eq!(reader.after(connected(MDOC, 517), 1), [Action::OpenChannel]);
    assert_eq!(reader.after(channel(MDOC), 2), [Action::Ready]);
    let mut mdoc = end(Role::Mdoc, Gatt::Client);
    assert_eq!(mdoc.after(connected(READER, 517), 1), [Action::ReadIdent]);
    // It has not seen yet that this is its reader.
    assert_eq!(mdoc.after(channel(READER), 2), []);
    assert_eq!(
        mdoc.after(Input::Ident(Some(IDENT.to_vec())), 3),
        [Action::OpenChannel]
    );
    assert_eq!(mdoc.after(channel(READER), 4), [Action::Ready]);
    let mut mdoc = end(Role::Mdoc, Gatt::Client);
    assert_eq!(
        mdoc.after(channel(READER), 1),
        [Action::Disconnect(READER)],
        "nobody can know the number of a reader's channel before"
    );
}

#[test]
fn a_client_without_a_channel_goes_on_with_gatt_and_has_the_time_for_it() {
    let mut reader = end(Role::Reader, Gatt::Client);
    reader.after(connected(MDOC, 23), 1);
    assert_eq!(reader.after(Input::NoChannel, 19_000), [Action::Subscribe(STATE)]);
    assert_eq!(reader.after(Input::Tick, 38_999), []);
    assert_eq!(
        reader.after(subscribed(MDOC, STATE), 38_999),
        [Action::Subscribe(Characteristic::Server2Client)]
    );
    reader.after(subscribed(MDOC, Characteristic::Server2Client), 38_999);
    assert_eq!(reader.after(Input::Sent, 38_999), [Action::Ready]);
    assert_eq!(reader.0.bearer(), Bearer::Gatt);
    // One that neither opens it nor says so is not waited for for ever.
    let mut reader = end(Role::Reader, Gatt::Client);
    reader.after(connected(MDOC, 23), 1);
    assert_eq!(
        reader.after(Input::Tick, 20_001),
        [Action::Disconnect(MDOC), Action::Over(Ending::NotSetUp)]
    );
    let mut reader = end(Role::Reader, Gatt::Client);
    reader.after(connected(MDOC, 23), 1);
    assert_eq!(
        reader.after(Input::Lost { peer: MDOC }, 2),
        [Action::Over(Ending::LostBeforeStart)]
    );
}

#[test]
fn without_the_option_there_is_no_channel() {
    let mut reader = End::new(Role::Reader, Gatt::Client);
    reader.actions();
    assert_eq!(reader.after(connected(MDOC, 23), 1), [Action::Subscribe(STATE)]);
    let mut mdoc = End::new(Role::Mdoc, Gatt::Server);
    mdoc.actions();
    assert_eq!(mdoc.after(channel(READER), 1), [Action::Disconnect(READER)]);
    assert_eq!(mdoc.after(bytes(READER, &[0, 0, 0, 1, 5]), 2), []);
}

#[test]
fn an_mdoc_is_bound_to_who_speaks_and_a_reader_to_who_opens() {
    let other = Peer(7);
    let mut mdoc = end(Role::Mdoc, Gatt::Server);
    assert_eq!(mdoc.after(channel(other), 1), []);
    assert_eq!(mdoc.after(channel(READER), 1), []);
    assert_eq!(mdoc.after(bytes(Peer(8), &[0, 0, 0, 1, 5]), 2), [], "it has none");
    assert_eq!(
        mdoc.after(bytes(READER, &[0, 0]), 3),
        [Action::StopAdvertising, Action::Ready]
    );
    assert_eq!(mdoc.after(bytes(other, &[0, 0, 0, 1, 6]), 4), []);
    assert_eq!(
        mdoc.after(bytes(READER, &[0, 1, 5]), 5),
        [Action::Message(vec![5])]
    );
    assert_eq!(mdoc.after(channel(Peer(9)), 6), [Action::Disconnect(Peer(9))]);

    let mut reader = end(Role::Reader, Gatt::Server);
    reader.0.send(vec![5], Duration::ZERO);
    assert_eq!(
        reader.after(channel(MDOC), 1),
        [
            Action::StopAdvertising,
            Action::Ready,
            sends(MDOC, &[0, 0, 0, 1, 5])
        ]
    );
}

#[test]
fn a_channel_that_is_closed_before_anybody_spoke_leaves_the_mdoc_waiting_for_gatt() {
    let mut mdoc = end(Role::Mdoc, Gatt::Server);
    mdoc.after(channel(READER), 1);
    assert_eq!(mdoc.after(Input::Lost { peer: READER }, 2), []);
    mdoc.after(connected(READER, 23), 3);
    mdoc.after(subscribed(READER, Characteristic::Server2Client), 4);
    assert_eq!(
        mdoc.after(value(READER, STATE, &[1]), 5),
        [Action::StopAdvertising, Action::Ready]
    );
    assert_eq!(mdoc.0.bearer(), Bearer::Gatt);
}

#[test]
fn messages_have_their_length_in_front_and_go_one_piece_at_a_time() {
    let mut mdoc = open_mdoc();
    mdoc.0.send(vec![7; 5_000], millis(3));
    mdoc.0.send(vec![8], millis(3));
    let whole = [&[0, 0, 0x13, 0x88][..], &[7; 5_000]].concat();
    assert_eq!(mdoc.actions(), [sends(READER, &whole[..4_096])]);
    assert_eq!(mdoc.after(Input::Sent, 4), [sends(READER, &whole[4_096..])]);
    assert_eq!(mdoc.after(Input::Sent, 5), [sends(READER, &[0, 0, 0, 1, 8])]);
    mdoc.0.end(millis(6));
    assert_eq!(mdoc.actions(), [], "it is still on its way");
    assert_eq!(mdoc.after(Input::Sent, 7), [], "there is no State to be said");
    assert_eq!(
        mdoc.after(Input::Tick, 207),
        [Action::Disconnect(READER), Action::Over(Ending::ByUs)]
    );
}

#[test]
fn an_empty_message_and_the_end_of_gatt_end_it() {
    let over = [Action::Disconnect(MDOC), Action::Over(Ending::ByPeer)];
    for input in [bytes(MDOC, &[0, 0, 0, 0, 1]), value(MDOC, STATE, &[2])] {
        assert_eq!(open_reader().after(input, 3), over, "the client disconnects");
    }
    // Within a message it has broken off, whether that is its own or ours.
    let broken_off = [Action::Disconnect(MDOC), Action::Over(Ending::Lost)];
    let mut reader = open_reader();
    reader.after(bytes(MDOC, &[0, 0, 0, 9, 1]), 2);
    assert_eq!(reader.after(value(MDOC, STATE, &[2]), 3), broken_off);
    let mut reader = open_reader();
    reader.0.send(vec![5], millis(2));
    reader.actions();
    assert_eq!(reader.after(bytes(MDOC, &[0, 0, 0, 0]), 3), broken_off);
    let mut mdoc = open_mdoc();
    let last = [0, 0, 0, 1, 6, 0, 0, 0, 0];
    assert_eq!(mdoc.after(bytes(READER, &last), 3), [Action::Message(vec![6])]);
    assert_eq!(mdoc.after(bytes(READER, &[0, 0, 0, 1, 7]), 4), []);
    assert_eq!(
        mdoc.after(Input::Lost { peer: READER }, 5),
        [Action::Over(Ending::ByPeer)]
    );
    let mut reader = open_reader();
    let fragment = value(MDOC, Characteristic::Server2Client, &[0, 5]);
    assert_eq!(
        reader.after(fragment, 3),
        [],
        "messages come over the channel alone"
    );
}

#[test]
fn a_channel_that_breaks_or_stalls_or_says_nonsense_ends_it() {
    for (came, ending) in [
        (&[][..], Ending::Disconnected),
        (&[0], Ending::Lost),
        (&[0, 0, 0, 9, 1, 2], Ending::Lost),
    ] {
        let mut reader = open_reader();
        assert_eq!(reader.after(bytes(MDOC, came), 2), []);
        assert_eq!(
            reader.after(Input::Lost { peer: MDOC }, 3),
            [Action::Over(ending)],
            "{came:?}"
        );
    }
    let mut reader = open_reader();
    reader.0.send(vec![5], millis(2));
    reader.actions();
    assert_eq!(
        reader.after(Input::Lost { peer: MDOC }, 3),
        [Action::Over(Ending::Lost)]
    );
    let mut reader = open_reader();
    reader.after(bytes(MDOC, &[0, 0, 0, 9, 1]), 1_000);
    assert_eq!(reader.0.deadline(), Some(millis(11_000)));
    assert_eq!(
        reader.after(Input::Tick, 11_000),
        [Action::Disconnect(MDOC), Action::Over(Ending::Idle)]
    );
    let mut reader = open_reader();
    let nonsense = bytes(MDOC, &[0xa2, 0x64, 0x64, 0x61]);
    assert_eq!(
        reader.after(nonsense, 2),
        [
            Action::Disconnect(MDOC),
            Action::Over(Ending::Frame(FrameError::TooLarge(Limits::DEFAULT.message)))
        ]
    );
}
