//! The root key: who holds it, sealing, re-keying, zeroizing.

use serde::{Deserialize, Serialize};

use super::{Act, Command};
use crate::{Bytes, List};

/// The most UKeys that hold shares of one root key.
pub const MAX_HOLDERS: usize = 32;
/// What a share is sealed for, to its holder's UKey.
pub const SHARE: &[u8] = b"Claviger root key share";

/// What the console asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// Who keeps the root key, and whether the daemon is sealed.
    Show,
    /// Drops the HSM from memory.
    Seal,
    /// The share of the root key that is sealed to a UKey.
    Share {
        /// The UKey's id.
        ukey: [u8; 32],
    },
    /// A share of the root key, opened.
    Give {
        /// The share.
        share: Bytes,
    },
    /// Changes the root key, and maybe who keeps it.
    Change {
        /// Who keeps the new one; none leaves it to whoever keeps it now.
        custody: Option<NewCustody>,
    },
    /// Gives the store and every partition new keys, and seals everything anew.
    Rekey {
        /// Whether the answer waits until all is done, and tells how far it is.
        wait: bool,
    },
    /// How far that is.
    RekeyStatus,
    /// Destroys a partition for good, with sessions open on it or not.
    ZeroizePartition {
        /// Label, serial number or slot number.
        partition: String,
    },
    /// Destroys the HSM for good.
    ZeroizeHsm,
}

/// Who is to keep a new root key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NewCustody {
    /// The file that the configuration names.
    File,
    /// Whoever knows this.
    Passphrase(Bytes),
    /// The holders of these UKeys, so many of them together.
    UKeys {
        /// How many open the store.
        need: u8,
        /// The UKeys' public halves, as the crate `ukey` writes them.
        publics: List<Bytes, MAX_HOLDERS>,
    },
    /// A key on another PKCS#11 token.
    Token {
        /// The path of its module, on the daemon's machine.
        module: String,
        /// The token's label.
        token: String,
        /// The key's label.
        key: String,
        /// The token's PIN.
        pin: Bytes,
    },
}

impl NewCustody {
    /// The name that the console has for it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Passphrase(_) => "passphrase",
            Self::UKeys { .. } => "ukeys",
            Self::Token { .. } => "token",
        }
    }
}

impl Ask {
    /// What the command is to roles, approvals and the audit log.
    pub(super) fn act(&self) -> Act<'_> {
        match self {
            Self::Show => Act::new(Command::RootShow),
            Self::Seal => Act::new(Command::Seal),
            Self::Share { .. } | Self::Give { .. } => Act::new(Command::Unseal),
            Self::Change { custody } => {
                let act = Act::new(Command::RekeyRoot);
                match custody {
                    None => act,
                    Some(custody @ NewCustody::UKeys { need, publics }) => {
                        // What is approved is these very UKeys.
                        let ukeys = publics.iter().map(|public| hex(public)).collect::<Vec<_>>().join(",");
                        act.with("custody", custody.name()).with("need", need).with("ukeys", ukeys)
                    }
                    Some(custody @ NewCustody::Token { module, token, key, .. }) => act
                        .with("custody", custody.name())
                        .with("module", module)
                        .with("token", token)
                        .with("key", key),
                    Some(custody) => act.with("custody", custody.name()),
                }
            }
            Self::Rekey { .. } => Act::new(Command::Rekey),
            Self::RekeyStatus => Act::new(Command::RekeyStatus),
            Self::ZeroizePartition { partition } => Act::new(Command::ZeroizePartition).on(partition),
            Self::ZeroizeHsm => Act::new(Command::ZeroizeHsm),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the daemon tells the console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// To [`Ask::Show`], [`Ask::Give`] and [`Ask::Change`].
    Custody(Custody),
    /// To [`Ask::Share`]: the share, sealed to the UKey.
    Share(Bytes),
    /// To [`Ask::Rekey`] and [`Ask::RekeyStatus`]; none if no change of keys is under way.
    Rekey(Option<Rekey>),
}

/// Who keeps the root key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Custody {
    /// Whether the daemon is sealed.
    pub sealed: bool,
    /// `file`, `passphrase`, `ukeys` or `token`; empty if there is no store yet.
    pub kind: String,
    /// How many UKeys open the store; 0 where others keep the key.
    pub need: u8,
    /// The holders' UKeys.
    pub holders: List<Holder, MAX_HOLDERS>,
    /// The token's label; empty where others keep the key.
    pub token: String,
}

/// Who holds a share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The UKey's name.
    pub name: String,
    /// Its id, in hexadecimal.
    pub ukey: String,
    /// Whether the share was given and waits for the others.
    pub given: bool,
}

/// How far a change of keys is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rekey {
    /// Records sealed anew.
    pub done: u64,
    /// Those and the ones that are left.
    pub total: u64,
}
