//! What is sent to people (E9): schemes, stages, tries, and what nodes do that are gone.

use super::world::{World, code, everywhere, operator, system};
use crate::domain::id::{MessageId, PersonId};
use crate::domain::notice::{Channel, Notice};
use crate::domain::profile::{Delivery, GenerateCode, Scheme, Settings};
use crate::store::Store;
use crate::usecase::Failure;
use crate::usecase::collect::Holder;
use crate::usecase::outbox::{self, LEASE, Letter, Outcome, Rules, Stage, Taken};
use crate::usecase::request::Wish;

pub(super) fn rules() -> Rules {
    Rules {
        tries: 5,
        pause: 10,
        repeatable: Vec::new(),
    }
}

/// A service that sends, and a profile whose documents are told of by that scheme.
pub(super) async fn sending(world: &mut World, scheme: Scheme) {
    world.terms.channels = Channel::ALL.to_vec();
    world.terms.offers = "https://id.example.org/offer/".to_owned();
    world.data_of("loyalty-card").await;
    profile(world, scheme, |_| {}).await;
}

async fn profile(world: &World, scheme: Scheme, change: fn(&mut Settings)) {
    world
        .profile("licence", |s| {
            s.notification_scheme = scheme;
            s.generate_code_on_request = GenerateCode::Simple;
            s.issue_over_existing = true;
            change(s);
        })
        .await;
}

async fn take_by(world: &World, node: &'static str, rules: Rules) -> Vec<Taken> {
    let (now, terms) = (world.now, world.terms.clone());
    world
        .run(move |tx| Ok(outbox::take(tx, now, (node, 50, &rules, &terms))?))
        .await
}

pub(super) async fn take(world: &World) -> Vec<Taken> {
    take_by(world, "one", rules()).await
}

async fn hand_over(world: &World, id: &MessageId, node: &'static str) -> bool {
    let (now, id) = (world.now, id.clone());
    world
        .run(move |tx| Ok(outbox::hand_over(tx, now, (&id, node))?))
        .await
}

pub(super) async fn done(world: &World, id: &MessageId, outcome: Outcome) -> Option<Stage> {
    let (now, id) = (world.now, id.clone());
    world
        .run(move |tx| Ok(outbox::done(tx, now, (&id, "one", &outcome, &rules()))?))
        .await
}

/// The stages of all messages.
pub(super) async fn stages(world: &World) -> Vec<Stage> {
    let listed = world
        .run(|tx| outbox::list(tx, &system(), (None, None, None, 500)))
        .await;
    listed.into_iter().map(|message| message.stage).collect()
}

async fn requested(world: &mut World) {
    let clerk = world.clerk.clone();
    let made = world.request_as(&clerk, "licence").await.unwrap();
    assert!(made.offer.is_none(), "it is sent, and not shown besides");
}

/// What was taken, by what it is and how it goes.
fn kinds(taken: &[Taken]) -> Vec<(Notice, Channel)> {
    let mut kinds: Vec<_> = taken.iter().map(|one| (one.notice, one.channel)).collect();
    kinds.sort_unstable_by_key(|(notice, channel)| (notice.name(), channel.name()));
    kinds
}

#[test]
fn address_and_code_go_by_the_scheme_of_the_profile() {
    everywhere(async |mut world| {
        let (address, code) = (Notice::Address, Notice::Code);
        let (mail, sms) = (Channel::Mail, Channel::Sms);
        for (scheme, expected) in [
            (Scheme::Default, &[(address, mail), (code, mail), (code, sms)][..]),
            (Scheme::AuthCodeViaEmail, &[(address, sms), (code, mail)]),
            (Scheme::AuthCodeViaSms, &[(address, mail), (code, sms)]),
        ] {
            sending(&mut world, scheme).await;
            requested(&mut world).await;
            let taken = take(&world).await;
            assert_eq!(kinds(&taken), expected, "{scheme:?}");
            for one in &taken {
                let letter = one.letter.as_ref().unwrap();
                let to = if one.channel == mail {
                    "ada@example.org"
                } else {
                    "+441632960123"
                };
                assert_eq!(letter.to, to);
                // One without the other is worth nothing.
                assert_ne!(letter.address.is_empty(), letter.code.is_empty(), "{scheme:?}");
                assert!(letter.code.is_empty() || letter.invitation.is_empty());
            }
            for one in taken {
                done(&world, &one.id, Outcome::Sent).await;
            }
        }
    });
}

