//! Two operations at once (PKCS#11 3.2, "Dual-function cryptographic functions").

use crate::{Output, Room, SessionHandle, Slice};

use super::calls;

calls! {
    /// The calls of this section.
    DualCalls;

    /// `C_DigestEncryptUpdate`
    0x0f01 digest_encrypt_update DigestEncryptUpdate<'a> { session: SessionHandle, data: Slice<'a>, room: Room } -> Output;
    /// `C_DecryptDigestUpdate`
    0x0f02 decrypt_digest_update DecryptDigestUpdate<'a> { session: SessionHandle, data: Slice<'a>, room: Room } -> Output;
    /// `C_SignEncryptUpdate`
    0x0f03 sign_encrypt_update SignEncryptUpdate<'a> { session: SessionHandle, data: Slice<'a>, room: Room } -> Output;
    /// `C_DecryptVerifyUpdate`
    0x0f04 decrypt_verify_update DecryptVerifyUpdate<'a> { session: SessionHandle, data: Slice<'a>, room: Room } -> Output;
}
