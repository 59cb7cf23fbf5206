//! Digests (PKCS#11 3.2, "Message digesting functions").

use crate::{Mechanism, ObjectHandle, Output, Repeat, Room, SessionHandle, Slice};

use super::calls;

calls! {
    /// The calls of this section.
    DigestCalls;

    /// `C_DigestInit`; no mechanism ends the operation that is active.
    0x0801 digest_init DigestInit { session: SessionHandle, mechanism: Option<Mechanism> } -> Repeat;
    /// `C_Digest`
    0x0802 digest Digest<'a> { session: SessionHandle, data: Slice<'a>, room: Room } -> Output;
    /// `C_DigestUpdate`
    0x0803 digest_update DigestUpdate<'a> { session: SessionHandle, data: Slice<'a> } -> ();
    /// `C_DigestKey`
    0x0804 digest_key DigestKey { session: SessionHandle, key: ObjectHandle } -> ();
    /// `C_DigestFinal`
    0x0805 digest_final DigestFinal { session: SessionHandle, room: Room } -> Output;
}
