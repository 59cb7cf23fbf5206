//! `SDK-HMAC-SHA256`, `SDK-HMAC-SM3` and `V11-HMAC-SHA256` of Huawei Cloud's SDKs.
//!
//! A request carries `X-Sdk-Date` and `Authorization`. What is signed is its *canonical form* ([`canonical`]): method,
//! path, query, the headers that `Authorization` lists, and the hash of the body.
//!
//! - **What the scheme leaves open.** Paths are decoded before they are signed, so `/a%2Fb`, `/a/b` and `/a/b/` have one
//!   signature: who can change a request on its way (TLS keeps others out) can turn one into another. The order of the
//!   query's pairs is not signed either, and headers that are not listed are not protected at all.
//! - **One reading of the query.** What was signed and what is acted upon must be the same: take the parameters from
//!   [`pairs`], for which `+` is a plus sign and not a space, and from no other parser.
//! - **Replays.** There is no nonce: two honest requests of one second carry the same signature, which must not be refused.
//!   So nothing is remembered here, and a request that was overheard can be sent again until its date is [`WINDOW`] old.
//!   What stands against that is TLS.
//!
//! A server reads [`Authorization::of`] the request, looks for the secret of its access key, and calls [`verify`] whether it
//! found one or not. What [`Error::refusal`] says is the cloud's own answer.

mod authorization;
mod canonical;
mod date;
mod error;
mod message;
mod request;
mod scheme;
mod sign;
mod verify;

pub use authorization::{Authorization, SignedHeaders};
pub use canonical::{canonical_path, canonical_query, canonical_request, pairs, string_to_sign, target};
pub use date::Date;
pub use error::{Error, Refusal};
pub use message::Message;
pub use request::{Payload, Request};
pub use scheme::{Scheme, Scope};
pub use sign::{Credentials, sign};
pub use verify::{WINDOW, verify};

/// The names of the headers that the scheme knows, in lower case.
pub mod header {
    /// The signature and what it covers.
    pub const AUTHORIZATION: &str = "authorization";
    /// The host and port that the request is for.
    pub const HOST: &str = "host";
    /// When the request was signed.
    pub const DATE: &str = "x-sdk-date";
    /// What goes with a temporary access key.
    pub const SECURITY_TOKEN: &str = "x-security-token";
    /// The form of the body.
    pub const CONTENT_TYPE: &str = "content-type";
}

/// Bytes as lower-case hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
