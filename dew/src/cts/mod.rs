//! Cloud Trace Service: who did what to which resource, as its owner sees it in the last seven days. A trace is a record
//! of the audit log; this is what a trace says, what it must not say, and how traces are found again.

mod error;
mod index;
mod mask;
mod permit;
mod table;
mod trace;

use std::sync::Arc;

use hsm::Hsm;

pub use error::CtsError;
pub use index::{DAYS, Field, Filter, Found, Index};
pub use mask::Masked;
pub use table::{Act, TRACED, Traced, by_itself, traced};
pub use trace::{Kind, Rating, Trace, User, trace_id};

use crate::iam::Iam;

/// The CTS, but for the traces themselves: these are in the audit log.
pub struct Cts {
    hsm: Arc<Hsm>,
    iam: Arc<Iam>,
}

impl Cts {
    /// The CTS of an HSM.
    #[must_use]
    pub const fn new(hsm: Arc<Hsm>, iam: Arc<Iam>) -> Self {
        Self { hsm, iam }
    }

    /// Now, in milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.hsm.time_ms()
    }
}
