mod air;
mod channel;
mod end;

use super::super::frame::FrameError;
use super::*;

const IDENT: [u8; 16] = [9; 16];
const MDOC: Peer = Peer(1);
const READER: Peer = Peer(2);

fn setup(role: Role, gatt: Gatt) -> Setup {
    Setup {
        role,
        gatt,
        ident: IDENT,
        l2cap: false,
        timeouts: Timeouts::default(),
        limits: Limits::DEFAULT,
    }
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn connected(peer: Peer, mtu: u16) -> Input {
    Input::Connected {
        peer,
        room: Room::of_mtu(mtu),
    }
}

fn value(peer: Peer, characteristic: Characteristic, value: &[u8]) -> Input {
    Input::Value {
        peer,
        characteristic,
        value: value.to_vec(),
    }
}

const fn subscribed(peer: Peer, characteristic: Characteristic) -> Input {
    Input::Subscribed { peer, characteristic }
}

/// A link with everything that it asked for so far.
struct End(Link);

impl End {
    fn new(role: Role, gatt: Gatt) -> Self {
        Self(Link::new(setup(role, gatt), Duration::ZERO))
    }

    fn after(&mut self, input: Input, at: u64) -> Vec<Action> {
        self.0.handle(input, millis(at));
        self.actions()
    }

    fn actions(&mut self) -> Vec<Action> {
        core::iter::from_fn(|| self.0.poll()).collect()
    }
}

fn put(peer: Peer, characteristic: Characteristic, value: &[u8]) -> Action {
    Action::Put(peer, characteristic, value.to_vec())
}

/// A reader as client that has just become ready.
fn open_client() -> End {
    let mut end = End::new(Role::Reader, Gatt::Client);
    assert_eq!(end.actions(), [Action::Seek]);
    assert_eq!(
        end.after(connected(MDOC, 23), 1),
        [Action::Subscribe(Characteristic::State)]
    );
    assert_eq!(
        end.after(subscribed(MDOC, Characteristic::State), 2),
        [Action::Subscribe(Characteristic::Server2Client)]
    );
    assert_eq!(
        end.after(subscribed(MDOC, Characteristic::Server2Client), 3),
        [put(MDOC, Characteristic::State, &[1])]
    );
    assert_eq!(end.after(Input::Sent, 4), [Action::Ready]);
    end
}

/// A server that is bound to [`READER`] and ready.
fn open_server() -> End {
    let mut end = End::new(Role::Mdoc, Gatt::Server);
    assert_eq!(end.actions(), [Action::Advertise]);
    assert_eq!(end.after(connected(READER, 23), 1), []);
    assert_eq!(end.after(subscribed(READER, Characteristic::State), 2), []);
    assert_eq!(
        end.after(subscribed(READER, Characteristic::Server2Client), 3),
        []
    );
    assert_eq!(
        end.after(value(READER, Characteristic::State, &[1]), 4),
        [Action::StopAdvertising, Action::Ready]
    );
    end
}

#[test]
fn a_client_subscribes_before_it_starts_and_sends_one_value_at_a_time() {
    let mut end = open_client();
    end.0.send(vec![7; 25], millis(5));
    let first = [&[1][..], &[7; 19]].concat();
    assert_eq!(end.actions(), [put(MDOC, Characteristic::Client2Server, &first)]);
    end.0.send(vec![8], millis(6));
    assert_eq!(end.actions(), [], "the first value is still on its way");
    let rest = [&[0][..], &[7; 6]].concat();
    assert_eq!(
        end.after(Input::Sent, 7),
        [put(MDOC, Characteristic::Client2Server, &rest)]
    );
    assert_eq!(
        end.after(Input::Sent, 8),
        [put(MDOC, Characteristic::Client2Server, &[0, 8])]
    );
    assert_eq!(end.after(Input::Sent, 9), []);
}

#[test]
fn trap_60_an_mdoc_starts_only_with_its_own_reader() {
    let begun = || {
        let mut end = End::new(Role::Mdoc, Gatt::Client);
        assert_eq!(end.actions(), [Action::Seek]);
        assert_eq!(end.after(connected(READER, 517), 1), [Action::ReadIdent]);
        end
    };
    let good = begun().after(Input::Ident(Some(IDENT.to_vec())), 2);
    assert_eq!(good, [Action::Subscribe(Characteristic::State)]);
    for ident in [None, Some(vec![]), Some(vec![8; 16]), Some(vec![9; 17])] {
        let bad = begun().after(Input::Ident(ident), 2);
        assert_eq!(
            bad,
            [Action::Disconnect(READER), Action::Over(Ending::WrongIdent)]
        );
    }
}

#[test]
fn trap_58_a_server_waits_for_start_and_for_the_subscription_in_any_order() {
    let mut end = End::new(Role::Reader, Gatt::Server);
    end.actions();
    end.0.send(vec![5], Duration::ZERO);
    assert_eq!(end.after(connected(MDOC, 23), 1), []);
    assert_eq!(
        end.after(value(MDOC, Characteristic::State, &[1]), 2),
        [Action::StopAdvertising]
    );
    assert_eq!(end.after(subscribed(MDOC, Characteristic::State), 3), []);
    assert_eq!(
        end.after(subscribed(MDOC, Characteristic::Server2Client), 4),
        [Action::Ready, put(MDOC, Characteristic::Server2Client, &[0, 5])]
    );
    // A second Start is nothing, and nobody else has a say.
    assert_eq!(end.after(value(MDOC, Characteristic::State, &[1]), 5), []);
    assert_eq!(end.after(value(Peer(77), Characteristic::State, &[2]), 6), []);
    assert_eq!(
        end.after(value(Peer(77), Characteristic::Client2Server, &[0, 1]), 7),
        []
    );
    assert_eq!(end.after(Input::Lost { peer: Peer(77) }, 8), []);
}

#[test]
fn a_message_before_start_is_taken_and_noted() {
    let mut end = End::new(Role::Mdoc, Gatt::Server);
    end.actions();
    end.after(connected(READER, 185), 1);
    end.after(subscribed(READER, Characteristic::Server2Client), 2);
    assert_eq!(
        end.after(value(READER, Characteristic::Client2Server, &[0, 0xa0]), 3),
        [
            Action::Note(Oddity::MessageBeforeStart),
            Action::StopAdvertising,
            Action::Ready,
            Action::Message(vec![0xa0])
        ]
    );
}

#[test]
fn our_end_comes_after_everything_that_was_to_be_sent_and_before_the_disconnection() {
    let mut end = open_server();
    end.0.send(vec![6; 20], millis(10));
    end.0.end(millis(10));
    end.0.send(vec![9], millis(10));
    assert_eq!(end.actions().len(), 1);
    assert_eq!(
        end.after(Input::Sent, 11),
        [put(READER, Characteristic::Server2Client, &[0, 6])]
    );
    assert_eq!(
        end.after(Input::Sent, 12),
        [put(READER, Characteristic::State, &[2])]
    );
    assert_eq!(end.after(Input::Sent, 20), []);
    assert_eq!(end.0.deadline(), Some(millis(220)));
    assert_eq!(end.after(Input::Tick, 219), []);
    assert_eq!(
        end.after(Input::Tick, 220),
        [Action::Disconnect(READER), Action::Over(Ending::ByUs)]
    );
    assert_eq!(end.0.deadline(), None);
    assert_eq!(end.after(connected(READER, 23), 300), []);
    // If the other side is quicker.
    let mut end = open_server();
    end.0.end(millis(10));
    end.actions();
    assert_eq!(
        end.after(Input::Lost { peer: READER }, 11),
        [Action::Over(Ending::ByUs)]
    );
}

#[test]
fn a_peer_that_takes_nothing_does_not_keep_who_has_said_that_it_is_over() {
    let mut end = open_server();
    end.0.send(vec![6; 60], millis(10));
    end.0.end(millis(1000));
    end.actions();
    assert_eq!(end.0.deadline(), Some(millis(11_000)));
    // What it takes slowly puts that off; neither what it says does, nor a second wish.
    end.after(Input::Sent, 9000);
    assert_eq!(end.0.deadline(), Some(millis(19_000)));
    end.after(value(READER, Characteristic::Client2Server, &[0, 1]), 10_000);
    end.0.end(millis(10_500));
    assert_eq!(end.0.deadline(), Some(millis(19_000)));
    assert_eq!(end.after(Input::Tick, 18_999), []);
    assert_eq!(
        end.after(Input::Tick, 19_000),
        [Action::Disconnect(READER), Action::Over(Ending::Idle)]
    );
}

#[test]
fn many_that_come_and_do_nothing_put_off_the_end_of_waiting_once() {
    let mut end = End::new(Role::Mdoc, Gatt::Server);
    end.actions();
    let Timeouts { peer, setup, .. } = Timeouts::default();
    let latest = peer * 2 + setup;
    let mut at = Duration::from_secs(50);
    while at < latest {
        end.after(connected(READER, 23), u64::try_from(at.as_millis()).unwrap());
        assert!(end.0.deadline() <= Some(latest), "{:?}", end.0.deadline());
        at += Duration::from_secs(10);
    }
    let over = end.after(Input::Tick, u64::try_from(latest.as_millis()).unwrap());
    assert_eq!(over.last(), Some(&Action::Over(Ending::NotSetUp)));
}

#[test]
fn trap_56_who_disconnects_between_messages_has_ended_well() {
    let lost = |end: &mut End| end.after(Input::Lost { peer: MDOC }, 50);
    let mut end = open_client();
    assert_eq!(lost(&mut end), [Action::Over(Ending::Disconnected)]);
    let mut end = open_client();
    end.after(value(MDOC, Characteristic::Server2Client, &[1, 0x82, 1]), 10);
    assert_eq!(lost(&mut end), [Action::Over(Ending::Lost)]);
    let mut end = open_client();
    end.after(value(MDOC, Characteristic::Server2Client, &[1, 0x81, 1]), 10);
    assert_eq!(
        lost(&mut end),
        [
            Action::Note(Oddity::UnfinishedMessage),
            Action::Message(vec![0x81, 1]),
            Action::Over(Ending::Disconnected)
        ]
    );
    let mut end = open_client();
    end.0.send(vec![1; 30], millis(10));
    end.actions();
    assert_eq!(lost(&mut end), [Action::Over(Ending::Lost)]);
    let mut end = End::new(Role::Reader, Gatt::Client);
    end.actions();
    end.after(connected(MDOC, 23), 1);
    assert_eq!(lost(&mut end), [Action::Over(Ending::LostBeforeStart)]);
    // A server goes on waiting for the right one.
    let mut end = End::new(Role::Mdoc, Gatt::Server);
    end.actions();
    end.after(connected(MDOC, 23), 1);
    assert_eq!(lost(&mut end), []);
}

#[test]
fn a_message_that_forgets_its_end_is_taken_after_a_pause() {
    let mut end = open_client();
    assert_eq!(
        end.after(value(MDOC, Characteristic::Server2Client, &[1, 0x81]), 100),
        []
    );
    assert_eq!(end.0.deadline(), Some(millis(2_100)));
    assert_eq!(end.after(Input::Tick, 2_100), [], "not whole yet");
    assert_eq!(
        end.after(value(MDOC, Characteristic::Server2Client, &[1, 7]), 2_200),
        []
    );
    assert_eq!(
        end.after(Input::Tick, 4_200),
        [
            Action::Note(Oddity::UnfinishedMessage),
            Action::Message(vec![0x81, 7])
        ]
    );
}

#[test]
fn a_message_that_forgot_its_end_leaves_the_holder_all_its_time_to_decide() {
    let mut end = open_server();
    end.after(value(READER, Characteristic::Client2Server, &[1, 0x81, 7]), 100);
    assert_eq!(
        end.after(Input::Tick, 2_100),
        [
            Action::Note(Oddity::UnfinishedMessage),
            Action::Message(vec![0x81, 7])
        ]
    );
    assert_eq!(
        end.0.deadline(),
        Some(millis(302_100)),
        "not 10 s after the fragment"
    );
    assert_eq!(end.after(Input::Tick, 302_099), []);
    end.0.send(vec![9], millis(302_099));
    assert_eq!(
        end.actions(),
        [put(READER, Characteristic::Server2Client, &[0, 9])]
    );
}

/// Facts, 5.5: SPRUCE on iOS cuts at 515 bytes, flag included, where the standard has 512 at most.
#[test]
fn fragments_of_513_to_515_bytes_are_taken_and_none_of_ours_is_longer_than_512() {
    for length in 513_u16..=515 {
        let mut end = End::new(Role::Reader, Gatt::Server);
        end.actions();
        end.after(connected(MDOC, 517), 1);
        end.after(subscribed(MDOC, Characteristic::Server2Client), 2);
        end.after(value(MDOC, Characteristic::State, &[1]), 3);
        // An item of two full fragments, the second of which says that it is the last.
        let half = usize::from(length) - 1;
        let content = 2 * length - 2 - 3;
        let message = [&[0x59][..], &content.to_be_bytes(), &vec![6; content.into()]].concat();
        let mut to_us = |flag: u8, payload: &[u8], at| {
            let fragment = [&[flag][..], payload].concat();
            assert_eq!(fragment.len(), usize::from(length));
            end.after(value(MDOC, Characteristic::Client2Server, &fragment), at)
        };
        assert_eq!(to_us(1, &message[..half], 10), []);
        let whole = to_us(0, &message[half..], 11);
        assert_eq!(whole, [Action::Message(message.clone())], "{length}");
        // The same where the last one forgets to say so, as that wallet does.
        assert_eq!(to_us(1, &message[..half], 20), []);
        assert_eq!(to_us(1, &message[half..], 21), []);
        let whole = end.after(Input::Tick, 2_021);
        assert_eq!(
            whole,
            [
                Action::Note(Oddity::UnfinishedMessage),
                Action::Message(message.clone())
            ]
        );
        end.0.send(message, millis(3_000));
        let [Action::Put(_, _, fragment)] = &end.actions()[..] else {
            panic!("one fragment")
        };
        assert_eq!(fragment.len(), 512);
    }
}

#[test]
fn everything_has_an_end_in_time() {
    let at = |end: &mut End| {
        let deadline = end.0.deadline().unwrap();
        end.0.handle(Input::Tick, deadline);
        end.actions()
    };
    let mut end = End::new(Role::Reader, Gatt::Client);
    end.actions();
    assert_eq!(end.0.deadline(), Some(Timeouts::default().peer));
    assert_eq!(at(&mut end), [Action::Over(Ending::NoPeer)]);
    let mut end = End::new(Role::Reader, Gatt::Client);
    end.actions();
    end.after(connected(MDOC, 23), 5);
    end.actions();
    assert_eq!(
        at(&mut end),
        [Action::Disconnect(MDOC), Action::Over(Ending::NotSetUp)]
    );
    let mut end = End::new(Role::Mdoc, Gatt::Server);
    end.actions();
    assert_eq!(
        at(&mut end),
        [Action::StopAdvertising, Action::Over(Ending::NoPeer)]
    );
    let mut end = End::new(Role::Mdoc, Gatt::Server);
    end.actions();
    end.after(connected(READER, 23), 59_000);
    assert_eq!(
        end.0.deadline(),
        Some(millis(79_000)),
        "whoever comes late has the time it takes"
    );
    assert_eq!(
        at(&mut end),
        [Action::StopAdvertising, Action::Over(Ending::NotSetUp)]
    );
    let mut end = open_server();
    assert_eq!(end.0.deadline(), Some(millis(300_004)));
    assert_eq!(
        at(&mut end),
        [Action::Disconnect(READER), Action::Over(Ending::Idle)]
    );
    // Within a message there is less patience, and the pause after which it might be whole comes before.
    let mut end = open_server();
    end.after(value(READER, Characteristic::Client2Server, &[1, 0x82, 1]), 1_000);
    assert_eq!(end.0.deadline(), Some(millis(3_000)));
    assert_eq!(at(&mut end), []);
    assert_eq!(end.0.deadline(), Some(millis(11_000)));
    assert_eq!(
        at(&mut end),
        [Action::Disconnect(READER), Action::Over(Ending::Idle)]
    );
}

#[test]
fn what_is_no_fragment_ends_it() {
    let mut end = open_server();
    let flag = Ending::Frame(FrameError::Flag(3));
    assert_eq!(
        end.after(value(READER, Characteristic::Client2Server, &[3, 1]), 10),
        [Action::Disconnect(READER), Action::Over(flag)]
    );
    assert_eq!(flag.code(), "link.frame");
    let mut end = open_server();
    assert_eq!(
        end.after(Input::Failed, 10),
        [Action::Disconnect(READER), Action::Over(Ending::Radio)]
    );
}
