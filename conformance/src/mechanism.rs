//! Mechanisms with the parameters that the programs here use.

use std::ffi::c_void;
use std::ptr::{from_mut, null_mut};

use cryptoki_sys as ck;

/// A mechanism and its parameter.
#[derive(Clone, Debug)]
pub struct Mechanism {
    /// `CKM_*`.
    pub id: ck::CK_MECHANISM_TYPE,
    /// What `pParameter` points to.
    pub param: Param,
}

/// A mechanism's parameter.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields have the names of the C structure")]
pub enum Param {
    /// A null pointer and the length 0.
    None,
    /// Bytes as they are: an IV, a `CK_ULONG`, a structure without pointers.
    Bytes(Vec<u8>),
    /// A null pointer that claims a length.
    Null(u64),
    /// `CK_GCM_PARAMS`.
    Gcm { iv: Vec<u8>, aad: Vec<u8>, tag_bits: u64 },
    /// `CK_GCM_PARAMS` with null pointers and lengths that claim otherwise.
    GcmNull { iv_len: u64, aad_len: u64, tag_bits: u64 },
    /// `CK_RSA_PKCS_OAEP_PARAMS` without a label.
    Oaep { hash: u64, mgf: u64 },
    /// `CK_RSA_AES_KEY_WRAP_PARAMS` over OAEP without a label.
    RsaAes { bits: u64, hash: u64, mgf: u64 },
    /// `CK_ECDH1_DERIVE_PARAMS` without shared data.
    Ecdh { kdf: u64, public: Vec<u8> },
    /// `CK_KEY_DERIVATION_STRING_DATA`.
    Text(Vec<u8>),
    /// `CK_AES_CBC_ENCRYPT_DATA_PARAMS`.
    CbcText { iv: [u8; 16], data: Vec<u8> },
}

impl Mechanism {
    /// A mechanism without a parameter.
    pub const fn plain(id: ck::CK_MECHANISM_TYPE) -> Self {
        Self { id, param: Param::None }
    }

    /// A mechanism whose parameter is `bytes`.
    pub fn bytes(id: ck::CK_MECHANISM_TYPE, bytes: &[u8]) -> Self {
        Self { id, param: Param::Bytes(bytes.to_vec()) }
    }

    /// A mechanism whose parameter is one `CK_ULONG`.
    pub fn ulong(id: ck::CK_MECHANISM_TYPE, value: u64) -> Self {
        Self::bytes(id, &value.to_ne_bytes())
    }

    /// AES-ECB.
    pub const fn ecb() -> Self {
        Self::plain(ck::CKM_AES_ECB)
    }

    /// AES-CBC.
    pub fn cbc(iv: &[u8]) -> Self {
        Self::bytes(ck::CKM_AES_CBC, iv)
    }

    /// AES-CBC with PKCS#7 padding.
    pub fn cbc_pad(iv: &[u8]) -> Self {
        Self::bytes(ck::CKM_AES_CBC_PAD, iv)
    }

    /// AES-CTR with a counter of 128 bits.
    pub fn ctr(counter: &[u8; 16]) -> Self {
        let mut bytes = 128u64.to_ne_bytes().to_vec();
        bytes.extend_from_slice(counter);
        Self::bytes(ck::CKM_AES_CTR, &bytes)
    }

    /// AES-GCM with a tag of 128 bits.
    pub fn gcm(iv: &[u8], aad: &[u8]) -> Self {
        Self { id: ck::CKM_AES_GCM, param: Param::Gcm { iv: iv.to_vec(), aad: aad.to_vec(), tag_bits: 128 } }
    }

    /// RSA-OAEP with SHA-1, which every module has.
    pub const fn oaep() -> Self {
        let param = Param::Oaep { hash: ck::CKM_SHA_1, mgf: ck::CKG_MGF1_SHA1 };
        Self { id: ck::CKM_RSA_PKCS_OAEP, param }
    }

    /// RSA-OAEP with SHA-256.
    pub const fn oaep_sha256() -> Self {
        let param = Param::Oaep { hash: ck::CKM_SHA256, mgf: ck::CKG_MGF1_SHA256 };
        Self { id: ck::CKM_RSA_PKCS_OAEP, param }
    }

    /// RSA-OAEP around an AES-256 key around the key.
    pub const fn rsa_aes() -> Self {
        let param = Param::RsaAes { bits: 256, hash: ck::CKM_SHA_1, mgf: ck::CKG_MGF1_SHA1 };
        Self { id: ck::CKM_RSA_AES_KEY_WRAP, param }
    }

    /// RSA-PSS over a digest: `hash`, its MGF and the salt's length.
    pub fn pss(id: ck::CK_MECHANISM_TYPE, hash: u64, mgf: u64, salt: u64) -> Self {
        let bytes: Vec<u8> = [hash, mgf, salt].iter().flat_map(|word| word.to_ne_bytes()).collect();
        Self::bytes(id, &bytes)
    }

    /// ECDH without a key derivation function.
    pub fn ecdh(public: &[u8]) -> Self {
        let param = Param::Ecdh { kdf: ck::CKD_NULL, public: public.to_vec() };
        Self { id: ck::CKM_ECDH1_DERIVE, param }
    }

