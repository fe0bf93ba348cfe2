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
    /// What each end knows, counted by what was given to it.
    known: [Known; 2],
    /// How each end that was not over has to end when the connection has broken.
    expected: [Option<Ending>; 2],
}

/// What an end knows.
#[derive(Default)]
struct Known {
    /// It was told of a peer.
    met: bool,
    ready: bool,
    /// It was told to end, or that the peer has.
    ended: Option<Ending>,
    /// Bytes of its own message, and those of which it was told that they have gone.
    own: usize,
    gone: usize,
    /// The bytes of each value that it was not told of yet.
    going: VecDeque<usize>,
    /// Bytes that have come of the other one's message.
    come: usize,
}

/// The bytes of a message in a value or a piece, in which GATT has a flag as well.
fn payload(action: &Action) -> usize {
    match action {
        Action::Put(_, Characteristic::State, _) => 0,
        Action::Put(_, _, value) => value.len() - 1,
        Action::Send(_, bytes) => bytes.len(),
        _ => unreachable!("nothing else goes over the air"),
    }
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
            known: Default::default(),
            expected: [None; 2],
        }
    }

    /// How an end has to end if it hears nothing any more.
    fn expected(&self, end: usize) -> Ending {
        let (known, other) = (&self.known[end], &self.known[1 - end]);
        let between = known.gone == known.own && (known.come == 0 || known.come == other.own);
        match known.ended {
            Some(ending) => ending,
            None if known.ready && between => Ending::Disconnected,
            None if known.ready => Ending::Lost,
            // A server goes on waiting, and so does a client that has not found it.
            None if known.met && self.ends[end].setup.gatt == Gatt::Client => Ending::LostBeforeStart,
            None => Ending::NoPeer,
        }
    }

    /// Notes what an end is about to be told.
    fn tells(&mut self, end: usize, input: &Input) {
        let known = &mut self.known[end];
        match input {
            Input::Connected { .. } | Input::Channel { .. } => known.met = true,
            Input::Sent => known.gone += known.going.pop_front().unwrap(),
            Input::Value {
                characteristic: Characteristic::State,
                value,
                ..
            } if value == &[State::End.byte()] => {
                known.ended.get_or_insert(Ending::ByPeer);
            }
            Input::Value {
                characteristic: Characteristic::State,
                ..
            } => {}
            Input::Value { value, .. } => known.come += value.len() - 1,
            Input::Bytes { bytes, .. } => known.come += bytes.len(),
            _ => {}
        }
    }

    /// Gives an end a message to send.
    fn send(&mut self, end: usize, message: &[u8]) {
        let length = if self.ends[end].bearer() == Bearer::L2cap {
            4
        } else {
            0
        };
        self.known[end].own = length + message.len();
        self.ends[end].send(message.to_vec(), millis(self.now));
    }

    /// Something arrives at an end, some time later and never before what was on its way already.
    fn arrives(&mut self, end: usize, input: Input) {
        let soon = self.now + self.rng.next_u64() % (self.delay + 1);
        let after = self.inputs[end].back().map_or(0, |(at, _)| *at);
        self.inputs[end].push_back((soon.max(after), input));
    }

    fn act(&mut self, end: usize, action: Action, mtu: u16) {
        let (other, me) = (1 - end, PEERS[end]);
        if matches!(action, Action::Put(..) | Action::Send(..)) {
            self.known[end].going.push_back(payload(&action));
        }
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
            Action::Ready => self.known[end].ready = true,
            Action::Advertise | Action::StopAdvertising | Action::Note(_) => {}
        }
    }

    /// Until both are over. The reader asks, the mdoc answers, the reader ends.
    fn run(&mut self, mtu: u16, request: &[u8], response: &[u8]) {
        let (mut asked, mut answered, mut ended) = (false, false, false);
        for _ in 0..1_000_000 {
            for end in 0..2 {
                while let Some(action) = self.ends[end].poll() {
                    if action == Action::Ready && end == 1 && !core::mem::replace(&mut asked, true) {
                        self.send(1, request);
                    }
                    self.act(end, action, mtu);
                }
            }
            if !self.received[0].is_empty() && !core::mem::replace(&mut answered, true) {
                self.send(0, response);
                continue;
            }
            if !self.received[1].is_empty() && !core::mem::replace(&mut ended, true) {
                self.ends[1].end(millis(self.now));
                self.known[1].ended = Some(Ending::ByUs);
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
                        if self.endings[end].is_none() {
                            self.expected[end] = Some(self.expected(end));
                        }
                        self.inputs[end].clear();
                        let peer = PEERS[1 - end];
                        self.inputs[end].push_back((self.now, Input::Lost { peer }));
                    }
                    continue;
                }
                1 => {
                    let (_, input) = self.inputs[end].pop_front().unwrap();
                    self.tells(end, &input);
                    input
                }
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
        // Over a channel there is no End.
        let ending = if bearer == Bearer::L2cap { Ending::Disconnected } else { Ending::ByPeer };
        prop_assert_eq!(air.endings[0], Some(ending));
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
        // Whoever was over before it broke has ended as if it did not.
        let bearer = air.ends.each_ref().map(Link::bearer);
        let well = [if bearer[0] == Bearer::L2cap { Ending::Disconnected } else { Ending::ByPeer }, Ending::ByUs];
        for (end, well) in well.into_iter().enumerate() {
            prop_assert_eq!(air.endings[end], Some(air.expected[end].unwrap_or(well)), "{}", end);
        }
    }
}
