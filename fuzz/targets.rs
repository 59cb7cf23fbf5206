//! What each fuzz target does with bytes from outside, so that plain tests can do the same.
//!
//! A decoder must not panic, and what it decodes must come back when it is encoded and decoded again.
#![allow(dead_code, unreachable_pub)]

use std::io::Read;

use wire::admin::{Ask, Told};
use wire::calls::Call;
use wire::calls::decrypt::*;
use wire::calls::digest::*;
use wire::calls::dual::*;
use wire::calls::encrypt::*;
use wire::calls::key::*;
use wire::calls::object::*;
use wire::calls::random::*;
use wire::calls::session::*;
use wire::calls::sign::*;
use wire::calls::slot::*;
use wire::calls::verify::*;
use wire::codec::{decode, encode};
use wire::frame::{self, LIMIT, Reader};
use wire::handshake::{Hello, Welcome};
use wire::template::Answers;
use wire::{Output, OutputSlice, Template};

/// A target's name and what it does with its input; the answer says whether the input was well formed.
pub type Target = (&'static str, fn(&[u8]) -> bool);

/// Every target.
pub const TARGETS: [Target; 9] = [
    ("frame", frame),
    ("request", request),
    ("reply", reply),
    ("hello", hello),
    ("welcome", welcome),
    ("template", template),
    ("ask", ask),
    ("told", told),
    ("answers", answers),
];

/// Decodes, encodes, and decodes again. A macro, for the two values borrow from different buffers.
macro_rules! again {
    ($ty:ty, $bytes:expr) => {{
        match decode::<$ty>($bytes) {
            Ok(value) => {
                let mut bytes = Vec::new();
                encode(&value, &mut bytes).expect("what was decoded can be encoded");
                assert_eq!(decode::<$ty>(&bytes), Ok(value));
                true
            }
            Err(_) => false,
        }
    }};
}

/// Gives its bytes in pieces: the first byte of the input says how long.
struct Pieces<'a>(&'a [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let len = self.1.min(to.len());
        self.0.read(&mut to[..len])
    }
}

/// Both readers of frames see the same frames.
pub fn frame(data: &[u8]) -> bool {
    let Some((piece, mut rest)) = data.split_first() else { return false };
    let mut pieces = Pieces(rest, usize::from(*piece) + 1);
    let (mut reader, mut body) = (Reader::default(), Vec::new());
    let mut frames = 0;
    loop {
        let whole = frame::read(&mut rest, &mut body);
        match (whole, reader.next(&mut pieces)) {
            (Ok(()), Ok(same)) => {
                assert_eq!(body, same);
                assert!(body.len() <= LIMIT as usize);
                frames += 1;
            }
            (Err(one), Err(other)) => {
                assert_eq!(one.kind(), other.kind());
                return frames > 0;
            }
            (one, other) => panic!("one reader says {one:?}, the other {other:?}"),
        }
    }
}

macro_rules! each_call {
    ($($name:ident)*) => {
        /// A request's body.
        pub fn request(data: &[u8]) -> bool {
            let Ok((code, data)) = wire::calls::split(data) else { return false };
            match code {
                $($name::CODE => again!($name, data),)*
                _ => false,
            }
        }

        /// A call's code, then the reply to it without its return value.
        pub fn reply(data: &[u8]) -> bool {
            let Ok((code, data)) = wire::calls::split(data) else { return false };
            match code {
                $($name::CODE => {
                    let good = again!(<$name as Call>::Reply, data);
                    if is_output::<$name>() {
                        assert_eq!(good, again!(OutputSlice, data), "an output and a slice of one differ");
                    }
                    good
                })*
                _ => false,
            }
        }
    };
}

fn is_output<C: Call>() -> bool {
    std::any::type_name::<C::Reply>() == std::any::type_name::<Output>()
}

each_call! {
    GetSlotList GetSlotInfo GetTokenInfo GetMechanismList GetMechanismInfo InitToken WaitForSlotEvent
    OpenSession CloseSession CloseAllSessions GetSessionInfo Login Logout InitPIN SetPIN GetOperationState
    SetOperationState SessionCancel LoginUser
    CreateObject CopyObject DestroyObject GetObjectSize GetAttributeValue SetAttributeValue FindObjectsInit
    FindObjects FindObjectsFinal
    EncryptInit Encrypt EncryptUpdate EncryptFinal DecryptInit Decrypt DecryptUpdate DecryptFinal
    DigestInit Digest DigestUpdate DigestKey DigestFinal
    SignInit Sign SignUpdate SignFinal SignRecoverInit SignRecover
    VerifyInit Verify VerifyUpdate VerifyFinal VerifyRecoverInit VerifyRecover
    DigestEncryptUpdate DecryptDigestUpdate SignEncryptUpdate DecryptVerifyUpdate
    GenerateKey GenerateKeyPair WrapKey UnwrapKey DeriveKey SeedRandom GenerateRandom
}

/// The module's first frame.
pub fn hello(data: &[u8]) -> bool {
    again!(Hello, data)
}

/// The daemon's first frame.
pub fn welcome(data: &[u8]) -> bool {
    again!(Welcome, data)
}

/// A template.
pub fn template(data: &[u8]) -> bool {
    again!(Template, data)
}

/// The answers to `C_GetAttributeValue`.
pub fn answers(data: &[u8]) -> bool {
    again!(Answers, data)
}

/// What the console asks.
pub fn ask(data: &[u8]) -> bool {
    again!(Ask, data)
}

/// What the daemon tells the console.
pub fn told(data: &[u8]) -> bool {
    again!(Told, data)
}
