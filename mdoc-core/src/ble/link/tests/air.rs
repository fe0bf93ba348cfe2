//! Both ends of a link, and the air between them.

use std::collections::VecDeque;

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use super::*;

/// Two ends and the air between them, with a clock of its own.
struct Air {
    ends: [Link; 2],
    l2cap: [bool; 2],
    inputs: [VecDeque<(u64, Input)>; 2],
    received: [Vec<Vec<u8>>; 2],
    endings: [Option<Ending>; 2],
    now: u64,
    rng: ChaCha20Rng,
    delay: u64,
    /// When the connection breaks.
    breaks: Option<u64>,
}

const PEERS: [Peer; 2] = [MDOC, READER];

impl Air {
    /// `l2cap` says who of the mdoc and the reader would use it.
    fn new(mdoc: Gatt, l2cap: [bool; 2], seed: u64, delay: u64, breaks: Option<u64>) -> Self {
        let reader = match mdoc {
            Gatt::Client => Gatt::Server,
            Gatt::Server => Gatt::Client,
        };
        let link = |role, gatt, l2cap| {
            let setup = setup(role, gatt);
            Link::new(Setup { l2cap, ..setup }, Duration::ZERO)
        };
        Self {
            ends: [
                link(Role::Mdoc, mdoc, l2cap[0]),
                link(Role::Reader, reader, l2cap[1]),
            ],
            l2cap,
            inputs: Default::default(),
            received: Default::default(),
            endings: [None; 2],
            now: 0,
            rng: ChaCha20Rng::seed_from_u64(seed),
            delay,
            breaks,
        }
    }

    /// Something arrives at an end, some time later and never before what was on its way already.
    fn arrives(&mut self, end: usize, input: Input) {
        let soon = self.now + self.rng.next_u64() % (self.delay + 1);
        let after = self.inputs[end].back().map_or(0, |(at, _)| *at);
        self.inputs[end].push_back((soon.max(after), input));
    }

    fn act(&mut self, end: usize, action: Action, mtu: u16) {
        let (other, me) = (1 - end, PEERS[end]);
        match action {
            Action::Seek => {
                for (end, peer) in [(end, PEERS[other]), (other, me)] {
                    self.arrives(end, connected(peer, mtu));
                }
            }
            Action::ReadIdent => self.arrives(end, Input::Ident(Some(IDENT.to_vec()))),
            Action::OpenChannel if self.l2cap[other] => {
                self.arrives(other, Input::Channel { peer: me });
                self.arrives(end, Input::Channel { peer: PEERS[other] });
            }
            Action::OpenChannel => self.arrives(end, Input::NoChannel),
            Action::Send(to, bytes) => {
                assert_eq!((to, self.l2cap), (PEERS[other], [true; 2]));
                for bytes in bytes.chunks(1 + usize::from(mtu)) {
                    let bytes = bytes.to_vec();
                    self.arrives(other, Input::Bytes { peer: me, bytes });
                }
                self.arrives(end, Input::Sent);
            }
            Action::Subscribe(characteristic) => {
                self.arrives(other, subscribed(me, characteristic));
                self.arrives(end, subscribed(PEERS[other], characteristic));
            }
            Action::Put(to, characteristic, bytes) => {
                assert_eq!(to, PEERS[other]);
                assert!(bytes.len() <= usize::from(mtu) - 3 && bytes.len() <= 512);
                self.arrives(other, value(me, characteristic, &bytes));
                self.arrives(end, Input::Sent);
            }
            Action::Disconnect(_) => self.arrives(other, Input::Lost { peer: me }),
            Action::Message(message) => self.received[end].push(message),
            Action::Over(ending) => self.endings[end] = Some(ending),
            Action::Advertise | Action::StopAdvertising | Action::Ready | Action::Note(_) => {}
        }
    }

