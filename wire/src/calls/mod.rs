//! The one table of calls, a file for each section of the standard.
//!
//! A row gives a call's code, the handler's method, the request and the reply. From it come the request's
//! type, its encoding, a trait with a method for each call of the section, and that section's dispatcher.

use std::any::Any;

use serde::{Deserialize, Serialize};

use crate::codec::{Malformed, encode};
use crate::{Bytes, Output, Rv};

pub mod decrypt;
pub mod digest;
pub mod dual;
pub mod encrypt;
pub mod key;
pub mod object;
pub mod random;
pub mod session;
pub mod sign;
pub mod slot;
pub mod verify;

/// A request that crosses the socket.
pub trait Call: Serialize {
    /// The call's number in a frame: never given to another call.
    const CODE: u16;
    /// The name of the C function, or of the console's command.
    const NAME: &'static str;
    /// What comes back when the answer is `CKR_OK`.
    type Reply: Serialize + for<'de> Deserialize<'de>;

    /// The call's field `data`, if it has one: it may be long.
    fn data(&self) -> &[u8] {
        &[]
    }
}

/// What every handler of calls has: an error, and the code that a caller sees of it.
pub trait Handler {
    /// Why a call failed, for the log.
    type Error;
    /// The code that the caller sees.
    fn rv(error: &Self::Error) -> Rv;
}

/// A call that was taken, and how it ended.
#[derive(Debug)]
pub struct Handled<E> {
    /// The name of the call.
    pub name: &'static str,
    /// The code that the caller was told.
    pub rv: Rv,
    /// Why it failed, if it did.
    pub error: Option<E>,
}

/// Splits a request's body into the call's code and its encoding.
///
/// # Errors
/// [`Malformed`] if it is too short.
pub fn split(body: &[u8]) -> Result<(u16, &[u8]), Malformed> {
    let (code, rest) = body.split_first_chunk().ok_or(Malformed)?;
    Ok((u16::from_le_bytes(*code), rest))
}

/// What a reply is written to.
pub trait Reply {
    /// The frame, to be appended to.
    fn frame(&mut self) -> &mut Vec<u8>;
    /// Ends the frame with long bytes, after which nothing comes.
    fn end_with(&mut self, bytes: Bytes);
}

impl Reply for Vec<u8> {
    fn frame(&mut self) -> &mut Vec<u8> {
        self
    }

    fn end_with(&mut self, bytes: Bytes) {
        self.extend_from_slice(&bytes);
    }
}

/// Output from so many bytes on is not copied into its frame.
const LONG: usize = 16 << 10;

/// Appends the reply to a frame: the code, and what came back if that is `CKR_OK`.
///
/// # Errors
/// [`Malformed`] if the reply has no encoding.
pub fn answer<T: Serialize + Any, E>(
    name: &'static str,
    result: Result<T, E>,
    rv: impl Fn(&E) -> Rv,
    reply: &mut impl Reply,
) -> Result<Handled<E>, Malformed> {
    match result {
        Ok(mut value) => {
            let frame = reply.frame();
            frame.extend_from_slice(&Rv::OK.0.to_le_bytes());
            match (&mut value as &mut dyn Any).downcast_mut() {
                Some(Output::Bytes(bytes)) if bytes.len() >= LONG => {
                    Output::encode_head(bytes.len(), frame)?;
                    reply.end_with(std::mem::take(bytes));
                }
                _ => encode(&value, frame)?,
            }
            Ok(Handled { name, rv: Rv::OK, error: None })
        }
        Err(error) => {
            let rv = rv(&error);
            reply.frame().extend_from_slice(&rv.0.to_le_bytes());
            Ok(Handled { name, rv, error: Some(error) })
        }
    }
}

/// Makes a section's calls: their types, the trait of their handler, and its dispatcher.
macro_rules! calls {
    ($(#[$section:meta])* $handler:ident;
     $($(#[$doc:meta])* $code:literal $method:ident $name:ident $(<$lt:lifetime>)?
       { $($field:ident: $ty:ty),* $(,)? } -> $reply:ty;)*) => {
        $(
            $crate::calls::calls!(@type [$($lt)?] $(#[$doc])* $name { $($field: $ty),* });
            impl $(<$lt>)? $crate::calls::Call for $name $(<$lt>)? {
                const CODE: u16 = $code;
                const NAME: &'static str = concat!("C_", stringify!($name));
                type Reply = $reply;

                fn data(&self) -> &[u8] {
                    $crate::calls::calls!(@data self $($field)*)
                }
            }
        )*

        $(#[$section])*
        pub trait $handler: $crate::calls::Handler {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// As the standard lists for the function.
                fn $method $(<$lt>)? (&self, call: $name $(<$lt>)?) -> Result<$reply, Self::Error>;
            )*
        }

        /// The codes of this section and the names of their calls.
        pub const NAMES: &[(u16, &str)] = &[$(($code, concat!("C_", stringify!($name)))),*];

        /// Decodes a call of this section, has it handled, and appends the reply. `None` if the code is of
        /// another section.
        ///
        /// # Errors
        /// `Malformed` if the request does not decode.
        pub fn dispatch<H: $handler>(
            to: &H, code: u16, request: &[u8], reply: &mut impl $crate::calls::Reply,
        ) -> Option<Result<$crate::calls::Handled<H::Error>, $crate::codec::Malformed>> {
            match code {
                $($code => Some($crate::codec::decode::<$name>(request).and_then(|call| {
                    let name = <$name as $crate::calls::Call>::NAME;
                    $crate::calls::answer(name, to.$method(call), H::rv, reply)
                })),)*
                _ => None,
            }
        }
    };
    (@data $call:ident data $($field:ident)*) => { $call.data.0 };
    (@data $call:ident $other:ident $($field:ident)*) => { $crate::calls::calls!(@data $call $($field)*) };
    (@data $call:ident) => { &[] };
    (@type [] $(#[$doc:meta])* $name:ident { $($field:ident: $ty:ty),* }) => {
        $(#[$doc])*
        #[allow(missing_docs)]
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub struct $name { $(pub $field: $ty),* }
    };
    (@type [$lt:lifetime] $(#[$doc:meta])* $name:ident { $($field:ident: $ty:ty),* }) => {
        $(#[$doc])*
        #[allow(missing_docs)]
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(bound(deserialize = "'de: 'a"))]
        pub struct $name<$lt> { $(pub $field: $ty),* }
    };
}
pub(crate) use calls;
