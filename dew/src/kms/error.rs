//! Why the KMS does not do something: one table from the reason to the code and status of the cloud's interface.

use crate::iam::IamError;
use crate::tag::TagError;

macro_rules! errors {
    ($($(#[$doc:meta])* $name:ident $(($detail:ty))? = $status:literal $code:literal $text:literal;)*) => {
        /// Why not. Nothing was changed.
        #[derive(Debug, thiserror::Error)]
        pub enum KmsError {
            $($(#[$doc])* #[error($text)] $name $(($detail))?,)*
            /// The HSM refused or failed.
            #[error("the HSM says: {0}")]
            Hsm(#[from] hsm::Error),
            /// The directory of accounts refused or failed.
            #[error("{0}")]
            Iam(#[from] IamError),
            /// A tag is wrong.
            #[error("{0}")]
            Tag(#[from] TagError),
        }

        impl KmsError {
            /// The HTTP status and the code, as the interface has them.
            #[must_use]
            pub fn code(&self) -> (u16, &'static str) {
                match self {
                    $(Self::$name { .. } => ($status, $code),)*
                    Self::Hsm(error) => hsm_code(error),
                    Self::Iam(_) => (500, "KMS.0101"),
                    Self::Tag(error) => tag_code(error),
                }
            }
        }
    };
}

errors! {
    // The request.
    /// A parameter that must be there is not.
    Missing(&'static str) = 400 "KMS.0204" "{0} is required";
    /// A key's id is no id.
    BadKeyId = 400 "KMS.0205" "key_id is malformed: expected 36 characters such as 0d0466b0-e727-4d9c-b35d-f84bb474a37f, or an alias";
    /// `sequence`
    BadSequence = 400 "KMS.0206" "sequence is malformed: expected a UUID of 36 characters";
    /// Another parameter is wrong.
    Field(String) = 400 "KMS.0308" "{0}";
    /// The name of a key.
    BadName(String) = 400 "KMS.1101" "{0}";
    /// The description of a key.
    BadDescription = 400 "KMS.1103" "key_description has at most 255 characters";
    /// The type of a key.
    BadSpec(String) = 400 "KMS.1110" "{0}";
    /// How many of a page.
    BadLimit(String) = 400 "KMS.1601" "{0}";
    /// Where a page begins.
    BadMarker(String) = 400 "KMS.1602" "{0}";
    /// `offset`
    BadOffset(String) = 400 "KMS.1603" "{0}";

    // What is there.
    /// No such key, or one that is not for this caller to know of.
    NoKey = 404 "KMS.0207" "the key does not exist";
    /// Neither an id nor an alias of the project.
    NoAlias = 404 "KMS.0207" "the key does not exist: key_id is neither an id nor an alias of the project";
    /// No such key store.
    NoKeyStore = 404 "KMS.0316" "the key store does not exist";
    /// Its keys cannot be used now.
    StoreDisabled = 400 "KMS.0317" "the key store is disabled";
    /// The name is another key store's.
    StoreNameTaken = 400 "KMS.0318" "the project has a key store of this name";
    /// It still has keys.
    StoreHasKeys = 400 "KMS.0308" "the key store has keys: they go first";
    /// Keys of stores stay as they are.
    StoreRotates = 400 "KMS.0338" "keys in key stores are not rotated";
    /// The same.
    StoreImports = 400 "KMS.0339" "material is not imported into keys in key stores";
    /// No tags, where some are wanted.
    NoTags = 400 "KMS.0401" "there are no tags";
    /// Too many tags at once.
    TooManyTags(usize) = 400 "KMS.0407" "there are at most {0} tags in a request";
    /// What is searched for beside tags.
    BadMatches(String) = 400 "KMS.0415" "{0}";
    /// What is to be done with tags.
    BadAction(String) = 400 "KMS.0404" "{0}";
    /// A count has no pages.
    NoOffset = 400 "KMS.0418" "offset is not for the action count";
    /// A tag that a tag policy refuses.
    TagPolicy(String) = 400 "KMS.5022" "{0}";
    /// No such alias, policy or access point.
    NoSuch(&'static str) = 404 "KMS.0207" "the {0} does not exist";
    /// The name or alias is another key's.
    NameTaken = 400 "KMS.1104" "the alias is already taken";
    /// No more keys.
    KeyQuota(usize) = 400 "KMS.1105" "the quota of {0} keys is used up";
    /// No more of something else.
    Quota(String) = 400 "KMS.2301" "{0}";

    // The state of a key.
    /// It is disabled.
    Disabled = 400 "KMS.0209" "the key is disabled";
    /// It waits for its deletion.
    PendingDeletion = 400 "KMS.0210" "the key is pending deletion";
    /// It has no material.
    PendingImport = 400 "KMS.0309" "the key is pending import: it has no material";
    /// Not on a default key.
    DefaultKey = 400 "KMS.0211" "the operation is not allowed on a default key";
    /// Only keys whose material came from outside.
    NotExternal = 400 "KMS.0309" "the operation is only for keys of external origin";
    /// It has its material.
    NotPendingImport = 400 "KMS.0310" "the key is not pending import";
    /// Enabling a key that is not disabled.
    NotDisabled = 400 "KMS.1201" "the key is not disabled";
    /// Disabling a key that is not enabled.
    NotEnabled = 400 "KMS.1301" "the key is not enabled";
    /// When a key is to go.
    BadDays = 400 "KMS.1401" "pending_days is from 7 to 1096";
    /// It waits for its deletion already.
    AlreadyPending = 400 "KMS.1402" "the key is pending deletion already";
    /// It does not wait for its deletion.
    NotPending = 400 "KMS.1501" "the key is not pending deletion";
    /// A primary key with replicas.
    HasReplicas = 400 "KMS.0308" "the key has replicas in other regions: delete those first";

    // Material from elsewhere.
    /// The token is too old, or another has taken its place.
    TokenExpired = 400 "KMS.2601" "the import token has expired: get the parameters for the import again";
    /// When imported material is to go.
    ExpiresInPast = 400 "KMS.2602" "expiration_time is in the past";
    /// The token is another key's.
    OtherToken = 400 "KMS.2603" "the import token is not one of this key";
    /// Imported material has another length.
    MaterialLength(u64) = 400 "KMS.2604" "the key material must have {0} bytes";
    /// The token is none.
    BadToken = 400 "KMS.2605" "the import token is not one that was given out";
    /// A key takes its first material again, and no other.
    OtherMaterial = 400 "KMS.2606" "the key takes only the material that was first imported into it";
    /// A private key must come with it.
    NoPrivateKey = 400 "KMS.2608" "encrypted_privatekey is required for an asymmetric key";
    /// A private key is damaged, or of another type.
    BadPrivateKey = 400 "KMS.2609" "encrypted_privatekey is not a PKCS #8 private key of the key's type, wrapped with the temporary key";
    /// The key that a private key is wrapped with.
    TemporaryKey = 400 "KMS.2610" "the temporary key must have 16 or 32 bytes";
    /// It does not open with the wrapping key.
    BadMaterial = 400 "KMS.0311" "encrypted_key_material was not encrypted with the wrapping key of this token";
    /// Material goes only from a key that can be used, or was disabled.
    NotDeletable = 400 "KMS.2701" "material can be deleted only of a key that is enabled or disabled";
    /// The material of asymmetric keys goes with the key alone.
    KeepsMaterial = 400 "KMS.2702" "the imported material of an asymmetric key cannot be deleted";

    // Rotation.
    /// Imported material is not rotated.
    ExternalRotates = 400 "KMS.0312" "keys of external origin cannot be rotated";
    /// It is not rotated.
    DoesNotRotate = 400 "KMS.0313" "rotation is not enabled for the key";
    /// Asymmetric keys are replaced by others.
    AsymmetricRotates = 400 "KMS.0324" "asymmetric keys cannot be rotated";
    /// Keys in several regions.
    MultiRotates = 400 "KMS.0319" "a key that is in several regions cannot be rotated";
    /// It is rotated already.
    AlreadyRotates = 400 "KMS.2901" "rotation is enabled already";
    /// Days between rotations.
    RotationDays = 400 "KMS.3001" "rotation_interval is from 30 to 365 days";

    /// Only the primary key of several regions does it.
    NotPrimary = 400 "KMS.0106" "the key is a replica: ask in its primary region";

    // Grants.
    /// Who can only pass on has nothing to pass on.
    CreateGrantAlone = 400 "KMS.2401" "a grant gives something beside create-grant";
    /// The user or account is unknown.
    BadGrantee(&'static str) = 400 "KMS.2402" "grantee_principal and retiring_principal are ids of users or accounts: there is no such {0}";
    /// No more grants on a key.
    GrantQuota(usize) = 400 "KMS.2404" "the key has {0} grants, and more there cannot be";
    /// No such grant.
    NoGrant = 400 "KMS.2501" "the grant does not exist";
    /// The grant is on another key.
    OtherKeysGrant = 400 "KMS.2502" "the grant is not on this key";

    // Capsules.
    /// What was shown is not what must be.
    BadAttestation(&'static str) = 400 "KMS.3804" "attestation_document: expected that {0}";
    /// A period that never is.
    EndsBeforeStart = 400 "KMS.2801" "end_time is not after start_time";

    // What a key can do.
    /// Not with an asymmetric key.
    Asymmetric = 400 "KMS.0325" "the operation is not supported for an asymmetric key";
    /// Not with a symmetric key.
    Symmetric = 400 "KMS.0331" "the operation is not supported for a symmetric key";
    /// Not with this algorithm.
    Algorithm(String) = 400 "KMS.0332" "{0}";
    /// A key for encryption that should do something else.
    ForEncryption = 400 "KMS.0334" "the key's usage is ENCRYPT_DECRYPT";
    /// A key for signatures that should do something else.
    ForSignatures = 400 "KMS.0335" "the key's usage is SIGN_VERIFY";
    /// Not with a key for MACs.
    ForMacs = 400 "KMS.0341" "the operation is not supported for an HMAC key";
    /// Elliptic curves do not encrypt.
    CurveEncrypts = 400 "KMS.1114" "EC keys cannot encrypt or decrypt";
    /// Symmetric keys do not sign.
    SymmetricSigns = 400 "KMS.1115" "symmetric keys cannot sign or verify";
    /// The length of a digest.
    DigestLength(String) = 400 "KMS.0329" "{0}";

    // Data.
    /// How much is to be random.
    RandomLength = 400 "KMS.1801" "random_data_length is from 8 to 8192 bits";
    /// As above.
    RandomMultiple = 400 "KMS.1802" "random_data_length is a multiple of 8";
    /// How long a data key is to be.
    DataKeyLength = 400 "KMS.1901" "datakey_length is from 8 to 8192 bits";
    /// The type of a data key.
    DataKeySpec(String) = 400 "KMS.1902" "{0}";
    /// As above.
    DataKeyMultiple = 400 "KMS.1903" "datakey_length is a multiple of 8";
    /// Plain text.
    BadPlain(String) = 400 "KMS.2101" "{0}";
    /// The length of a data key in bytes.
    PlainLength = 400 "KMS.2102" "datakey_plain_length is from 1 to 1024";
    /// A data key came with another hash.
    PlainHash = 400 "KMS.2103" "the hash behind the data key is not that of the data key";
    /// A data key has another length.
    PlainDiffers = 400 "KMS.2104" "plain_text does not have the length that datakey_plain_length says";
    /// An algorithm of asymmetric keys.
    NotForSymmetric = 400 "KMS.2105" "the algorithm is not one of symmetric keys";
    /// An algorithm of symmetric keys, or of other asymmetric ones.
    NotForAsymmetric(String) = 400 "KMS.2106" "{0}";
    /// More than an RSA key takes.
    PlainTooLong(usize) = 400 "KMS.2108" "plain_text has at most {0} bytes for this key and algorithm";
    /// What was encrypted.
    BadCipher = 400 "KMS.2201" "cipher_text is not one that this key made, or the additional authenticated data is another";
    /// The length of a data key in bytes.
    CipherLength = 400 "KMS.2202" "datakey_cipher_length is from 1 to 1024";
    /// As above.
    CipherDiffers = 400 "KMS.2204" "the data key does not have the length that datakey_cipher_length says";

    // Who may.
    /// The caller may not do it.
    Forbidden(String) = 403 "KMS.0330" "{0}";
    /// The project is not the caller's.
    OtherProject = 403 "KMS.0321" "the project in the URL is not one of the caller's";

    // Ourselves.
    /// Something that cannot be.
    Internal(&'static str) = 500 "KMS.0103" "an internal rule does not hold: {0}";
    /// Two at once.
    Busy = 503 "KMS.0104" "somebody else changed it meanwhile: try again";
}

fn hsm_code(error: &hsm::Error) -> (u16, &'static str) {
    use hsm::Error;
    use hsm::vault::VaultError;
    match error {
        Error::Vault(VaultError::Conflict { .. }) => (503, "KMS.0104"),
        // It was disabled after it was looked at.
        Error::KeySuspended => (400, "KMS.0209"),
        // Its quorum lets a program use it that people have approved, which none is that comes here.
        Error::ApprovalMissing { .. } => (403, "KMS.0306"),
        Error::Vault(_) | Error::NotRecorded(_) => (500, "KMS.0102"),
        _ => (500, "KMS.0101"),
    }
}

const fn tag_code(error: &TagError) -> (u16, &'static str) {
    match error {
        TagError::NoKey | TagError::LongKey(_) => (400, "KMS.0411"),
        TagError::LongValue(_) => (400, "KMS.0410"),
        TagError::Spaces(_) | TagError::Reserved(_) | TagError::Twice(_) => (400, "KMS.0406"),
        TagError::Character { .. } => (400, "KMS.0405"),
        TagError::TooMany => (400, "KMS.0409"),
        TagError::Unknown(_) => (404, "KMS.0416"),
    }
}

/// The result of what the KMS does.
pub type Result<T, E = KmsError> = std::result::Result<T, E>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_hsm_refuses_for_good_reason_is_no_fault_of_the_service() {
        let missing = hsm::Error::ApprovalMissing { usage: "sign", needed: 2, of: "Ada, Ben and Eva".into() };
        let refused = KmsError::from(missing);
        assert_eq!(refused.code(), (403, "KMS.0306"));
        assert!(refused.to_string().contains("takes the approval of 2 of Ada, Ben and Eva"), "{refused}");
        assert_eq!(KmsError::from(hsm::Error::KeySuspended).code(), (400, "KMS.0209"));
    }
}
