//! Encryption (PKCS#11 3.2, "Encryption functions").

use crate::{Mechanism, ObjectHandle, Output, Repeat, Room, SessionHandle, Slice};

use super::calls;

calls! {
    /// The calls of this section.
    EncryptCalls;

    /// `C_EncryptInit`; no mechanism ends the operation that is active.
    0x0601 encrypt_init EncryptInit { session: SessionHandle, mechanism: Option<Mechanism>, key: ObjectHandle } -> Repeat;
    /// `C_Encrypt`
    0x0602 encrypt Encrypt<'a> { session: SessionHandle, data: Slice<'a>, room: Room } -> Output;
    /// `C_EncryptUpdate`
    0x0603 encrypt_update EncryptUpdate<'a> { session: SessionHandle, data: Slice<'a>, room: Room } -> Output;
    /// `C_EncryptFinal`
    0x0604 encrypt_final EncryptFinal { session: SessionHandle, room: Room } -> Output;
}