    /// A mechanism that takes `CK_KEY_DERIVATION_STRING_DATA`.
    pub fn text(id: ck::CK_MECHANISM_TYPE, data: &[u8]) -> Self {
        Self { id, param: Param::Text(data.to_vec()) }
    }

    /// The name of the mechanisms used here, for reports.
    pub fn name(&self) -> String {
        match self.id {
            ck::CKM_AES_ECB => "AES-ECB".into(),
            ck::CKM_AES_CBC => "AES-CBC".into(),
            ck::CKM_AES_CBC_PAD => "AES-CBC-PAD".into(),
            ck::CKM_AES_CTR => "AES-CTR".into(),
            ck::CKM_AES_GCM => "AES-GCM".into(),
            ck::CKM_AES_KEY_WRAP => "AES-KW".into(),
            ck::CKM_AES_KEY_WRAP_KWP => "AES-KWP".into(),
            ck::CKM_AES_KEY_WRAP_PAD => "AES-KEY-WRAP-PAD".into(),
            ck::CKM_RSA_PKCS => "RSA-PKCS".into(),
            ck::CKM_RSA_PKCS_OAEP => "RSA-OAEP".into(),
            ck::CKM_RSA_X_509 => "RSA-X-509".into(),
            ck::CKM_RSA_AES_KEY_WRAP => "RSA-AES-KEY-WRAP".into(),
            other => format!("mechanism {other:#x}"),
        }
    }

    /// Runs `f` on the C form, which is valid only meanwhile.
    pub fn with_raw<R>(&self, f: impl FnOnce(*mut ck::CK_MECHANISM) -> R) -> R {
        let id = self.id;
        match &self.param {
            Param::None => call(id, null_mut(), 0, f),
            Param::Null(len) => call(id, null_mut(), *len, f),
            Param::Bytes(bytes) => call(id, bytes.as_ptr().cast_mut().cast(), bytes.len() as u64, f),
            Param::Gcm { iv, aad, tag_bits } => {
                let mut params = ck::CK_GCM_PARAMS {
                    pIv: iv.as_ptr().cast_mut(),
                    ulIvLen: iv.len() as u64,
                    ulIvBits: iv.len() as u64 * 8,
                    pAAD: if aad.is_empty() { null_mut() } else { aad.as_ptr().cast_mut() },
                    ulAADLen: aad.len() as u64,
                    ulTagBits: *tag_bits,
                };
                call_with(id, &mut params, f)
            }
            Param::GcmNull { iv_len, aad_len, tag_bits } => {
                let mut params = ck::CK_GCM_PARAMS {
                    pIv: null_mut(),
                    ulIvLen: *iv_len,
                    ulIvBits: iv_len.wrapping_mul(8),
                    pAAD: null_mut(),
                    ulAADLen: *aad_len,
                    ulTagBits: *tag_bits,
                };
                call_with(id, &mut params, f)
            }
            Param::Oaep { hash, mgf } => call_with(id, &mut oaep(*hash, *mgf), f),
            Param::RsaAes { bits, hash, mgf } => {
                let mut inner = oaep(*hash, *mgf);
                let mut params =
                    ck::CK_RSA_AES_KEY_WRAP_PARAMS { ulAESKeyBits: *bits, pOAEPParams: &raw mut inner };
                call_with(id, &mut params, f)
            }
            Param::Ecdh { kdf, public } => {
                let mut params = ck::CK_ECDH1_DERIVE_PARAMS {
                    kdf: *kdf,
                    ulSharedDataLen: 0,
                    pSharedData: null_mut(),
                    ulPublicDataLen: public.len() as u64,
                    pPublicData: public.as_ptr().cast_mut(),
                };
                call_with(id, &mut params, f)
            }
            Param::Text(data) => {
                let mut params = ck::CK_KEY_DERIVATION_STRING_DATA {
                    pData: data.as_ptr().cast_mut(),
                    ulLen: data.len() as u64,
                };
                call_with(id, &mut params, f)
            }
            Param::CbcText { iv, data } => {
                let mut params = ck::CK_AES_CBC_ENCRYPT_DATA_PARAMS {
                    iv: *iv,
                    pData: data.as_ptr().cast_mut(),
                    length: data.len() as u64,
                };
                call_with(id, &mut params, f)
            }
        }
    }
}

fn oaep(hash: u64, mgf: u64) -> ck::CK_RSA_PKCS_OAEP_PARAMS {
    ck::CK_RSA_PKCS_OAEP_PARAMS {
        hashAlg: hash,
        mgf,
        source: ck::CKZ_DATA_SPECIFIED,
        pSourceData: null_mut(),
        ulSourceDataLen: 0,
    }
}

fn call_with<P, R>(id: u64, params: &mut P, f: impl FnOnce(*mut ck::CK_MECHANISM) -> R) -> R {
    call(id, from_mut(params).cast(), size_of::<P>() as u64, f)
}

fn call<R>(id: u64, pointer: *mut c_void, len: u64, f: impl FnOnce(*mut ck::CK_MECHANISM) -> R) -> R {
    let mut raw = ck::CK_MECHANISM { mechanism: id, pParameter: pointer, ulParameterLen: len };
    f(&raw mut raw)
}
