//! What it means that the peer says End.

use super::*;

#[test]
fn the_end_of_the_peer_ends_it() {
    let mut end = open_client();
    assert_eq!(
        end.after(value(MDOC, Characteristic::State, &[2]), 10),
        [Action::Disconnect(MDOC), Action::Over(Ending::ByPeer)]
    );
    let mut end = open_server();
    assert_eq!(end.after(value(READER, Characteristic::State, &[2]), 10), []);
    assert_eq!(
        end.after(Input::Lost { peer: READER }, 20),
        [Action::Over(Ending::ByPeer)]
    );
    let mut end = open_client();
    assert_eq!(
        end.after(value(MDOC, Characteristic::State, &[9]), 10),
        [Action::Note(Oddity::UnknownState)]
    );
    assert_eq!(
        end.after(value(MDOC, Characteristic::State, &[1]), 10),
        [Action::Note(Oddity::Start)]
    );
}

#[test]
fn a_whole_message_that_forgot_its_end_is_taken_before_the_peer_s_end() {
    let noted = [
        Action::Note(Oddity::UnfinishedMessage),
        Action::Message(vec![0x81, 7]),
    ];
    let mut end = open_client();
    end.after(value(MDOC, Characteristic::Server2Client, &[1, 0x81, 7]), 10);
    let over = [Action::Disconnect(MDOC), Action::Over(Ending::ByPeer)];
    assert_eq!(
        end.after(value(MDOC, Characteristic::State, &[2]), 20),
        [noted.clone(), over.clone()].concat()
    );
    let mut end = open_server();
    end.after(value(READER, Characteristic::Client2Server, &[1, 0x81, 7]), 10);
    assert_eq!(end.after(value(READER, Characteristic::State, &[2]), 20), noted);
}

#[test]
fn who_says_end_within_a_message_has_broken_off_and_not_declined() {
    let lost = [Action::Disconnect(MDOC), Action::Over(Ending::Lost)];
    // Within what it says itself.
    let mut end = open_client();
    end.after(value(MDOC, Characteristic::Server2Client, &[1, 0x82, 7]), 10);
    assert_eq!(end.after(value(MDOC, Characteristic::State, &[2]), 20), lost);
    let mut end = open_server();
    end.after(value(READER, Characteristic::Client2Server, &[1, 0x82, 7]), 10);
    assert_eq!(end.after(value(READER, Characteristic::State, &[2]), 20), []);
    assert_eq!(
        end.after(Input::Lost { peer: READER }, 30),
        [Action::Over(Ending::Lost)]
    );
    // Within what we say: of two fragments it has one.
    let mut end = open_client();
    end.0.send(vec![7; 25], millis(10));
    end.actions();
    assert_eq!(end.after(value(MDOC, Characteristic::State, &[2]), 20), lost);
    // All of which has gone, or which nobody has to hear any more.
    let over = [Action::Disconnect(MDOC), Action::Over(Ending::ByPeer)];
    let mut end = open_client();
    end.0.send(vec![7; 5], millis(10));
    end.after(Input::Sent, 11);
    assert_eq!(end.after(value(MDOC, Characteristic::State, &[2]), 20), over);
    let mut end = open_client();
    end.0.send(vec![7; 25], millis(10));
    end.0.end(millis(10));
    end.actions();
    assert_eq!(end.after(value(MDOC, Characteristic::State, &[2]), 20), over);
}
