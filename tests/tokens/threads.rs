//! Many threads at one token, and sessions that are lost.

use std::time::Instant;

use super::*;

#[test]
fn several_threads_sign_and_a_lost_session_is_opened_again() {
    if child().is_some() {
        return sign_in_threads();
    }
    let Some(token) = Token::new() else { return };
    token.again("tokens::threads::several_threads_sign_and_a_lost_session_is_opened_again");
}

fn sign_in_threads() {
    let mut rng = ChaCha20Rng::from_seed([34; 32]);
    for curve in [Curve::P256, Curve::P384, Curve::P521] {
        let name = uri(&format!("pkcs11:token=issuing;object={curve}"));
        let (entry, public) = mdoc_pkcs11::generate(&name, curve, &settings(), &mut rng).unwrap();
        assert_eq!((entry.curve, entry.extractable), (Some(curve), false));
        let key = TokenKey::open(&name, &settings()).unwrap();
        assert_eq!(*key.public_key(), public);
        let signature = key.sign(b"message").unwrap();
        assert_eq!(signature.len(), curve.signature_len());
        RustCrypto
            .verify(
                &public,
                curve.algorithm().unwrap().digest(),
                &[b"message"],
                &signature,
            )
            .unwrap();
    }
    // SoftHSM has Ed25519 only if it was built with it.
    let edwards = uri("pkcs11:token=issuing;object=edwards");
    match mdoc_pkcs11::generate(&edwards, Curve::Ed25519, &settings(), &mut rng) {
        Ok((_, public)) => {
            let key = TokenKey::open(&edwards, &settings()).unwrap();
            let signature = key.sign(b"message").unwrap();
            RustCrypto
                .verify(
                    &public,
                    Curve::Ed25519.algorithm().unwrap().digest(),
                    &[b"message"],
                    &signature,
                )
                .unwrap();
        }
        Err(error) => {
            assert!(
                matches!(error, TokenError::NoSuchCurve(_) | TokenError::Failed(_)),
                "{error}"
            );
            eprintln!("SoftHSM has no Ed25519 ({error}): it was NOT tried");
        }
    }
    let key = open("P-256");
    let rate = |threads: usize| {
        const EACH: usize = 60;
        let begin = Instant::now();
        std::thread::scope(|scope| {
            for thread in 0..threads {
                let key = &key;
                scope.spawn(move || {
                    for round in 0..EACH {
                        // Every signature is verified before it is given.
                        key.sign(format!("{thread} {round}").as_bytes()).unwrap();
                    }
                });
            }
        });
        let signatures = f64::from(u32::try_from(threads * EACH).unwrap());
        signatures / begin.elapsed().as_secs_f64()
    };
    let rates: Vec<_> = [1, 2, 4].map(|threads| (threads, rate(threads).round())).to_vec();
    eprintln!("signatures a second by threads: {rates:?}");
    rate(40); // more threads than sessions

    // The module is stopped and started under its users, as if the token had been pulled out and put back: every
    // session is gone, and the PIN is needed again. Then somebody logs out.
    let another = || Pkcs11::new(module().unwrap()).unwrap();
    let slot = Slot::try_from(key.token().slot_id).unwrap();
    for round in 0..4 {
        if round < 2 {
            another().finalize().unwrap();
            let flags = CInitializeFlags::OS_LOCKING_OK;
            another().initialize(CInitializeArgs::new(flags)).unwrap();
        } else {
            another().open_ro_session(slot).unwrap().logout().unwrap();
        }
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| key.sign(b"after it was lost").unwrap());
            }
        });
    }
    // A key that is gone for good is an error, and stays one.
    let session = another().open_rw_session(slot).unwrap();
    for object in session.find_objects(&[]).unwrap() {
        let _ = session.destroy_object(object);
    }
    for _ in 0..2 {
        let refused = key.sign(b"destroyed").unwrap_err();
        assert!(
            matches!(&refused, SignerError::Refused(why) if why.contains("no private key")),
            "{refused:?}"
        );
    }
}
