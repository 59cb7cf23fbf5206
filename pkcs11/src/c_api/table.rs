//! The one table of functions: which list has them, and whether anything stands behind them.
//!
//! From it come the three lists, and the table in the module's README, which a test compares. A function that
//! is missing here, or here and not in the list's C structure, does not compile.

use cryptoki_sys::{
    CK_FLAGS, CK_FUNCTION_LIST, CK_FUNCTION_LIST_3_0, CK_FUNCTION_LIST_3_2, CK_INTERFACE, CK_VERSION,
};

/// What stands behind a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// It does what the standard says.
    Yes,
    /// It answers `CKR_FUNCTION_NOT_SUPPORTED`.
    No,
    /// It answers `CKR_FUNCTION_NOT_PARALLEL`, as the standard has it for functions of old.
    Legacy,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// The function's name, which is its symbol too.
    pub name: &'static str,
    /// The version of the standard whose list has it first.
    pub since: &'static str,
    /// What stands behind it.
    pub support: Support,
}

macro_rules! table {
    ([$($a:ident $a_is:ident)*] [$($b:ident $b_is:ident)*] [$($c:ident $c_is:ident)*]) => {
        /// What `C_GetFunctionList` gives.
        pub static LIST_2_40: CK_FUNCTION_LIST = CK_FUNCTION_LIST {
            version: CK_VERSION { major: 2, minor: 40 },
            $($a: Some(super::$a),)*
        };

        /// The functions of version 3.0.
        pub static LIST_3_0: CK_FUNCTION_LIST_3_0 = CK_FUNCTION_LIST_3_0 {
            version: CK_VERSION { major: 3, minor: 0 },
            $($a: Some(super::$a),)*
            $($b: Some(super::$b),)*
        };

        /// The functions of version 3.2.
        pub static LIST_3_2: CK_FUNCTION_LIST_3_2 = CK_FUNCTION_LIST_3_2 {
            version: CK_VERSION { major: 3, minor: 2 },
            $($a: Some(super::$a),)*
            $($b: Some(super::$b),)*
            $($c: Some(super::$c),)*
        };

        /// Every function.
        pub const FUNCTIONS: &[Function] = &[
            $(Function { name: stringify!($a), since: "2.40", support: Support::$a_is },)*
            $(Function { name: stringify!($b), since: "3.0", support: Support::$b_is },)*
            $(Function { name: stringify!($c), since: "3.2", support: Support::$c_is },)*
        ];
    };
}

table! {
    [
        C_Initialize Yes  C_Finalize Yes  C_GetInfo Yes  C_GetFunctionList Yes
        C_GetSlotList Yes  C_GetSlotInfo Yes  C_GetTokenInfo Yes  C_GetMechanismList Yes
        C_GetMechanismInfo Yes  C_InitToken Yes  C_InitPIN Yes  C_SetPIN Yes
        C_OpenSession Yes  C_CloseSession Yes  C_CloseAllSessions Yes  C_GetSessionInfo Yes
        C_GetOperationState Yes  C_SetOperationState Yes  C_Login Yes  C_Logout Yes
        C_CreateObject Yes  C_CopyObject Yes  C_DestroyObject Yes  C_GetObjectSize Yes
        C_GetAttributeValue Yes  C_SetAttributeValue Yes
        C_FindObjectsInit Yes  C_FindObjects Yes  C_FindObjectsFinal Yes
        C_EncryptInit Yes  C_Encrypt Yes  C_EncryptUpdate Yes  C_EncryptFinal Yes
        C_DecryptInit Yes  C_Decrypt Yes  C_DecryptUpdate Yes  C_DecryptFinal Yes
        C_DigestInit Yes  C_Digest Yes  C_DigestUpdate Yes  C_DigestKey Yes  C_DigestFinal Yes
        C_SignInit Yes  C_Sign Yes  C_SignUpdate Yes  C_SignFinal Yes
        C_SignRecoverInit Yes  C_SignRecover Yes
        C_VerifyInit Yes  C_Verify Yes  C_VerifyUpdate Yes  C_VerifyFinal Yes
        C_VerifyRecoverInit Yes  C_VerifyRecover Yes
        C_DigestEncryptUpdate Yes  C_DecryptDigestUpdate Yes
        C_SignEncryptUpdate Yes  C_DecryptVerifyUpdate Yes
        C_GenerateKey Yes  C_GenerateKeyPair Yes  C_WrapKey Yes  C_UnwrapKey Yes  C_DeriveKey Yes
        C_SeedRandom Yes  C_GenerateRandom Yes
        C_GetFunctionStatus Legacy  C_CancelFunction Legacy  C_WaitForSlotEvent Yes
    ]
    [
        C_GetInterfaceList Yes  C_GetInterface Yes  C_LoginUser Yes  C_SessionCancel Yes
        C_MessageEncryptInit No  C_EncryptMessage No  C_EncryptMessageBegin No
        C_EncryptMessageNext No  C_MessageEncryptFinal No
        C_MessageDecryptInit No  C_DecryptMessage No  C_DecryptMessageBegin No
        C_DecryptMessageNext No  C_MessageDecryptFinal No
        C_MessageSignInit No  C_SignMessage No  C_SignMessageBegin No  C_SignMessageNext No
        C_MessageSignFinal No
        C_MessageVerifyInit No  C_VerifyMessage No  C_VerifyMessageBegin No  C_VerifyMessageNext No
        C_MessageVerifyFinal No
    ]
    [
        C_EncapsulateKey No  C_DecapsulateKey No
        C_VerifySignatureInit No  C_VerifySignature No  C_VerifySignatureUpdate No
        C_VerifySignatureFinal No
        C_GetSessionValidationFlags No
        C_AsyncComplete No  C_AsyncGetID No  C_AsyncJoin No
        C_WrapKeyAuthenticated No  C_UnwrapKeyAuthenticated No
    ]
}

/// The interfaces, the newest first: it is the default.
pub struct Interfaces(pub [CK_INTERFACE; 3]);

#[allow(unsafe_code)]
// SAFETY: the pointers lead to statics that nobody writes to.
unsafe impl Sync for Interfaces {}

/// What `C_GetInterfaceList` gives.
pub static INTERFACES: Interfaces = Interfaces([
    interface((&raw const LIST_3_2).cast()),
    interface((&raw const LIST_3_0).cast()),
    interface((&raw const LIST_2_40).cast()),
]);

const NAME: &std::ffi::CStr = c"PKCS 11";
const VERSIONS: [(u8, u8); 3] = [(3, 2), (3, 0), (2, 40)];

const fn interface(list: *const std::ffi::c_void) -> CK_INTERFACE {
    CK_INTERFACE { pInterfaceName: NAME.as_ptr().cast_mut().cast(), pFunctionList: list.cast_mut(), flags: 0 }
}

/// The first interface of this name and version with at least these flags (PKCS#11 3.2, "C_GetInterface").
pub(super) fn find(
    name: Option<&[u8]>,
    version: Option<(u8, u8)>,
    flags: CK_FLAGS,
) -> Option<&'static CK_INTERFACE> {
    let named = name.is_none_or(|name| name == NAME.to_bytes());
    VERSIONS
        .iter()
        .zip(&INTERFACES.0)
        .find(|(has, interface)| {
            named && version.is_none_or(|wanted| wanted == **has) && interface.flags & flags == flags
        })
        .map(|(_, interface)| interface)
}
