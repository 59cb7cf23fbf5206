//! Mechanisms: what a family's file offers for each, as rows, and the registry of all.
//!
//! A row names the mechanism, the keys it uses, the layout of its parameter, and a function for each use it
//! has; `CK_MECHANISM_INFO` follows from the row, so it cannot say what is not so. Adding a mechanism to a
//! family is a row in its file.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use crypto::Secret;
use wire::info::MechanismInfo;
use wire::layout::{LeafWord, MechanismLayouts, Word};
use wire::{List, MechanismId, Params, Value};

use crate::error::Error;
use crate::object::{AttributeMap, Class, KeyType, Material};

mod aes;
mod aes_aead;
mod aes_wrap;
mod chain;
mod cmac;
mod dh;
mod digest;
mod dsa;
mod ec;
mod ecdh;
mod edwards;
mod flags;
mod gather;
mod generic;
mod hashed;
mod hashes;
mod hmac;
mod rsa;
mod rsa_oaep;
mod rsa_pkcs1;
mod rsa_pss;
mod sm2;
mod sm3;
mod sm4;
mod tag;
mod wanted;

/// What a parameter structure is made of; [`Word`] as constant data.
#[derive(Clone, Copy, Debug)]
pub enum Field {
    /// `CK_ULONG`
    Ulong,
    /// `CK_BBOOL`
    Bool,
    /// So many bytes in the structure itself.
    Inline(u16),
    /// A pointer, then a length.
    Bytes,
    /// A length, then a pointer.
    LenBytes,
    /// A pointer to a structure of plain words.
    Struct(&'static [LeafWord]),
    /// No structure: the parameter itself is bytes, one to so many.
    Whole(u16),
}

/// A signature or MAC being made.
pub trait Signer: Send {
    /// The signature's length in bytes.
    fn len(&self) -> u64;
    /// Takes more data. A mechanism that takes all its data at once overrides [`Signer::single_part`].
    ///
    /// # Errors
    /// If the mechanism cannot take it; the operation ends.
    fn update(&mut self, data: &[u8]) -> Result<(), Error>;
    /// Makes the signature.
    ///
    /// # Errors
    /// If the data is not such as the mechanism signs.
    fn finish(self: Box<Self>) -> Result<Vec<u8>, Error>;
    /// Whether all data comes in one call (`C_Sign`), so that `C_SignUpdate` is refused.
    fn single_part(&self) -> bool {
        false
    }
}

/// A signature or MAC being checked.
pub trait Verifier: Send {
    /// Takes more data.
    ///
    /// # Errors
    /// If the mechanism cannot take it; the operation ends.
    fn update(&mut self, data: &[u8]) -> Result<(), Error>;
    /// Checks the signature.
    ///
    /// # Errors
    /// `SignatureLenRange` if its length is wrong whatever its content; `SignatureInvalid` if it is not right.
    fn finish(self: Box<Self>, signature: &[u8]) -> Result<(), Error>;
    /// Whether all data comes in one call (`C_Verify`).
    fn single_part(&self) -> bool {
        false
    }
}

/// An encryption or decryption under way.
pub trait Cipher: Send {
    /// The most bytes that [`Cipher::update`] gives out for `input` bytes more.
    fn update_len(&self, input: u64) -> u64;
    /// The most bytes that [`Cipher::finish`] gives out.
    fn final_len(&self) -> u64;
    /// The most bytes that the whole of `input` gives out in one call, on a cipher not fed yet.
    fn whole_len(&self, input: u64) -> u64 {
        self.update_len(input).saturating_add(self.final_len())
    }
    /// Takes more data and appends what comes of it to `output`.
    ///
    /// # Errors
    /// If the mechanism cannot take it; the operation ends.
    fn update(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<(), Error>;
    /// Ends, and appends the rest to `output`.
    ///
    /// # Errors
    /// If the data as a whole is not valid.
    fn finish(self: Box<Self>, output: &mut Vec<u8>) -> Result<(), Error>;
    /// All in one call.
    ///
    /// # Errors
    /// As [`Cipher::update`] and [`Cipher::finish`].
    fn whole(mut self: Box<Self>, input: &[u8], output: &mut Vec<u8>) -> Result<(), Error> {
        self.update(input, output)?;
        self.finish(output)
    }
    /// Whether all data comes in one call (`C_Encrypt`, `C_Decrypt`).
    fn single_part(&self) -> bool {
        false
    }
}

/// A digest being made.
pub trait Digester: Send {
    /// The digest's length in bytes.
    fn len(&self) -> u64;
    /// Takes more data.
    ///
    /// # Errors
    /// If the library fails.
    fn update(&mut self, data: &[u8]) -> Result<(), Error>;
    /// The digest.
    ///
    /// # Errors
    /// If the library fails.
    fn finish(self: Box<Self>) -> Result<Vec<u8>, Error>;
    /// A copy that goes on by itself, for `C_GetOperationState`.
    ///
    /// # Errors
    /// If the library fails.
    fn duplicate(&self) -> Result<Box<dyn Digester>, Error>;
}

/// What a generation asks of its caller's template: the attributes that the caller gave, by type.
pub type Wanted = AttributeMap;

/// What a generation made: the attributes that hold the key or the domain parameters, for each half.
#[derive(Debug, Default)]
pub struct Generated {
    /// Of the secret or private key, or of the domain parameters.
    pub private: AttributeMap,
    /// Of the public key, where there is one.
    pub public: AttributeMap,
}

/// What to derive: the new key's type and its length in bytes, where the template says.
#[derive(Clone, Copy, Debug)]
pub struct DerivedKey {
    /// `CKA_KEY_TYPE` of the new key.
    pub key_type: KeyType,
    /// `CKA_VALUE_LEN`, or the length that the type has by itself.
    pub len: Option<usize>,
}

/// A function that needs all its data at once.
type Whole = fn(&Arc<Material>, &Params, &[u8]) -> Result<Vec<u8>, Error>;
type Wrap = fn(&Arc<Material>, &Params, &Secret) -> Result<Vec<u8>, Error>;
type Begin<T> = fn(&Arc<Material>, &Params) -> Result<Box<T>, Error>;

/// One mechanism.
#[derive(Clone)]
pub struct Mechanism {
    /// Its number.
    pub id: MechanismId,
    /// Its name in the standard, or the usual one where the standard has none and the number is ours.
    pub name: &'static str,
    /// The keys it uses or makes; none for a digest. A generation makes the first.
    pub key_types: &'static [KeyType],
    /// Their sizes, in the unit of the standard: bits for RSA, DSA, DH, curves and `CKM_GENERIC_SECRET_KEY_GEN`, bytes
    /// for others.
    pub key_sizes: RangeInclusive<u64>,
    /// The structures its parameter may be; none: it takes no parameter.
    pub params: &'static [&'static [Field]],
    /// Whether an `Init` looks at no byte string of the parameter, only at its length: an IV, a label. Then the module
    /// need not ask again for another one (see [`wire::Repeat`]).
    pub any_bytes: bool,
    /// `CKF_EC_*` flags of `CK_MECHANISM_INFO`.
    pub curve_flags: u64,
    /// Whether unwrapping must not tell if the padding was right (PKCS#1 v1.5): what does not open becomes a
    /// key of other bytes.
    pub rejects_implicitly: bool,
    /// Whether what it wraps can be cut and pasted unnoticed (a cipher without a tag).
    pub malleable: bool,
    /// `C_DigestInit`
    pub digest: Option<fn(&Params) -> Result<Box<dyn Digester>, Error>>,
    /// `C_SignInit`
    pub sign: Option<Begin<dyn Signer>>,
    /// `C_VerifyInit`
    pub verify: Option<Begin<dyn Verifier>>,
    /// `C_SignRecover`: the whole signature at once.
    pub sign_recover: Option<Whole>,
    /// `C_VerifyRecover`: the data that was signed.
    pub verify_recover: Option<Whole>,
    /// `C_EncryptInit`
    pub encrypt: Option<Begin<dyn Cipher>>,
    /// `C_DecryptInit`
    pub decrypt: Option<Begin<dyn Cipher>>,
    /// `C_WrapKey` of these bytes: a secret key's value or a private key's PKCS#8.
    pub wrap: Option<Wrap>,
    /// `C_UnwrapKey`: the bytes that were wrapped. Whatever is wrong with them is one error.
    pub unwrap: Option<fn(&Arc<Material>, &Params, &[u8]) -> Result<Secret, Error>>,
    /// The most zeros that wrapping appends to a key and that unwrapping leaves at its end: the caller, who knows
    /// how long the key is, cuts them off.
    pub zero_padding: usize,
    /// `C_DeriveKey`: the value of the new key.
    pub derive: Option<fn(&Arc<Material>, &Params, DerivedKey) -> Result<Secret, Error>>,
    /// The class of what [`Mechanism::generate`] makes.
    pub makes: Class,
    /// `C_GenerateKey`
    pub generate: Option<fn(&Params, &Wanted) -> Result<Generated, Error>>,
    /// `C_GenerateKeyPair`: the template of the public key, then that of the private one.
    pub generate_pair: Option<fn(&Params, &Wanted, &Wanted) -> Result<Generated, Error>>,
}

impl Mechanism {
    /// A row with nothing in it, for `..Mechanism::NONE`.
    pub const NONE: Self = Self {
        id: MechanismId(0),
        name: "",
        key_types: &[],
        key_sizes: 0..=0,
        params: &[],
        any_bytes: false,
        curve_flags: 0,
        rejects_implicitly: false,
        malleable: false,
        digest: None,
        sign: None,
        verify: None,
        sign_recover: None,
        verify_recover: None,
        encrypt: None,
        decrypt: None,
        wrap: None,
        unwrap: None,
        zero_padding: 0,
        derive: None,
        makes: Class::SECRET_KEY,
        generate: None,
        generate_pair: None,
    };

