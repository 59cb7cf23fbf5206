//! What an instance can be: its edition, and its type, which decides what it offers.

use serde::{Deserialize, Serialize};

/// The edition of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Edition {
    /// Partitions, connections and addresses of its own.
    Platinum,
}

impl Edition {
    /// The edition of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        (name == Self::Platinum.name()).then_some(Self::Platinum)
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Platinum => "platinum",
        }
    }
}

/// The type of an instance: given when it is activated, and never changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Type {
    /// All that the HSM can do.
    Server,
    /// What banks do.
    Finance,
    /// Signatures, digests and envelopes.
    Signature,
}

/// For those who sign and verify, and pass on what only the recipient opens: key pairs, signatures, digests, and a
/// content key under an RSA key.
const SIGNATURE: &[&str] = &[
    "CKM_RSA_PKCS_KEY_PAIR_GEN",
    "CKM_EC_KEY_PAIR_GEN",
    "CKM_EC_EDWARDS_KEY_PAIR_GEN",
    "CKM_RSA_PKCS",
    "CKM_RSA_PKCS_PSS",
    "CKM_ECDSA",
    "CKM_EDDSA",
    "CKM_DSA_PARAMETER_GEN",
    "CKM_DSA_KEY_PAIR_GEN",
    "CKM_DSA",
    "CKM_RSA_PKCS_OAEP",
    "CKM_RSA_AES_KEY_WRAP",
    "CKM_AES_KEY_GEN",
    "CKM_AES_CBC_PAD",
    "CKM_AES_GCM",
];

/// For issuers and processors of payments: keys under keys, MACs and codes, ciphers, signatures, digests. Not the
/// ciphers of disks, nor keys and signatures of curves, DSA and agreements modulo a prime, which no payment scheme knows.
const FINANCE: &[&str] = &[
    "CKM_RSA_PKCS_KEY_PAIR_GEN",
    "CKM_EC_KEY_PAIR_GEN",
    "CKM_AES_KEY_GEN",
    "CKM_GENERIC_SECRET_KEY_GEN",
    "CKM_RSA_PKCS",
    "CKM_RSA_PKCS_PSS",
    "CKM_RSA_PKCS_OAEP",
    "CKM_RSA_AES_KEY_WRAP",
    "CKM_ECDSA",
    "CKM_ECDH1_DERIVE",
    "CKM_ECDH1_COFACTOR_DERIVE",
    "CKM_AES_ECB",
    "CKM_AES_CBC",
    "CKM_AES_CBC_PAD",
    "CKM_AES_CTR",
    "CKM_AES_GCM",
    "CKM_AES_CMAC",
    "CKM_AES_CMAC_GENERAL",
    "CKM_AES_KEY_WRAP",
    "CKM_AES_KEY_WRAP_KWP",
    "CKM_AES_KEY_WRAP_PAD",
];

impl Type {
    /// Every type.
    pub const ALL: [Self; 3] = [Self::Server, Self::Finance, Self::Signature];

    /// The type of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Finance => "finance",
            Self::Signature => "signature",
        }
    }

    /// Its name for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Server => "Server",
            Self::Finance => "Finance",
            Self::Signature => "Signature verification server",
        }
    }

    /// What it offers, for people.
    #[must_use]
    pub const fn services(self) -> &'static [&'static str] {
        match self {
            Self::Server => &[
                "key management",
                "data signing",
                "signature verification",
                "data encryption and decryption",
            ],
            Self::Finance => &[
                "key management",
                "IC card issuing",
                "transaction verification",
                "data encryption",
                "digital signatures",
                "dynamic password authentication",
            ],
            Self::Signature => &["digital signatures", "digital envelopes", "digital digests"],
        }
    }

    /// Whether it offers a mechanism, by its name in the standard.
    #[must_use]
    pub fn offers(self, mechanism: &str) -> bool {
        match self {
            Self::Server => true,
            Self::Finance => {
                FINANCE.contains(&mechanism) || is_of_payments(mechanism) || is_national(mechanism)
            }
            Self::Signature => {
                let national = mechanism == "CKM_SM3" || mechanism.starts_with("CKM_SM2");
                SIGNATURE.contains(&mechanism)
                    || is_digest(mechanism)
                    || is_signature(mechanism)
                    || national
                    || mechanism.starts_with("CKM_DSA_SHA")
            }
        }
    }

    /// The mechanisms on offer, of those that the HSM has; none means all.
    pub fn mechanisms<'a>(self, all: impl Iterator<Item = (u64, &'a str)>) -> Option<Vec<u64>> {
        if self == Self::Server {
            return None;
        }
        let mut offered: Vec<_> = all.filter(|(_, name)| self.offers(name)).map(|(id, _)| id).collect();
        offered.sort_unstable();
        Some(offered)
    }
}

