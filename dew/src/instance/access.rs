//! Who reaches an instance: the allow-list, the public door, and certificates.

use std::net::SocketAddr;

use super::network::{Cidr, MAX_ALLOWED};
use super::record::{Activation, Instance, Issued};
use super::{InstanceError, Instances, Step};

/// The most certificates of an instance.
pub const MAX_CLIENTS: usize = 256;

impl Instances<'_> {
    /// Lets clients come from a range of addresses.
    ///
    /// # Errors
    /// `OutOfOrder`, `AllowedAlready`, `TooManyAllowed`; what the vault says.
    pub fn allow(self, name: &str, range: Cidr) -> Result<Instance, InstanceError> {
        let details = [("from", range.to_string())];
        self.open(name, "allow clients of an instance", &details, |activation| {
            if activation.allowed.contains(&range) {
                return Err(InstanceError::AllowedAlready(range));
            }
            if activation.allowed.len() >= MAX_ALLOWED {
                return Err(InstanceError::TooManyAllowed(MAX_ALLOWED));
            }
            activation.allowed.push(range);
            Ok(())
        })
    }

    /// Lets clients come from there no more.
    ///
    /// # Errors
    /// `OutOfOrder`, `NotAllowed`; what the vault says.
    pub fn disallow(self, name: &str, range: Cidr) -> Result<Instance, InstanceError> {
        let details = [("from", range.to_string())];
        self.open(name, "refuse clients of an instance", &details, |activation| {
            let before = activation.allowed.len();
            activation.allowed.retain(|allowed| *allowed != range);
            if activation.allowed.len() == before {
                return Err(InstanceError::NotAllowed(range));
            }
            Ok(())
        })
    }

    /// Opens a door for the public, or closes it.
    ///
    /// # Errors
    /// `OutOfOrder`, `Port`; what the vault says.
    pub fn publish(self, name: &str, door: Option<SocketAddr>) -> Result<Instance, InstanceError> {
        if door.is_some_and(|door| door.port() == 0) {
            return Err(InstanceError::Port);
        }
        let details = [("at", door.map_or_else(|| "none".into(), |door| door.to_string()))];
        self.open(name, "set the public address of an instance", &details, |activation| {
            activation.public = door;
            Ok(())
        })
    }

    fn open(
        self,
        name: &str,
        action: &'static str,
        details: &[(&str, String)],
        change: impl FnOnce(&mut Activation) -> Result<(), InstanceError>,
    ) -> Result<Instance, InstanceError> {
        self.step(name, Step::Open, action, details, |instance| {
            change(instance.activation.as_mut().ok_or(InstanceError::Malformed)?)
        })
    }

    /// An instance that can give certificates now.
    ///
    /// # Errors
    /// `OutOfOrder`, `NotInitialised`, `ClientTwice`, `TooManyClients`; what the vault says.
    pub fn certifying(self, name: &str, client: &str) -> Result<Instance, InstanceError> {
        check_label("a client", client)?;
        let instance = self.ready(name, Step::Certify)?.instance;
        if !instance.initialised {
            let next = instance.next(self.now());
            return Err(InstanceError::NotInitialised { name: instance.name, next });
        }
        let access = instance.access.as_ref().ok_or(InstanceError::Malformed)?;
        if access.issued.iter().any(|issued| issued.client == client) {
            return Err(InstanceError::ClientTwice(client.to_owned()));
        }
        if access.issued.len() >= MAX_CLIENTS {
            return Err(InstanceError::TooManyClients(MAX_CLIENTS));
        }
        Ok(instance)
    }

    /// Takes a certificate for good that the instance's authority has signed for a client.
    ///
    /// # Errors
    /// As [`Self::certifying`].
    pub fn certified(self, name: &str, client: &str, digest: [u8; 32]) -> Result<Instance, InstanceError> {
        self.certifying(name, client)?;
        let issued = Issued { client: client.to_owned(), digest, at: self.now() };
        let details = [("client", client.to_owned()), ("certificate", hex(&digest))];
        self.step(name, Step::Certify, "give a certificate of an instance", &details, |instance| {
            instance.access.as_mut().ok_or(InstanceError::Malformed)?.issued.push(issued);
            Ok(())
        })
    }

    /// Takes a client's certificate for good no more.
    ///
    /// # Errors
    /// `NoClient`; what the vault says.
    pub fn revoke(self, name: &str, client: &str) -> Result<Instance, InstanceError> {
        let details = [("client", client.to_owned())];
        self.change(name, "revoke a certificate of an instance", &details, |instance| {
            let issued = &mut instance.access.as_mut().ok_or(InstanceError::Malformed)?.issued;
            let before = issued.len();
            issued.retain(|one| one.client != client);
            if issued.len() == before { Err(InstanceError::NoClient(client.to_owned())) } else { Ok(()) }
        })
    }
}

/// Refuses a name that would not be read as it is.
pub(super) fn check_label(what: &'static str, label: &str) -> Result<(), InstanceError> {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"_- ".contains(&byte);
    let fits = (1..=64).contains(&label.len()) && label.trim() == label && label.bytes().all(is_good);
    if fits { Ok(()) } else { Err(InstanceError::Label(what)) }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
