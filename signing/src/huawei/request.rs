//! A request as it came: nothing decoded, nothing changed.

use super::Error;

/// A request, as it is on the wire: an HTTP parser has seen to it that no method, name or value has an end of line within.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Its method, such as `POST`.
    pub method: &'a str,
    /// The target before the first `?`, still percent-encoded.
    pub path: &'a str,
    /// The target behind the first `?`, still percent-encoded; empty if there is none.
    pub query: &'a str,
    /// Its headers; upper and lower case of the names are alike.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// Its body; empty if there is none.
    pub body: &'a [u8],
}

/// Whether a call takes a body that is not signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    /// The body must be signed: every call but those that say otherwise.
    Signed,
    /// `UNSIGNED-PAYLOAD` is taken, of a body that is neither JSON nor BSON: a form, for which the SDK does not sign it.
    MayBeUnsigned,
}

impl<'a> Request<'a> {
    /// The value of the header `name` (in lower case), without spaces around it.
    ///
    /// # Errors
    /// `Repeated` if it is there more than once.
    pub fn header(&self, name: &str) -> Result<Option<&'a [u8]>, Error> {
        let mut values = self.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        let first = values.next().map(|(_, value)| value.trim_ascii());
        match values.next() {
            None => Ok(first),
            Some(_) => Err(Error::Repeated(name.to_owned())),
        }
    }

    /// The value of a header that must be there.
    ///
    /// # Errors
    /// `Missing` if it is not, `Repeated` if it is there more than once.
    pub fn required(&self, name: &'static str) -> Result<&'a [u8], Error> {
        self.header(name)?.ok_or(Error::Missing(name))
    }
}
