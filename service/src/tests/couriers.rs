//! Messages on their way (E9): what a mail server and a gateway may do, and what becomes of the message.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use lettre::transport::smtp::extension::ClientId;
use mdoc_core::seams::Clock;
use mdoc_core::time::Timestamp;
use zeroize::Zeroizing;

use super::outbox::{rules, sending, stages};
use super::world::{World, everywhere};
use crate::domain::notice::Channel;
use crate::domain::profile::Scheme;
use crate::notify::mail::{MailToSms, Security, Server};
use crate::notify::sms::{Gateway, HttpGateway};
use crate::notify::template::Templates;
use crate::notify::{Carrier, Courier, Folder};
use crate::service::Service;
use crate::tests::scratch::Scratch;
use crate::usecase::outbox::Stage;

/// What a server does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Takes,
    IsBusy,
    KnowsNobody,
    RefusesWhatItGot,
    /// Takes everything, and is gone before it says so.
    FallsSilent,
}

type Mails = Arc<Mutex<Vec<String>>>;

/// A server of mail at a port of this machine; gives what it was sent, recipients first.
fn mail_server(manner: Manner) -> (u16, Mails) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mails = Mails::default();
    let kept = Arc::clone(&mails);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let kept = Arc::clone(&kept);
            std::thread::spawn(move || drop(talk(stream, manner, &kept)));
        }
    });
    (port, mails)
}

fn talk(mut stream: TcpStream, manner: Manner, kept: &Mails) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let mut recipients = String::new();
    stream.write_all(b"220 here\r\n")?;
    while let Some(line) = lines.next() {
        let line = line?;
        let answer: &[u8] = match line.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" => b"250-here\r\n250 AUTH PLAIN\r\n",
            "AUTH" if line != "AUTH PLAIN AHVzZXIAc2VjcmV0" => b"535 no\r\n",
            "AUTH" => b"235 yes\r\n",
            "RCPT" if manner == Manner::IsBusy => b"451 later\r\n",
            "RCPT" if manner == Manner::KnowsNobody => b"550 nobody\r\n",
            "RCPT" => {
                recipients.push_str(&line);
                recipients.push('\n');
                b"250 fine\r\n"
            }
            "DATA" => {
                stream.write_all(b"354 go on\r\n")?;
                let mut mail = recipients.clone();
                for line in lines.by_ref() {
                    let line = line?;
                    if line == "." {
                        break;
                    }
                    mail.push_str(&line);
                    mail.push('\n');
                }
                kept.lock().unwrap().push(mail);
                match manner {
                    Manner::FallsSilent => return Ok(()),
                    Manner::RefusesWhatItGot => b"554 no\r\n",
                    _ => b"250 taken\r\n",
                }
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n")?;
                return Ok(());
            }
            _ => b"250 fine\r\n",
        };
        stream.write_all(answer)?;
    }
    Ok(())
}

fn server(port: u16) -> Server {
    Server {
        host: "127.0.0.1".to_owned(),
        port,
        security: Security::Plain,
        tls: None,
        login: Some(("user".to_owned(), Zeroizing::new("secret".to_owned()))),
        from: "Office <office@id.example.org>".parse().unwrap(),
        hello: ClientId::Domain("id.example.org".to_owned()),
    }
}

fn courier(mail: Option<Arc<dyn Carrier>>, sms: Option<Arc<dyn Carrier>>) -> Arc<Courier> {
    Arc::new(Courier {
        mail,
        sms,
        templates: Templates::shipped("Office").unwrap(),
        rules: rules(),
    })
}

async fn round(world: &World, courier: &Arc<Courier>) -> usize {
    let service: Arc<Service> = Arc::new(world.service("https://id.example.org"));
    courier.round(&service, "one").await.unwrap()
}

async fn requested(world: &mut World, scheme: Scheme) {
    sending(world, scheme).await;
    let clerk = world.clerk.clone();
    world.request_as(&clerk, "licence").await.unwrap();
}