#[test]
fn what_is_sent_leads_to_the_document() {
    everywhere(async |mut world| {
        sending(&mut world, Scheme::AuthCodeViaSms).await;
        requested(&mut world).await;
        let taken = take(&world).await;
        let letter = |notice| -> &Letter {
            let one = taken.iter().find(|one| one.notice == notice).unwrap();
            one.letter.as_ref().unwrap()
        };
        let address = letter(Notice::Address).address.clone();
        let name = address.strip_prefix("https://id.example.org/offer/").unwrap();
        let secret: [u8; 32] = mdoc_openid::jose::from_base64url(name)
            .unwrap()
            .try_into()
            .unwrap();
        let offered = world.offered(&secret).await.unwrap();
        let typed = letter(Notice::Code).code.clone();
        let pre = offered.pre_authorized.to_vec();
        let begun = world
            .redeem_by(pre, Some(&typed), &Holder::default())
            .await
            .unwrap();
        world.issue(&begun, 1, b"one").await.unwrap();
    });
}

#[test]
fn the_database_does_not_tell_what_is_sent_and_to_whom() {
    everywhere(async |mut world| {
        sending(&mut world, Scheme::Default).await;
        requested(&mut world).await;
        let sealed: Vec<Vec<u8>> = world
            .run(|tx| Ok(tx.rows("SELECT sealed FROM message", &[], |row| row.get(0))?))
            .await;
        assert_eq!(sealed.len(), 3);
        for sealed in sealed {
            let text = String::from_utf8_lossy(&sealed);
            assert!(!text.contains("ada@") && !text.contains("http"), "{text}");
        }
        for one in take(&world).await {
            done(&world, &one.id, Outcome::Sent).await;
        }
        let kept: Option<i64> = world
            .run(|tx| Ok(tx.value("SELECT COUNT(*) FROM message WHERE sealed IS NOT NULL", &[])?))
            .await;
        assert_eq!(kept, Some(0));
        let told: Vec<String> = world.audited().await.iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|entry| entry.contains("message.send")));
        assert!(
            !told
                .iter()
                .any(|entry| entry.contains("ada@") || entry.contains("+4416"))
        );
    });
}

#[test]
fn what_is_approved_first_is_sent_with_the_approval() {
    everywhere(async |mut world| {
        sending(&mut world, Scheme::Default).await;
        profile(&world, Scheme::Default, |s| s.validate_issuance = true).await;
        let clerk = world.clerk.clone();
        let serial = world.request_as(&clerk, "licence").await.unwrap().document.serial;
        assert!(take(&world).await.is_empty());
        super::interface::waiting::approve(&world, &serial).await;
        assert_eq!(take(&world).await.len(), 3);
        // What was handed out before is not sent besides.
        let serial = world.request_as(&clerk, "licence").await.unwrap().document.serial;
        world.hand_out(&clerk, &serial).await.unwrap();
        super::interface::waiting::approve(&world, &serial).await;
        assert!(take(&world).await.is_empty());
        // Nobody can take any more what is over: it is sent.
        let serial = world.request_as(&clerk, "licence").await.unwrap().document.serial;
        world.hand_out(&clerk, &serial).await.unwrap();
        world.later(world.terms.offer_lifetime + 1);
        super::interface::waiting::approve(&world, &serial).await;
        assert_eq!(take(&world).await.len(), 3);
    });
}

#[test]
fn a_scheme_needs_its_channels_and_something_to_send() {
    everywhere(async |mut world| {
        sending(&mut world, Scheme::AuthCodeViaSms).await;
        world.terms.channels = vec![Channel::Mail];
        let clerk = world.clerk.clone();
        let refused = world.request_as(&clerk, "licence").await;
        assert_eq!(code(refused.map(drop)), "request.notifications-not-set-up");
        profile(&world, Scheme::None, |_| {}).await;
        let (actor, now, terms, mut rng) = (operator(&clerk), world.now, world.terms.clone(), world.rng());
        let wish = Wish {
            person: world.ada.clone(),
            profile: "licence".to_owned(),
            delivery: Some(Delivery::Notified),
            notes: None,
        };
        let refused: Result<_, Failure> = world
            .store
            .write(move |tx| crate::usecase::request::request(tx, &actor, now, (&wish, &terms), &mut rng))
            .await;
        assert!(refused.unwrap_err().to_string().contains("sends nothing"));
    });
}

