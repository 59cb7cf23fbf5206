//! Objects (PKCS#11 3.2, "Object management functions").

use crate::template::{Answers, MAX_ATTRIBUTES, Query};
use crate::{List, ObjectHandle, SessionHandle, Template};

/// The most handles one call of `C_FindObjects` brings.
pub const MAX_FOUND: usize = 4096;

use super::calls;

calls! {
    /// The calls of this section.
    ObjectCalls;

    /// `C_CreateObject`
    0x0501 create_object CreateObject { session: SessionHandle, template: Template } -> ObjectHandle;
    /// `C_CopyObject`
    0x0502 copy_object CopyObject { session: SessionHandle, object: ObjectHandle, template: Template } -> ObjectHandle;
    /// `C_DestroyObject`
    0x0503 destroy_object DestroyObject { session: SessionHandle, object: ObjectHandle } -> ();
    /// `C_GetObjectSize`, in bytes.
    0x0504 get_object_size GetObjectSize { session: SessionHandle, object: ObjectHandle } -> u64;
    /// `C_GetAttributeValue`
    0x0505 get_attribute_value GetAttributeValue {
        session: SessionHandle, object: ObjectHandle, queries: List<Query, MAX_ATTRIBUTES>,
    } -> Answers;
    /// `C_SetAttributeValue`
    0x0506 set_attribute_value SetAttributeValue { session: SessionHandle, object: ObjectHandle, template: Template } -> ();
    /// `C_FindObjectsInit`
    0x0507 find_objects_init FindObjectsInit { session: SessionHandle, template: Template } -> ();
    /// `C_FindObjects`, at most `MAX_FOUND` however many are asked for.
    0x0508 find_objects FindObjects { session: SessionHandle, max: u64 } -> List<ObjectHandle, MAX_FOUND>;
    /// `C_FindObjectsFinal`
    0x0509 find_objects_final FindObjectsFinal { session: SessionHandle } -> ();
}
