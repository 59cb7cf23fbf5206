//! One connection: the handshake, and one call after another, each one write and one read.

use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;

use wire::Rv;
use wire::calls::Call;
use wire::codec::{decode, encode, encode_around, reply as decoded};
use wire::frame::{self, HEADER, Reader};
use wire::handshake::{Hello, Welcome};

use crate::memory::system::{send, widen};
use crate::memory::watch::{Watch, receive};
use crate::memory::{Offer, Window};

use super::Application;
use super::operations::Front;
use super::patience::{Patient, Pending};

/// What a connection keeps of its buffers between calls, in bytes.
const KEEP: usize = 2 << 20;
/// What may be on its way to the daemon, in bytes.
const OUT: i32 = 1 << 20;
/// Data from so many bytes on is sent from where the caller has it, and output received where it will have it.
const LONG: usize = 16 << 10;

/// An open connection.
pub(super) struct Connection {
    stream: UnixStream,
    application: Arc<Application>,
    frame: Vec<u8>,
    replies: Reader,
}

/// A call that has no answer.
pub(super) enum Lost {
    /// The connection is dead, and the daemon has not taken the call.
    Untaken,
    /// The connection is dead, and whether the call was carried out is not known.
    Taken,
    /// The call was not sent, for this reason.
    Refused(Rv),
}

impl Connection {
    /// Connects, and joins the application if there is one yet.
    ///
    /// # Errors
    /// `DEVICE_REMOVED` if nobody listens, `HOST_MEMORY` if the process can open no more files, the daemon's
    /// code if it refuses, else `DEVICE_ERROR`.
    pub(super) fn open(path: &Path, known: Option<&Arc<Application>>) -> Result<Self, Rv> {
        let stream = UnixStream::connect(path).map_err(|error| unreachable(&error))?;
        widen(&stream, OUT);
        let (mut frame, mut replies) = (Vec::with_capacity(512), Reader::default());
        frame::begin(&mut frame);
        encode(&Hello::new(known.map(|known| known.token)), &mut frame).map_err(|_| Rv::DEVICE_ERROR)?;
        close_frame(&mut frame, 0)?;
        send(&stream, [&frame, &[], &[]]).map_err(|error| unreachable(&error))?;
        let mut daemon = Greeting { stream: &stream, file: None };
        let welcome = replies.next(&mut daemon).map_err(|error| unreachable(&error))?;
        let opened = match decode(welcome).map_err(|_| Rv::DEVICE_ERROR)? {
            Welcome::Open(opened) => opened,
            Welcome::Refused { rv, .. } => return Err(if rv == Rv::OK { Rv::DEVICE_ERROR } else { rv }),
        };
        let application = match known {
            Some(known) if known.token == opened.application => Arc::clone(known),
            _ => {
                let watch = daemon.file.as_ref().and_then(Watch::map);
                Arc::new(Application::new(*opened, known.map_or(1, |known| known.generation + 1), watch))
            }
        };
        replies.wipe(0);
        Ok(Self { stream, application, frame, replies })
    }

    /// The application it has joined.
    pub(super) const fn application(&self) -> &Arc<Application> {
        &self.application
    }

    /// The descriptor.
    pub(super) fn socket(&self) -> RawFd {
        self.stream.as_raw_fd()
    }

    /// Sends a call, waits for its answer, and hands the reply to `take` if the code is `CKR_OK`. The call `front`
    /// goes before it in the same write.
    ///
    /// # Errors
    /// [`Lost::Refused`] with `ARGUMENTS_BAD` if the call is longer than a frame, and the connection can be
    /// used again; else the connection is dead.
    pub(super) fn exchange<T>(
        &mut self,
        pending: &mut Pending<'_>,
        front: Option<&mut Front<'_>>,
        call: &impl Frame,
        take: &mut impl Take<T>,
    ) -> Result<Result<T, Rv>, Lost> {
        if !self.replies.is_empty() {
            return Err(Lost::Untaken);
        }
        self.frame.clear();
        if let Some(front) = &front {
            self.frame.extend_from_slice(front.frame);
        }
        let (at, data) = call.append_around(&mut self.frame).map_err(Lost::Refused)?;
        let (head, tail) = self.frame.split_at_checked(at).ok_or(Lost::Refused(Rv::GENERAL_ERROR))?;
        // A frame that was not sent in full is not carried out.
        send(&self.stream, [head, data, tail]).map_err(|_| Lost::Untaken)?;
        if let Some(front) = front {
            front.answer = Some(self.reply(pending, &mut |reply: &[u8]| decoded(reply))?);
        }
        let result = self.reply(pending, take)?;
        self.wipe();
        Ok(result)
    }

    fn reply<T>(
        &mut self,
        pending: &mut Pending<'_>,
        take: &mut impl Take<T>,
    ) -> Result<Result<T, Rv>, Lost> {
        let mut daemon = Patient { stream: &self.stream, call: pending };
        let (len, start) = match self.replies.begin(&mut daemon) {
            Ok(begun) => begun,
            // The daemon's end closed with a part of what was sent unread.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return Err(Lost::Untaken),
            Err(_) => return Err(Lost::Taken),
        };
        if len >= LONG
            && len > start.len()
            && let Some((&OK, start)) = start.split_first_chunk()
            && let Some(mut window) = take.window(start, len - OK.len())
        {
            self.replies.take_begun();
            daemon.fill(&mut window).map_err(|_| Lost::Taken)?;
            return Ok(take.filled(&window));
        }
        let reply = self.replies.next(&mut daemon).map_err(|_| Lost::Taken)?;
        let (rv, reply) = reply.split_first_chunk().ok_or(Lost::Taken)?;
        Ok(match Rv(u64::from_le_bytes(*rv)) {
            Rv::OK => take.take(reply),
            rv => Err(rv),
        })
    }