#[test]
fn two_nodes_take_each_message_once() {
    everywhere(async |mut world| {
        sending(&mut world, Scheme::Default).await;
        for _ in 0..10 {
            requested(&mut world).await;
        }
        let nodes = [(); 2].map(|()| Store::open(&world.place).unwrap());
        let by = |node: &Store, name: &'static str| {
            let (node, now, terms) = (node.clone(), world.now, world.terms.clone());
            async move {
                let taken = node.write(move |tx| outbox::take(tx, now, (name, 7, &rules(), &terms)));
                taken.await.unwrap()
            }
        };
        let mut all = Vec::new();
        loop {
            let (one, other) = tokio::join!(by(&nodes[0], "one"), by(&nodes[1], "two"));
            if one.is_empty() && other.is_empty() {
                break;
            }
            all.extend(one.into_iter().chain(other).map(|taken| taken.id.to_string()));
        }
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!((count, all.len()), (30, 30));
    });
}

#[test]
fn what_a_node_left_behind_is_taken_again_only_if_it_did_not_go_out() {
    everywhere(async |mut world| {
        sending(&mut world, Scheme::Default).await;
        requested(&mut world).await;
        let taken = take(&world).await;
        assert!(hand_over(&world, &taken[0].id, "one").await);
        assert!(
            !hand_over(&world, &taken[1].id, "two").await,
            "it is another node's"
        );
        world.later(LEASE);
        assert!(take_by(&world, "two", rules()).await.is_empty());
        world.later(1);
        let again = take_by(&world, "two", rules()).await;
        assert_eq!(again.len(), 2);
        assert!(!again.iter().any(|one| one.id == taken[0].id));
        assert!(stages(&world).await.contains(&Stage::Uncertain));
        // It was not gone after all, and knows how it went.
        assert_eq!(done(&world, &taken[0].id, Outcome::Sent).await, Some(Stage::Sent));
        // What was taken from it is not its any more.
        assert!(!hand_over(&world, &taken[1].id, "one").await);
        assert_eq!(done(&world, &taken[1].id, Outcome::Sent).await, None);
    });
}

#[test]
fn a_channel_that_recognises_what_it_was_given_is_given_it_again() {
    everywhere(async |mut world| {
        sending(&mut world, Scheme::Default).await;
        requested(&mut world).await;
        for one in take(&world).await {
            hand_over(&world, &one.id, "one").await;
        }
        world.later(LEASE + 1);
        let rules = Rules {
            repeatable: vec![Channel::Sms],
            ..rules()
        };
        let again = take_by(&world, "two", rules).await;
        assert_eq!(kinds(&again), [(Notice::Code, Channel::Sms)]);
    });
}

#[test]
fn what_ends_each_node_that_takes_it_is_given_up() {
    everywhere(async |mut world| {
        sending(&mut world, Scheme::AuthCodeViaSms).await;
        requested(&mut world).await;
        let repeatable = || Rules {
            repeatable: vec![Channel::Sms],
            ..rules()
        };
        for _ in 0..rules().tries {
            let taken = take_by(&world, "one", repeatable()).await;
            assert_eq!(taken.len(), 2);
            // One ends it before it is handed over, the other one while it is.
            let sms = taken.iter().find(|one| one.channel == Channel::Sms).unwrap();
            assert!(hand_over(&world, &sms.id, "one").await);
            world.later(LEASE + 1);
        }
        assert!(take_by(&world, "one", repeatable()).await.is_empty());
        assert_eq!(stages(&world).await, [Stage::Failed; 2]);
        let told = world.actions().await;
        assert_eq!(told.iter().filter(|action| *action == "message.fail").count(), 2);
    });
}

#[test]
fn what_a_newer_program_wrote_is_left_to_it() {
    everywhere(async |mut world| {
        sending(&mut world, Scheme::Default).await;
        requested(&mut world).await;
        for (column, of) in [("kind", "address"), ("channel", "sms")] {
            let sql = format!("UPDATE message SET {column} = 'pigeon' WHERE {column} = '{of}'");
            world.run(move |tx| Ok(tx.execute(&sql, &[])?)).await;
        }
        // They are in nobody's way, whatever number is taken.
        let taken = take(&world).await;
        assert_eq!(kinds(&taken), [(Notice::Code, Channel::Mail)]);
        assert_eq!(stages(&world).await, [Stage::Taken]);
        let left: Option<i64> = world
            .run(|tx| {
                let sql = "SELECT COUNT(*) FROM message WHERE state = 'waiting' AND sealed IS NOT NULL";
                Ok(tx.value(sql, &[])?)
            })
            .await;
        assert_eq!(left, Some(2));
    });
}

