//! For how long a list is good.

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn hours(count: u64) -> Duration {
    Duration::from_secs(count * HOUR)
}

/// What the list with these claims, fetched at the usual time, says at another.
fn on(claims: &Claims, at: Timestamp) -> Finding {
    within(claims, at, Policy::STANDARD)
}

fn within(claims: &Claims, now: Timestamp, policy: Policy) -> Finding {
    let country = country();
    let inputs = Inputs {
        now,
        policy,
        ..country.inputs()
    };
    look(&country.cwt(claims), &inputs)
}

#[test]
fn fresh_then_stale_then_unknown() {
    let claims = claims(); // ttl 2 hours, expires after a day
    let freshness = |at| {
        let finding = on(&claims, at);
        assert_eq!(finding.answer, Answer::Valid);
        finding.freshness.unwrap()
    };
    let held = freshness(now());
    assert_eq!(held.issued_at, now().minus(hours(1)));
    assert_eq!(held.fresh_until, now().plus(hours(2)));
    assert_eq!(held.usable_until, now().plus(hours(24)));
    assert!(!held.is_stale_at(now().plus(hours(2)).minus(Duration::from_secs(1))));
    assert!(held.is_stale_at(now().plus(hours(2))));
    let last = now().plus(hours(24)).minus(Duration::from_secs(1));
    assert_eq!(freshness(last), held, "however late it is asked");
    let late = now().plus(hours(24));
    let finding = on(&claims, late);
    unknown(&finding, Code::Expired);
    let Answer::Unknown(reason) = finding.answer else {
        panic!()
    };
    let expected = Detail::Time {
        limit: late,
        at: late,
    };
    assert_eq!(reason.detail(), &expected);
}

#[test]
fn without_ttl_it_is_fresh_until_it_expires() {
    let claims = Claims {
        ttl: None,
        ..claims()
    };
    let held = on(&claims, now()).freshness.unwrap();
    assert_eq!(
        (held.fresh_until, held.usable_until),
        (now().plus(hours(24)), now().plus(hours(24)))
    );
    // A ttl that ends after the expiry does not count.
    let claims = Claims {
        ttl: Some(u64::MAX),
        ..claims
    };
    let held = on(&claims, now()).freshness.unwrap();
    assert_eq!(held.fresh_until, now().plus(hours(24)));
}

#[test]
fn trap_75_without_exp_it_is_said_and_bounded() {
    let claims = Claims {
        expires: None,
        ttl: None,
        ..claims()
    };
    let finding = on(&claims, now());
    assert_eq!(deviations(&finding), [Code::ExpiryMissing]);
    assert_eq!(finding.answer, Answer::Valid);
    let until = claims.issued_at.plus(LONGEST_USE);
    let held = finding.freshness.unwrap();
    assert_eq!((held.fresh_until, held.usable_until), (until, until));
    unknown(&on(&claims, until), Code::Expired);
    let strict = Policy {
        evidence_required: false,
        ..Policy::STRICT
    };
    unknown(&within(&claims, now(), strict), Code::ExpiryMissing);
}

#[test]
fn an_expiry_in_many_years_is_bounded() {
    let claims = Claims {
        expires: Some(at("2044-01-01T00:00:00Z")),
        ttl: Some(u64::MAX),
        ..claims()
    };
    let held = on(&claims, now()).freshness.unwrap();
    let until = now().plus(LONGEST_USE);
    assert_eq!((held.fresh_until, held.usable_until), (until, until));
    unknown(&on(&claims, until), Code::Expired);
}

#[test]
fn made_in_the_future_or_not_yet_valid() {
    let second = Duration::from_secs(1);
    // Clocks may be apart by a minute: a list that was changed this moment is newer than who asks for it.
    let future = Claims {
        issued_at: now().plus(MINUTE).plus(second),
        ..claims()
    };
    unknown(&on(&future, now()), Code::NotYetValid);
    assert_eq!(on(&future, now().plus(second)).answer, Answer::Valid);
    let early = Claims {
        not_before: Some(now().plus(MINUTE).plus(second)),
        ..claims()
    };
    unknown(&on(&early, now()), Code::NotYetValid);
    assert_eq!(on(&early, now().plus(second)).answer, Answer::Valid);
    // Fetched for an instant in the past, as a historic query may be: the list of today says nothing of it.
    unknown(&on(&claims(), now().minus(hours(2))), Code::NotYetValid);
}

#[test]
fn clocks_may_be_apart_as_far_as_the_policy_says() {
    let policy = Policy::STANDARD.with_clock_skew(MINUTE * 2);
    let future = Claims {
        issued_at: now().plus(MINUTE * 2),
        ..claims()
    };
    assert_eq!(within(&future, now(), policy).answer, Answer::Valid);
    let late = now().plus(hours(24)).plus(MINUTE * 2);
    assert_eq!(
        within(&claims(), late.minus(Duration::from_secs(1)), policy).answer,
        Answer::Valid
    );
    unknown(&within(&claims(), late, policy), Code::Expired);
}

#[test]
fn a_clock_put_back_does_not_make_a_kept_list_last_longer() {
    let country = country();
    let token = country.cwt(&claims());
    let evidence = Evidence {
        fetched: now().plus(hours(12)),
        ..fetched(&token)
    };
    let finding = look_up(Reference::StatusList(&place(0)), &evidence, &country.inputs());
    assert_eq!(finding.freshness.unwrap().fresh_until, now().plus(hours(2)));
}

#[test]
fn the_list_of_another_address_is_not_the_one() {
    for subject in [
        "",
        "https://status.utopia.example/lists/10",
        "https://status.utopia.example/lists/1/",
    ] {
        let other = Claims {
            subject: subject.into(),
            ..claims()
        };
        unknown(&on(&other, now()), Code::Subject);
    }
}
