//! Signatures and MACs (PKCS#11 3.2, "Signing and MACing functions").

use crate::{Mechanism, ObjectHandle, Output, Repeat, Room, SessionHandle, Slice};

use super::calls;

calls! {
    /// The calls of this section.
    SignCalls;

    /// `C_SignInit`; no mechanism ends the operation that is active.
    0x0d01 sign_init SignInit { session: SessionHandle, mechanism: Option<Mechanism>, key: ObjectHandle } -> Repeat;
    /// `C_Sign`
    0x0d02 sign Sign<'a> { session: SessionHandle, data: Slice<'a>, room: Room } -> Output;
    /// `C_SignUpdate`
    0x0d03 sign_update SignUpdate<'a> { session: SessionHandle, data: Slice<'a> } -> ();
    /// `C_SignFinal`
    0x0d04 sign_final SignFinal { session: SessionHandle, room: Room } -> Output;
    /// `C_SignRecoverInit`; no mechanism ends the operation that is active.
    0x0d05 sign_recover_init SignRecoverInit { session: SessionHandle, mechanism: Option<Mechanism>, key: ObjectHandle } -> ();
    /// `C_SignRecover`
    0x0d06 sign_recover SignRecover<'a> { session: SessionHandle, data: Slice<'a>, room: Room } -> Output;
}