    /// Until both are over. The reader asks, the mdoc answers, the reader ends.
    fn run(&mut self, mtu: u16, request: &[u8], response: &[u8]) {
        let (mut asked, mut answered, mut ended) = (false, false, false);
        for _ in 0..1_000_000 {
            for end in 0..2 {
                while let Some(action) = self.ends[end].poll() {
                    if action == Action::Ready && end == 1 && !core::mem::replace(&mut asked, true) {
                        self.ends[1].send(request.to_vec(), millis(self.now));
                    }
                    self.act(end, action, mtu);
                }
            }
            if !self.received[0].is_empty() && !core::mem::replace(&mut answered, true) {
                self.ends[0].send(response.to_vec(), millis(self.now));
                continue;
            }
            if !self.received[1].is_empty() && !core::mem::replace(&mut ended, true) {
                self.ends[1].end(millis(self.now));
                continue;
            }
            if self.endings.iter().all(Option::is_some) {
                return;
            }
            let deadlines = (0..2).filter_map(|end| {
                let deadline = u64::try_from(self.ends[end].deadline()?.as_millis()).unwrap();
                Some((deadline.max(self.now), 2, end))
            });
            let arriving = (0..2).filter_map(|end| Some((self.inputs[end].front()?.0, 1, end)));
            let breaking = self.breaks.map(|at| (at.max(self.now), 0, 0));
            let (at, kind, end) = deadlines.chain(arriving).chain(breaking).min().unwrap();
            self.now = at;
            let input = match kind {
                0 => {
                    self.breaks = None;
                    for end in 0..2 {
                        self.inputs[end].clear();
                        let peer = PEERS[1 - end];
                        self.inputs[end].push_back((self.now, Input::Lost { peer }));
                    }
                    continue;
                }
                1 => self.inputs[end].pop_front().unwrap().1,
                _ => Input::Tick,
            };
            self.ends[end].handle(input, millis(self.now));
        }
        panic!("it does not end: {:?} at {}", self.endings, self.now);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn whatever_the_mtu_and_the_delay_both_ends_get_what_was_sent_and_end_well(
        seed in any::<u64>(),
        mtu in 23_u16..600,
        delay in 0_u64..300,
        mdoc_is_server in any::<bool>(),
        l2cap in any::<[bool; 2]>(),
        size in 1_usize..5_000,
    ) {
        let gatt = if mdoc_is_server { Gatt::Server } else { Gatt::Client };
        let mut air = Air::new(gatt, l2cap, seed, delay, None);
        let (request, response) = (vec![0x17; size / 9 + 1], vec![0x18; size]);
        air.run(mtu, &request, &response);
        prop_assert_eq!(&air.received[0], &[request]);
        prop_assert_eq!(&air.received[1], &[response]);
        prop_assert_eq!(air.endings[1], Some(Ending::ByUs));
        let bearer = if l2cap == [true; 2] { Bearer::L2cap } else { Bearer::Gatt };
        prop_assert!(air.ends.iter().all(|end| end.bearer() == bearer));
        let ending = air.endings[0].unwrap();
        prop_assert!(matches!(ending, Ending::ByPeer | Ending::Disconnected), "{:?}", ending);
    }

    #[test]
    fn wherever_the_connection_breaks_both_ends_say_so_and_none_gets_a_part(
        seed in any::<u64>(),
        mtu in 23_u16..200,
        delay in 0_u64..50,
        mdoc_is_server in any::<bool>(),
        l2cap in any::<[bool; 2]>(),
        breaks in 0_u64..3_000,
    ) {
        let gatt = if mdoc_is_server { Gatt::Server } else { Gatt::Client };
        let mut air = Air::new(gatt, l2cap, seed, delay, Some(breaks));
        // No beginning of these is a whole item.
        let long = |byte: u8, len: u16| [&[0x59][..], &len.to_be_bytes(), &vec![byte; len.into()]].concat();
        let (request, response) = (long(1, 300), long(2, 2_000));
        air.run(mtu, &request, &response);
        for (received, sent) in air.received.iter().zip([&request, &response]) {
            prop_assert!(received.is_empty() || received == core::slice::from_ref(sent));
        }
    }
}
