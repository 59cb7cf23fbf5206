//! Sessions, log-in and PINs (PKCS#11 3.2, "Session management functions").

use crate::info::SessionInfo;
use crate::{ObjectHandle, Output, Room, SessionHandle, Slice, SlotId};

use super::calls;

calls! {
    /// The calls of this section.
    SessionCalls;

    /// `C_OpenSession`; the flags as the caller gave them.
    0x0401 open_session OpenSession { slot: SlotId, flags: u64 } -> SessionHandle;
    /// `C_CloseSession`
    0x0402 close_session CloseSession { session: SessionHandle } -> ();
    /// `C_CloseAllSessions`
    0x0403 close_all_sessions CloseAllSessions { slot: SlotId } -> ();
    /// `C_GetSessionInfo`
    0x0404 get_session_info GetSessionInfo { session: SessionHandle } -> SessionInfo;
    /// `C_Login`; no PIN asks for the protected path.
    0x0405 login Login<'a> { session: SessionHandle, user: u64, pin: Option<Slice<'a>> } -> ();
    /// `C_Logout`
    0x0406 logout Logout { session: SessionHandle } -> ();
    /// `C_InitPIN`
    0x0407 init_pin InitPIN<'a> { session: SessionHandle, pin: Option<Slice<'a>> } -> ();
    /// `C_SetPIN`
    0x0408 set_pin SetPIN<'a> { session: SessionHandle, old: Option<Slice<'a>>, new: Option<Slice<'a>> } -> ();
    /// `C_GetOperationState`
    0x0409 get_operation_state GetOperationState { session: SessionHandle, room: Room } -> Output;
    /// `C_SetOperationState`
    0x040a set_operation_state SetOperationState<'a> {
        session: SessionHandle, state: Slice<'a>, encryption_key: ObjectHandle, authentication_key: ObjectHandle,
    } -> ();
    /// `C_SessionCancel`
    0x040b session_cancel SessionCancel { session: SessionHandle, flags: u64 } -> ();
    /// `C_LoginUser`; the name as the caller gave it.
    0x040c login_user LoginUser<'a> {
        session: SessionHandle, user: u64, pin: Option<Slice<'a>>, name: Slice<'a>,
    } -> ();
}