    /// `CK_MECHANISM_INFO`, from what the row has.
    #[must_use]
    pub fn info(&self) -> MechanismInfo {
        MechanismInfo {
            min_key_size: *self.key_sizes.start(),
            max_key_size: *self.key_sizes.end(),
            flags: flags::of(self),
        }
    }
}

/// Every mechanism that a token offers.
#[derive(Clone)]
pub struct Mechanisms {
    rows: BTreeMap<MechanismId, Mechanism>,
}

impl Mechanisms {
    /// Those of the standard that are built in.
    #[must_use]
    pub fn standard() -> Self {
        let mut all = Self { rows: BTreeMap::new() };
        for family in FAMILIES {
            for row in *family {
                all.add(row.clone());
            }
        }
        all
    }

    /// Adds a mechanism; one that has its number goes.
    pub fn add(&mut self, row: Mechanism) {
        self.rows.insert(row.id, row);
    }

    /// The mechanism of this number.
    ///
    /// # Errors
    /// `MechanismInvalid` if there is none.
    pub fn find(&self, id: MechanismId) -> Result<&Mechanism, Error> {
        self.rows.get(&id).ok_or(Error::MechanismInvalid(id))
    }

    /// All, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &Mechanism> {
        self.rows.values()
    }

    /// How the parameters of all lie in memory, for the module.
    #[must_use]
    pub fn layouts(&self) -> Vec<MechanismLayouts> {
        let with_params = self.rows.values().filter(|row| !row.params.is_empty());
        with_params
            .filter_map(|row| Some(MechanismLayouts { mechanism: row.id, layouts: layouts(row.params)? }))
            .collect()
    }
}

