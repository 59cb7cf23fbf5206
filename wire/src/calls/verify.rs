//! Checking signatures and MACs (PKCS#11 3.2, "Functions for verifying signatures and MACs").

use crate::{Mechanism, ObjectHandle, Output, Repeat, Room, SessionHandle, Slice};

use super::calls;

calls! {
    /// The calls of this section.
    VerifyCalls;

    /// `C_VerifyInit`; no mechanism ends the operation that is active.
    0x0e01 verify_init VerifyInit { session: SessionHandle, mechanism: Option<Mechanism>, key: ObjectHandle } -> Repeat;
    /// `C_Verify`
    0x0e02 verify Verify<'a> { session: SessionHandle, data: Slice<'a>, signature: Slice<'a> } -> ();
    /// `C_VerifyUpdate`
    0x0e03 verify_update VerifyUpdate<'a> { session: SessionHandle, data: Slice<'a> } -> ();
    /// `C_VerifyFinal`
    0x0e04 verify_final VerifyFinal<'a> { session: SessionHandle, signature: Slice<'a> } -> ();
    /// `C_VerifyRecoverInit`; no mechanism ends the operation that is active.
    0x0e05 verify_recover_init VerifyRecoverInit { session: SessionHandle, mechanism: Option<Mechanism>, key: ObjectHandle } -> ();
    /// `C_VerifyRecover`
    0x0e06 verify_recover VerifyRecover<'a> { session: SessionHandle, signature: Slice<'a>, room: Room } -> Output;
}
