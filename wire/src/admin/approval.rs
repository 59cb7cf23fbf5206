//! Approvals: a command that needs several people is signed by each of them.
//!
//! The daemon makes a [`Request`] of a command; people sign its [`message`](Request::message), on whatever machine;
//! the signatures come back as [`Approval`]s, and the same command with enough of them is carried out, once.

use serde::{Deserialize, Serialize};

use super::people::hex;
use super::{Act, Command, Role};
use crate::{Bytes, List};

/// The context of a signature that approves.
pub const APPROVE: &str = "Claviger approval";
/// The most rules that a list brings: there are not that many commands.
pub const MAX_RULES: usize = 1024;
/// The most details of a command.
pub const MAX_DETAILS: usize = 256;

/// What the console asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// Sets how many must approve a command.
    SetQuorum {
        /// The command.
        command: Command,
        /// How many; 0 needs none.
        needed: u8,
        /// As what they must be registered.
        role: Role,
    },
    /// Every command that needs approvals.
    Quorum,
    /// A request to approve a command.
    Request {
        /// The command.
        command: Command,
        /// What it is about.
        object: Option<String>,
        /// The partition, if that is not the object.
        partition: Option<String>,
        /// What else decides what it does.
        details: List<(String, String), MAX_DETAILS>,
        /// For how many seconds it can be used.
        valid: u64,
    },
    /// An approval, for the next command on this connection that needs it.
    Present(Approval),
}

impl Ask {
    /// What the command is to roles, approvals and the audit log.
    pub(super) fn act(&self) -> Act<'_> {
        match self {
            Self::SetQuorum { command, needed, role } => Act::new(Command::QuorumSet)
                .on(command.name())
                .with("needed", needed)
                .with("role", role.name()),
            Self::Quorum => Act::new(Command::QuorumList),
            Self::Request { command, object, .. } => Act::new(Command::ApprovalRequest)
                .with("command", command.name())
                .with("object", object.as_deref().unwrap_or_default()),
            Self::Present(approval) => Act::new(Command::ApprovalPresent)
                .with("command", &approval.request.command)
                .with("target", &approval.request.target)
                .with("ukey", hex(&approval.ukey)),
        }
    }
}

/// What the daemon tells the console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// To [`Ask::Quorum`].
    Quorum(List<Rule, MAX_RULES>),
    /// To [`Ask::Request`].
    Request(Request),
}

/// How many must approve a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The command's name.
    pub command: String,
    /// How many.
    pub needed: u8,
    /// As what they are registered.
    pub role: String,
    /// How many there are; none for a role of partitions, of which each has its own.
    pub of: Option<u64>,
}

/// What people are asked to approve. All of it is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The HSM's identity.
    pub hsm: [u8; 32],
    /// The command's name.
    pub command: String,
    /// What it is about, for people: partitions by label and serial number.
    pub target: String,
    /// What else decides what it does; never a secret.
    pub details: Vec<(String, String)>,
    /// By the daemon, used once.
    pub nonce: [u8; 32],
    /// Seconds since 1970 from which on it cannot be used.
    pub expires: u64,
    /// How many must approve.
    pub needed: u8,
    /// The name of the role that they must have.
    pub role: String,
}

/// A signature of one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// What is approved.
    pub request: Request,
    /// The id of the UKey that signed.
    pub ukey: [u8; 32],
    /// By it, over [`Request::message`], in the context [`APPROVE`].
    pub signature: Bytes,
}

impl Request {
    /// The details as they are hashed: each name and each value with its length before it.
    #[must_use]
    pub fn details(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (name, value) in &self.details {
            put(&mut bytes, name);
            put(&mut bytes, value);
        }
        bytes
    }

    /// What is signed; `details` is the SHA-256 of [`Self::details`].
    #[must_use]
    pub fn message(&self, details: &[u8; 32]) -> Vec<u8> {
        let mut message = self.hsm.to_vec();
        put(&mut message, &self.command);
        put(&mut message, &self.target);
        message.extend_from_slice(details);
        message.extend_from_slice(&self.nonce);
        message.extend(self.expires.to_be_bytes());
        message.push(self.needed);
        put(&mut message, &self.role);
        message
    }
}

fn put(to: &mut Vec<u8>, text: &str) {
    to.extend((text.len() as u64).to_be_bytes());
    to.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        Request {
            hsm: [1; 32],
            command: "partition delete".into(),
            target: "p1".into(),
            details: vec![("a".into(), "bc".into())],
            nonce: [2; 32],
            expires: 3,
            needed: 2,
            role: "hsm-so".into(),
        }
    }

    #[test]
    fn whatever_is_changed_in_a_request_changes_what_is_signed() {
        let one = request();
        let same = |other: &Request| other.message(&[0; 32]) == one.message(&[0; 32]);
        assert!(same(&one));
        for changed in [
            Request { hsm: [9; 32], ..request() },
            Request { command: "partition deletep".into(), target: "1".into(), ..request() },
            Request { target: "p2".into(), ..request() },
            Request { nonce: [9; 32], ..request() },
            Request { expires: 4, ..request() },
            Request { needed: 1, ..request() },
            Request { role: "auditor".into(), ..request() },
        ] {
            assert!(!same(&changed), "{changed:?}");
        }
        assert_ne!(one.message(&[0; 32]), one.message(&[1; 32]));
        let moved = Request { details: vec![("ab".into(), "c".into())], ..request() };
        assert_ne!(moved.details(), one.details());
    }
}