#[test]
fn mail_goes_out_by_its_server_and_to_phones_by_a_gateway_that_takes_mail() {
    everywhere(async |mut world| {
        requested(&mut world, Scheme::Default).await;
        let (port, mails) = mail_server(Manner::Takes);
        let mail = Arc::new(server(port));
        let sms = MailToSms {
            server: Arc::clone(&mail),
            domain: "sms.example.org".to_owned(),
        };
        let courier = courier(Some(mail), Some(Arc::new(sms)));
        assert_eq!(round(&world, &courier).await, 3);
        assert_eq!(round(&world, &courier).await, 0);
        assert_eq!(stages(&world).await, [Stage::Sent; 3]);
        let mails = mails.lock().unwrap();
        assert_eq!(mails.len(), 3);
        let to = |who: &str| {
            mails
                .iter()
                .filter(|mail| mail.starts_with(&format!("RCPT TO:<{who}>")))
                .count()
        };
        assert_eq!(
            (to("ada@example.org"), to("441632960123@sms.example.org")),
            (2, 1)
        );
        let phone = mails
            .iter()
            .find(|mail| mail.contains("sms.example.org"))
            .unwrap();
        assert!(!phone.contains("text/html"), "{phone}");
        assert!(mails.iter().all(|mail| mail.contains("Message-ID: <")));
    });
}

#[test]
fn what_a_mail_server_says_decides_whether_it_is_tried_again() {
    everywhere(async |mut world| {
        for (manner, expected, handed_over) in [
            (Manner::IsBusy, Stage::Waiting, false),
            (Manner::KnowsNobody, Stage::Failed, false),
            (Manner::RefusesWhatItGot, Stage::Failed, true),
            (Manner::FallsSilent, Stage::Uncertain, true),
        ] {
            requested(&mut world, Scheme::AuthCodeViaEmail).await;
            let (port, mails) = mail_server(manner);
            let courier = courier(Some(Arc::new(server(port))), None);
            round(&world, &courier).await;
            let stages = stages(&world).await;
            assert!(stages.contains(&expected), "{stages:?}");
            assert_eq!(!mails.lock().unwrap().is_empty(), handed_over, "{expected}");
            // Nothing goes out twice.
            world.later(5000);
            round(&world, &courier).await;
            let most = usize::from(handed_over);
            assert!(mails.lock().unwrap().len() <= most, "{expected}");
            world.run(|tx| Ok(tx.execute("DELETE FROM message", &[])?)).await;
        }
        // A server that is not there, and a password that is wrong, are mended by somebody.
        requested(&mut world, Scheme::AuthCodeViaEmail).await;
        let gone = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        round(&world, &courier(Some(Arc::new(server(gone))), None)).await;
        world.later(60);
        let (port, mails) = mail_server(Manner::Takes);
        let mut wrong = server(port);
        wrong.login = Some(("user".to_owned(), Zeroizing::new("other".to_owned())));
        round(&world, &courier(Some(Arc::new(wrong)), None)).await;
        assert!(mails.lock().unwrap().is_empty());
        assert_eq!(stages(&world).await, [Stage::Waiting; 2]);
    });
}

/// A gateway that answers so; gives what it was asked.
fn gateway(answer: &'static str) -> (u16, Mails) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Mails::default();
    let kept = Arc::clone(&asked);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut text, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or_default() <= 2 {
                    break;
                }
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                text.push_str(&line);
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            text.push_str(&String::from_utf8(body).unwrap());
            kept.lock().unwrap().push(text);
            let _gone = stream.write_all(answer.as_bytes());
        }
    });
    (port, asked)
}