#[test]
fn what_is_withdrawn_is_looked_for_among_what_did_not_go_out() {
    everywhere(async |world| {
        // The server's plans are of how much is there, and nothing is.
        if world.is_server() {
            return;
        }
        let now = world.now;
        let plan = world
            .run(move |tx| {
                let sql = format!("EXPLAIN QUERY PLAN {}", outbox::WITHDRAW);
                Ok(tx.rows(&sql, &[now.into()], |row| row.get::<String>(3))?)
            })
            .await;
        assert!(
            plan[0].starts_with("SEARCH message USING INDEX message_open"),
            "{plan:?}"
        );
        assert!(!plan.iter().any(|step| step.starts_with("SCAN")), "{plan:?}");
    });
}

#[test]
fn a_message_is_tried_five_times_and_ever_more_seldom() {
    everywhere(async |mut world| {
        sending(&mut world, Scheme::AuthCodeViaSms).await;
        requested(&mut world).await;
        let first = take(&world).await;
        done(&world, &first[1].id, Outcome::Never("no such address".to_owned())).await;
        let id = first[0].id.clone();
        let busy = || Outcome::Later("busy".to_owned());
        let mut stage = done(&world, &id, busy()).await;
        for pause in [10, 20, 40, 80] {
            assert_eq!(stage, Some(Stage::Waiting));
            world.later(pause - 1);
            assert!(take(&world).await.is_empty(), "{pause}");
            world.later(1);
            assert_eq!(take(&world).await[0].id, id);
            stage = done(&world, &id, busy()).await;
        }
        assert_eq!(stage, Some(Stage::Failed));
        assert_eq!(stages(&world).await, [Stage::Failed; 2]);

        // An operator has it sent again, once.
        let again = |id: &MessageId| {
            let (actor, now, id) = (operator(&world.clerk), world.now, id.clone());
            world.store.write(move |tx| outbox::again(tx, &actor, now, &id))
        };
        assert_eq!(code(again(&id).await), "done");
        assert_eq!(code(again(&id).await), "message.not-again");
        let nobodys = MessageId::given("other").unwrap();
        assert_eq!(code(again(&nobodys).await), "not-found");
        let taken = take(&world).await;
        assert_eq!((taken.len(), &taken[0].id), (1, &id));
        done(&world, &id, Outcome::Sent).await;
        assert_eq!(code(again(&id).await), "message.not-again");
    });
}

#[test]
fn what_is_good_no_more_is_not_sent() {
    everywhere(async |mut world| {
        sending(&mut world, Scheme::Default).await;
        let clerk = world.clerk.clone();
        let serial = world.request_as(&clerk, "licence").await.unwrap().document.serial;
        // Another offer takes its place.
        world.hand_out(&clerk, &serial).await.unwrap();
        assert!(take(&world).await.is_empty());
        assert_eq!(stages(&world).await, [Stage::Withdrawn; 3]);
        requested(&mut world).await;
        world.later(world.terms.offer_lifetime + 1);
        assert!(take(&world).await.is_empty());
        assert_eq!(stages(&world).await, [Stage::Withdrawn; 6]);
    });
}

#[test]
fn messages_of_people_out_of_scope_are_not_there() {
    everywhere(async |mut world| {
        sending(&mut world, Scheme::Default).await;
        requested(&mut world).await;
        let id = take(&world).await[0].id.clone();
        done(&world, &id, Outcome::Never("no".to_owned())).await;
        let workflows = [
            crate::domain::role::Workflow::ViewReports,
            crate::domain::role::Workflow::RequestId,
        ];
        world
            .role("own", crate::domain::role::Scope::Itself, &workflows)
            .await;
        let other = world.person("other").await;
        world.grant("own", &other).await;
        let (actor, now) = (operator(&other), world.now);
        let seen = {
            let actor = actor.clone();
            world
                .run(move |tx| outbox::list(tx, &actor, (None, None, None, 500)))
                .await
        };
        assert!(seen.is_empty());
        // Whoever asks for one person is not told whether there is one.
        for person in [world.ada.clone(), PersonId::given("nobody").unwrap()] {
            let actor = actor.clone();
            let listed = world
                .store
                .read(move |tx| outbox::list(tx, &actor, (None, Some(&person), None, 500)));
            assert_eq!(code(listed.await), "not-found");
        }
        let again = world
            .store
            .write(move |tx| outbox::again(tx, &actor, now, &id))
            .await;
        assert_eq!(code(again), "not-found");
    });
}

#[test]
fn a_message_of_another_key_of_the_service_has_failed() {
    everywhere(async |mut world| {
        sending(&mut world, Scheme::Default).await;
        requested(&mut world).await;
        world.terms.secrets = crate::secrets::Secrets::from_bytes(&[9; 32]).unwrap();
        assert!(take(&world).await.iter().all(|one| one.letter.is_none()));
    });
}
