//! Making, wrapping and deriving keys (PKCS#11 3.2, "Key management functions").

use crate::{Mechanism, ObjectHandle, Output, Room, SessionHandle, Slice, Template};

use super::calls;

calls! {
    /// The calls of this section.
    KeyCalls;

    /// `C_GenerateKey`
    0x1001 generate_key GenerateKey { session: SessionHandle, mechanism: Mechanism, template: Template } -> ObjectHandle;
    /// `C_GenerateKeyPair`: the public key, then the private one.
    0x1002 generate_key_pair GenerateKeyPair {
        session: SessionHandle, mechanism: Mechanism, public: Template, private: Template,
    } -> (ObjectHandle, ObjectHandle);
    /// `C_WrapKey`
    0x1003 wrap_key WrapKey {
        session: SessionHandle, mechanism: Mechanism, wrapping_key: ObjectHandle, key: ObjectHandle, room: Room,
    } -> Output;
    /// `C_UnwrapKey`
    0x1004 unwrap_key UnwrapKey<'a> {
        session: SessionHandle, mechanism: Mechanism, unwrapping_key: ObjectHandle, wrapped: Slice<'a>, template: Template,
    } -> ObjectHandle;
    /// `C_DeriveKey`
    0x1005 derive_key DeriveKey {
        session: SessionHandle, mechanism: Mechanism, base_key: ObjectHandle, template: Template,
    } -> ObjectHandle;
}
