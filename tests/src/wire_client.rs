//! A client that speaks the wire itself, for what no module would send.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;

use wire::calls::Call;
use wire::codec::{decode, encode};
use wire::handshake::{Hello, Welcome};
use wire::{Rv, frame};

/// A connection of its own application.
pub struct Client(pub UnixStream);

impl Client {
    /// Opens a connection over a socket.
    ///
    /// # Errors
    /// The code and the reason with which the daemon refused it.
    ///
    /// # Panics
    /// If the daemon closes it without a word.
    pub fn over(mut socket: UnixStream) -> Result<Self, (Rv, String)> {
        let mut bytes = Vec::new();
        frame::begin(&mut bytes);
        encode(&Hello::new(None), &mut bytes).expect("a greeting has an encoding");
        frame::end(&mut bytes, &mut socket).expect("a greeting can be sent");
        frame::read(&mut socket, &mut bytes).expect("an answer to the greeting");
        match decode(&bytes).expect("a welcome") {
            Welcome::Open(_) => Ok(Self(socket)),
            Welcome::Refused { rv, reason } => Err((rv, reason)),
        }
    }

    /// Makes a call.
    ///
    /// # Errors
    /// The daemon's code.
    ///
    /// # Panics
    /// If the connection breaks.
    pub fn call<C: Call>(&mut self, call: &C) -> Result<C::Reply, Rv> {
        self.try_call(call).unwrap_or_else(|error| panic!("{}: {error}", C::NAME))
    }

    /// Makes a call on a connection that may break.
    ///
    /// # Errors
    /// How it broke; within that, the daemon's code.
    ///
    /// # Panics
    /// If the reply does not decode.
    pub fn try_call<C: Call>(&mut self, call: &C) -> io::Result<Result<C::Reply, Rv>> {
        let mut request = Vec::new();
        frame::begin(&mut request);
        request.extend_from_slice(&C::CODE.to_le_bytes());
        encode(call, &mut request).expect("a call has an encoding");
        frame::end(&mut request, &mut self.0)?;
        let mut reply = Vec::new();
        frame::read(&mut self.0, &mut reply)?;
        let (rv, rest) = reply.split_first_chunk().expect("an answer begins with its code");
        match Rv(u64::from_le_bytes(*rv)) {
            Rv::OK => Ok(Ok(decode(rest).expect("a reply"))),
            rv => Ok(Err(rv)),
        }
    }

    /// Sends bytes as they are.
    ///
    /// # Panics
    /// If the daemon has closed the connection.
    pub fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).expect("the daemon reads");
    }
}