    /// Wipes what the last call left in the buffers.
    fn wipe(&mut self) {
        wire::bytes::wipe(&mut self.frame);
        if self.frame.capacity() > KEEP {
            self.frame = Vec::new();
        }
        self.replies.wipe(KEEP);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.wipe();
        // A child of this process may hold the descriptor too: the connection ends all the same.
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }
}

/// `CKR_OK`, as a reply begins with it.
const OK: [u8; 8] = Rv::OK.0.to_le_bytes();

/// What takes the reply to a call.
pub(super) trait Take<T> {
    /// Takes a reply as it was encoded.
    ///
    /// # Errors
    /// The code that the caller is to see.
    fn take(&mut self, reply: &[u8]) -> Result<T, Rv>;

    /// Where a long reply goes, of which there is a `start` and the whole has `len` bytes, if not into a buffer.
    fn window(&mut self, _start: &[u8], _len: usize) -> Option<Window> {
        None
    }

    /// The window has been filled.
    ///
    /// # Errors
    /// The code that the caller is to see.
    fn filled(&mut self, _window: &Window) -> Result<T, Rv> {
        Err(Rv::GENERAL_ERROR)
    }
}

impl<T, F: FnMut(&[u8]) -> Result<T, Rv>> Take<T> for F {
    fn take(&mut self, reply: &[u8]) -> Result<T, Rv> {
        self(reply)
    }
}

/// Output goes to the caller's memory, from the frame or, if it is long, from the socket.
impl Take<()> for &Offer {
    fn take(&mut self, reply: &[u8]) -> Result<(), Rv> {
        self.fill(decoded(reply)?)
    }

    fn window(&mut self, start: &[u8], len: usize) -> Option<Window> {
        Offer::window(self, start, len)
    }

    fn filled(&mut self, window: &Window) -> Result<(), Rv> {
        Offer::filled(self, window);
        Ok(())
    }
}

/// What goes out as a frame.
pub(super) trait Frame {
    /// Appends the frame.
    ///
    /// # Errors
    /// `ARGUMENTS_BAD` if it is longer than a frame can be.
    fn append(&self, to: &mut Vec<u8>) -> Result<(), Rv>;

    /// Appends the frame but for its data if that is long: answers where in `to` it belongs, and the data.
    ///
    /// # Errors
    /// As [`Frame::append`].
    fn append_around(&self, to: &mut Vec<u8>) -> Result<(usize, &[u8]), Rv> {
        self.append(to)?;
        Ok((to.len(), &[]))
    }

    /// Whether it takes long to send.
    fn is_long(&self) -> bool {
        false
    }
}

impl<C: Call> Frame for C {
    fn append(&self, to: &mut Vec<u8>) -> Result<(), Rv> {
        let at = to.len();
        to.extend_from_slice(&[0; HEADER]);
        to.extend_from_slice(&C::CODE.to_le_bytes());
        encode(self, to).map_err(|_| Rv::GENERAL_ERROR)?;
        close_frame(to.get_mut(at..).unwrap_or_default(), 0)
    }

    fn is_long(&self) -> bool {
        self.data().len() >= LONG
    }

    fn append_around(&self, to: &mut Vec<u8>) -> Result<(usize, &[u8]), Rv> {
        let data = self.data();
        if !self.is_long() {
            self.append(to)?;
            return Ok((to.len(), &[]));
        }
        let at = to.len();
        to.extend_from_slice(&[0; HEADER]);
        to.extend_from_slice(&C::CODE.to_le_bytes());
        let gap = encode_around(self, data, to).map_err(|_| Rv::GENERAL_ERROR)?.ok_or(Rv::GENERAL_ERROR)?;
        close_frame(to.get_mut(at..).unwrap_or_default(), data.len())?;
        Ok((gap, data))
    }
}

/// A frame that was made before.
pub(super) struct Made<'a>(pub(super) &'a [u8]);

impl Frame for Made<'_> {
    fn append(&self, to: &mut Vec<u8>) -> Result<(), Rv> {
        to.extend_from_slice(self.0);
        Ok(())
    }
}

/// The daemon's first frame, and the file that comes with it.
struct Greeting<'a> {
    stream: &'a UnixStream,
    file: Option<OwnedFd>,
}

impl Read for Greeting<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let (read, file) = receive(self.stream, to)?;
        self.file = self.file.take().or(file);
        Ok(read)
    }
}

/// Writes a frame's length into it, `more` bytes of which are elsewhere.
fn close_frame(frame: &mut [u8], more: usize) -> Result<(), Rv> {
    frame::close_with(frame, more).map_err(|_| Rv::ARGUMENTS_BAD)
}

/// The code for a daemon that cannot be reached.
fn unreachable(error: &io::Error) -> Rv {
    match error.kind() {
        ErrorKind::NotFound
        | ErrorKind::ConnectionRefused
        | ErrorKind::ConnectionReset
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof => Rv::DEVICE_REMOVED,
        ErrorKind::OutOfMemory => Rv::HOST_MEMORY,
        _ => match error.raw_os_error() {
            Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM) => Rv::HOST_MEMORY,
            _ => Rv::DEVICE_ERROR,
        },
    }
}
