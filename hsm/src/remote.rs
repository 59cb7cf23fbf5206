//! Applications on other machines: known by the certificate they showed, and held to one instance.

use crate::event::Person;
use crate::ports::Peer;

/// An application on another machine.
#[derive(Clone, Debug)]
pub struct Remote {
    /// The instance whose certificate it showed: it opens the partitions of that one.
    pub instance: u64,
    /// For people: the instance, the certificate and the address it comes from.
    pub name: String,
    /// What tells the certificate from others.
    pub certificate: String,
}

impl Remote {
    /// In place of a process of this machine: nobody's number.
    pub const PEER: Peer = Peer { uid: u32::MAX, gid: u32::MAX, pid: 0 };

    /// Whether both are the same client: connections of one application come from several ports.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (self.instance, &self.certificate) == (other.instance, &other.certificate)
    }

    /// The client, as records name it.
    pub(crate) fn person(&self) -> Person<'_> {
        Person { name: &self.name, id: &self.certificate }
    }
}