/// `CKM_SHA256`, `CKM_SHA3_256`, `CKM_SHA512_256`, `CKM_SHA_1`.
fn is_digest(mechanism: &str) -> bool {
    let rest = mechanism.strip_prefix("CKM_SHA");
    rest.is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
    })
}

/// Signatures that digest first: `CKM_SHA256_RSA_PKCS`, `CKM_SHA256_RSA_PKCS_PSS`, `CKM_ECDSA_SHA256`.
fn is_signature(mechanism: &str) -> bool {
    let hashed = mechanism.starts_with("CKM_SHA");
    mechanism.starts_with("CKM_ECDSA_SHA")
        || hashed && (mechanism.ends_with("_RSA_PKCS") || mechanism.ends_with("_RSA_PKCS_PSS"))
}

/// `CKM_SHA256_HMAC` and `CKM_SHA256_HMAC_GENERAL`, of which one-time codes are made.
fn is_hmac(mechanism: &str) -> bool {
    mechanism.ends_with("_HMAC") || mechanism.ends_with("_HMAC_GENERAL")
}

/// SM2, SM3 and SM4, which payments in China are made with.
fn is_national(mechanism: &str) -> bool {
    ["CKM_SM2", "CKM_SM3", "CKM_SM4"].iter().any(|family| mechanism.starts_with(family))
}

fn is_of_payments(mechanism: &str) -> bool {
    is_digest(mechanism) || is_signature(mechanism) || is_hmac(mechanism)
}

#[cfg(test)]
mod tests {
    use hsm::mechanism::Mechanisms;

    use super::*;

    #[test]
    fn every_name_in_the_lists_is_a_mechanism_of_the_hsm() {
        let mechanisms = Mechanisms::standard();
        let known: Vec<_> = mechanisms.iter().map(|row| row.name).collect();
        for name in SIGNATURE.iter().chain(FINANCE) {
            assert!(known.contains(name), "{name}");
        }
    }

    /// Requirement: DHSM-036, DHSM-037, DHSM-038
    #[test]
    fn a_type_decides_which_mechanisms_are_on_offer() {
        let mechanisms = Mechanisms::standard();
        let offered = |of: Type| -> Vec<&str> {
            mechanisms.iter().map(|row| row.name).filter(|name| of.offers(name)).collect()
        };
        assert_eq!(offered(Type::Server).len(), mechanisms.iter().count());
        assert_eq!(Type::Server.mechanisms(std::iter::empty()), None);
        let (signature, finance) = (offered(Type::Signature), offered(Type::Finance));
        for name in ["CKM_SHA256", "CKM_SHA_1", "CKM_SHA384", "CKM_SHA256_RSA_PKCS", "CKM_ECDSA_SHA256"] {
            assert!(signature.contains(&name) && finance.contains(&name), "{name}");
        }
        for name in ["CKM_RSA_PKCS_OAEP", "CKM_AES_GCM", "CKM_EDDSA", "CKM_DSA", "CKM_DSA_SHA256"] {
            assert!(signature.contains(&name), "{name}: envelopes and signatures");
        }
        for name in ["CKM_AES_ECB", "CKM_AES_CMAC", "CKM_SHA256_HMAC", "CKM_AES_KEY_WRAP", "CKM_ECDH1_DERIVE"]
        {
            assert!(!signature.contains(&name) && finance.contains(&name), "{name}");
        }
        for name in
            ["CKM_AES_XTS", "CKM_EC_MONTGOMERY_KEY_PAIR_GEN", "CKM_EDDSA", "CKM_DSA", "CKM_DSA_SHA256"]
        {
            assert!(!finance.contains(&name), "{name}");
        }
        for name in ["CKM_DH_PKCS_DERIVE", "CKM_DH_PKCS_KEY_PAIR_GEN"] {
            assert!(!finance.contains(&name) && !signature.contains(&name), "{name}: on a server only");
        }
        assert!(Type::Finance.services().contains(&"IC card issuing"));
        assert!(Type::Server.services().contains(&"key management"));
        assert!(Type::Signature.services().contains(&"digital envelopes"));
    }
}
