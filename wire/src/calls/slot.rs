//! Slots and tokens (PKCS#11 3.2, "Slot and token management functions").

use crate::info::{MechanismInfo, SlotInfo, TokenInfo};
use crate::{List, MechanismId, Slice, SlotId};

/// The most slots a daemon lists.
pub const MAX_SLOTS: usize = 4096;
/// The most mechanisms a token lists.
pub const MAX_MECHANISMS: usize = 1024;

use super::calls;

calls! {
    /// The calls of this section.
    SlotCalls;

    /// `C_GetSlotList`
    0x0301 get_slot_list GetSlotList { token_present: bool } -> List<SlotId, MAX_SLOTS>;
    /// `C_GetSlotInfo`
    0x0302 get_slot_info GetSlotInfo { slot: SlotId } -> SlotInfo;
    /// `C_GetTokenInfo`
    0x0303 get_token_info GetTokenInfo { slot: SlotId } -> TokenInfo;
    /// `C_GetMechanismList`
    0x0304 get_mechanism_list GetMechanismList { slot: SlotId } -> List<MechanismId, MAX_MECHANISMS>;
    /// `C_GetMechanismInfo`
    0x0305 get_mechanism_info GetMechanismInfo { slot: SlotId, mechanism: MechanismId } -> MechanismInfo;
    /// `C_InitToken`; the label as the caller gave it, 32 bytes.
    0x0306 init_token InitToken<'a> { slot: SlotId, pin: Option<Slice<'a>>, label: Slice<'a> } -> ();
    /// `C_WaitForSlotEvent`, which never waits here: the slot of one event that this application has not seen.
    0x0307 wait_for_slot_event WaitForSlotEvent {} -> Option<SlotId>;
}
