//! What crosses the socket between a PKCS#11 module (or the console) and the daemon.
//!
//! Calls are rows of one table ([`calls`]), frames are bounded ([`frame`]), and a connection opens with a
//! [`handshake`] that carries, as data, everything the module has to know of mechanisms and attributes.
#![forbid(unsafe_code)]

pub mod admin;
pub mod bytes;
pub mod calls;
pub mod codec;
pub mod frame;
pub mod handles;
pub mod handshake;
pub mod info;
pub mod layout;
pub mod list;
pub mod mechanism;
pub mod output;
pub mod repeat;
pub mod rv;
pub mod template;
pub mod watch;

pub use bytes::{Bytes, Slice};
pub use handles::{MechanismId, ObjectHandle, SessionHandle, SlotId};
pub use list::List;
pub use mechanism::{Mechanism, Params, Value};
pub use output::{Output, OutputSlice, Room};
pub use repeat::Repeat;
pub use rv::Rv;
pub use template::{Attribute, AttributeType, Template};