/// Constant fields as the words that cross the socket; `None` if a row has more than fit.
fn layouts(params: &[&[Field]]) -> Option<List<List<Word, { wire::layout::MAX_WORDS }>, 4>> {
    let word = |field: &Field| {
        Some(match field {
            Field::Ulong => Word::Ulong,
            Field::Bool => Word::Bool,
            Field::Inline(len) => Word::Inline(*len),
            Field::Bytes => Word::Bytes,
            Field::LenBytes => Word::LenBytes,
            Field::Whole(most) => Word::Whole(*most),
            Field::Struct(leaves) => Word::Struct(List::new(leaves.to_vec())?),
        })
    };
    let layout = |fields: &&[Field]| List::new(fields.iter().map(word).collect::<Option<_>>()?);
    List::new(params.iter().map(layout).collect::<Option<_>>()?)
}

/// The words of a parameter; none where there is no parameter.
///
/// # Errors
/// `MechanismParamInvalid` if its size was that of no layout of the mechanism.
pub fn words(params: &Params) -> Result<&[Value], Error> {
    match params {
        Params::None => Ok(&[]),
        Params::Words(words) => Ok(words),
        Params::Mismatch { .. } => {
            Err(Error::MechanismParamInvalid("its size is not one the mechanism takes"))
        }
    }
}

/// Refuses a parameter where the mechanism takes none.
///
/// # Errors
/// `MechanismParamInvalid` if there is one.
pub fn no_params(params: &Params) -> Result<(), Error> {
    match params {
        Params::None => Ok(()),
        _ => Err(Error::MechanismParamInvalid("the mechanism takes none")),
    }
}

/// The families, a file each.
static FAMILIES: &[&[Mechanism]] = &[
    rsa::MECHANISMS,
    rsa_pkcs1::RAW,
    rsa_pkcs1::HASHED,
    rsa_pss::RAW,
    rsa_pss::HASHED,
    rsa_oaep::MECHANISMS,
    ec::MECHANISMS,
    ec::HASHED,
    ecdh::MECHANISMS,
    edwards::MECHANISMS,
    dsa::MECHANISMS,
    dsa::HASHED,
    dh::MECHANISMS,
    aes::MECHANISMS,
    aes_aead::MECHANISMS,
    aes_wrap::MECHANISMS,
    cmac::MECHANISMS,
    generic::MECHANISMS,
    hmac::MECHANISMS,
    digest::MECHANISMS,
    sm2::MECHANISMS,
    sm3::MECHANISMS,
    sm4::MECHANISMS,
];
