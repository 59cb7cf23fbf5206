//! Decryption (PKCS#11 3.2, "Decryption functions").

use crate::{Mechanism, ObjectHandle, Output, Repeat, Room, SessionHandle, Slice};

use super::calls;

calls! {
    /// The calls of this section.
    DecryptCalls;

    /// `C_DecryptInit`; no mechanism ends the operation that is active.
    0x0701 decrypt_init DecryptInit { session: SessionHandle, mechanism: Option<Mechanism>, key: ObjectHandle } -> Repeat;
    /// `C_Decrypt`
    0x0702 decrypt Decrypt<'a> { session: SessionHandle, data: Slice<'a>, room: Room } -> Output;
    /// `C_DecryptUpdate`
    0x0703 decrypt_update DecryptUpdate<'a> { session: SessionHandle, data: Slice<'a>, room: Room } -> Output;
    /// `C_DecryptFinal`
    0x0704 decrypt_final DecryptFinal { session: SessionHandle, room: Room } -> Output;
}