fn asking(port: u16) -> Arc<dyn Carrier> {
    let gateway = Gateway {
        url: format!("http://127.0.0.1:{port}/send"),
        method: "POST".to_owned(),
        headers: [("Content-Type", "application/json"), ("X-Id", "{{ id }}")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        body: "{\"to\": {{ number }}, \"text\": {{ text }}}".to_owned(),
        secret: Zeroizing::default(),
        internal: true,
        roots: None,
    };
    Arc::new(HttpGateway::new(&gateway).unwrap())
}

#[test]
fn what_a_gateway_says_decides_whether_it_is_tried_again() {
    everywhere(async |mut world| {
        for (answer, expected) in [
            ("HTTP/1.1 202 ok\r\nContent-Length: 0\r\n\r\n", Stage::Sent),
            ("HTTP/1.1 429 slow\r\nContent-Length: 0\r\n\r\n", Stage::Waiting),
            ("HTTP/1.1 400 bad\r\nContent-Length: 0\r\n\r\n", Stage::Failed),
            (
                "HTTP/1.1 307 there\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
                Stage::Failed,
            ),
            ("HTTP/1.1 500 oh\r\nContent-Length: 0\r\n\r\n", Stage::Uncertain),
            ("", Stage::Uncertain),
        ] {
            requested(&mut world, Scheme::AuthCodeViaSms).await;
            let (port, asked) = gateway(answer);
            round(&world, &courier(None, Some(asking(port)))).await;
            let stages = stages(&world).await;
            assert!(stages.contains(&expected), "{answer}: {stages:?}");
            let asked = asked.lock().unwrap().clone();
            assert_eq!(asked.len(), 1);
            let body: serde_json::Value = serde_json::from_str(asked[0].lines().last().unwrap()).unwrap();
            assert_eq!(body["to"], "+441632960123");
            world.run(|tx| Ok(tx.execute("DELETE FROM message", &[])?)).await;
        }
        requested(&mut world, Scheme::AuthCodeViaSms).await;
        let gone = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        round(&world, &courier(None, Some(asking(gone)))).await;
        assert_eq!(stages(&world).await, [Stage::Waiting; 2]);
    });
}

/// A clock that breaks when it is looked at the second time.
struct Breaks(AtomicU32, Timestamp);

impl Clock for Breaks {
    fn now(&self) -> Timestamp {
        assert_ne!(self.0.fetch_add(1, Ordering::SeqCst), 1, "it breaks");
        self.1
    }
}

#[test]
fn what_was_not_handed_over_when_sending_it_broke_off_is_sent_later() {
    everywhere(async |mut world| {
        requested(&mut world, Scheme::AuthCodeViaSms).await;
        let mut service = world.service("https://id.example.org");
        service.clock = Arc::new(Breaks(AtomicU32::new(0), world.now));
        let sent = courier(None, None).round(&Arc::new(service), "one").await;
        assert_eq!(sent.unwrap(), 2);
        assert_eq!(stages(&world).await, [Stage::Waiting; 2]);
        let sql = "SELECT why FROM message ORDER BY why";
        let why: Vec<String> = world
            .run(move |tx| Ok(tx.rows(sql, &[], |row| row.get(0))?))
            .await;
        assert!(why.iter().any(|why| why.contains("broke off")), "{why:?}");
    });
}

#[test]
fn a_folder_takes_messages_for_their_owner_alone() {
    everywhere(async |mut world| {
        requested(&mut world, Scheme::Default).await;
        let folder = Scratch::new(if world.is_server() {
            "captured-server"
        } else {
            "captured"
        });
        let takes = |channel| -> Option<Arc<dyn Carrier>> {
            let path = folder.to_owned();
            Some(Arc::new(Folder { path, channel }))
        };
        round(&world, &courier(takes(Channel::Mail), takes(Channel::Sms))).await;
        assert_eq!(stages(&world).await, [Stage::Sent; 3]);
        let files: Vec<_> = std::fs::read_dir(&folder).unwrap().flatten().collect();
        assert_eq!(files.len(), 5);
        #[cfg(unix)]
        for file in files {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0);
        }
    });
}
