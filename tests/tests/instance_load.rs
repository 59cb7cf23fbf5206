//! As many clients of one instance at once as the daemon promises to hold.

use std::net::TcpStream;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use rustls::{ClientConnection, StreamOwned};
use tests::{Hsm, Reach};
use wire::calls::Call;
use wire::calls::slot::GetSlotList;
use wire::codec::{decode, encode};
use wire::frame;
use wire::handshake::{Hello, Welcome};

#[path = "instance/site.rs"]
#[allow(dead_code, reason = "what other tests of instances need is there too")]
mod site;

use site::Site;

/// As many as the guide promises.
const MANY: usize = 2048;

type Stream = StreamOwned<ClientConnection, TcpStream>;

/// Says hello, as the module does.
fn greet(stream: &mut Stream) {
    let mut bytes = Vec::new();
    frame::begin(&mut bytes);
    encode(&Hello::new(None), &mut bytes).expect("a greeting has an encoding");
    frame::end(&mut bytes, stream).expect("a greeting can be sent");
    frame::read(stream, &mut bytes).expect("an answer to the greeting");
    assert!(matches!(decode(&bytes), Ok(Welcome::Open(_))), "the greeting is refused");
}

/// The slots that the client sees.
fn slots(stream: &mut Stream) -> usize {
    let mut bytes = Vec::new();
    frame::begin(&mut bytes);
    bytes.extend_from_slice(&GetSlotList::CODE.to_le_bytes());
    encode(&GetSlotList { token_present: true }, &mut bytes).expect("a call has an encoding");
    frame::end(&mut bytes, stream).expect("a call can be sent");
    frame::read(stream, &mut bytes).expect("an answer");
    let (rv, rest) = bytes.split_first_chunk::<8>().expect("an answer begins with its code");
    assert_eq!(u64::from_le_bytes(*rv), 0);
    decode::<<GetSlotList as Call>::Reply>(rest).expect("a reply").len()
}

/// Requirement: DHSM-023
#[test]
fn two_thousand_and_forty_eight_clients_are_connected_to_an_instance_at_once_and_each_is_answered() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
    let hsm = Hsm::start();
    let site = Site::start(&hsm, "server", &[]);
    site.certificate("web", "web");
    let reach = Reach::read(&hsm.path("web"));
    let mut clients: Vec<Stream> = Vec::new();
    for _ in 0..MANY {
        let (socket, tls) = reach.connect().expect("a connection");
        let mut stream = StreamOwned::new(tls, socket);
        greet(&mut stream);
        clients.push(stream);
    }
    for stream in &mut clients {
        assert_eq!(slots(stream), 1);
    }
    let status = site.staff.by("Ada", &["status", "--json"]).succeeds().out();
    assert!(status.contains(&format!("\"connections\": {MANY}")), "{status}");
}
