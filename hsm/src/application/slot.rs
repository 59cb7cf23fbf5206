//! Slots and tokens.

use wire::calls::slot::{
    GetMechanismInfo, GetMechanismList, GetSlotInfo, GetSlotList, GetTokenInfo, InitToken, MAX_MECHANISMS,
    MAX_SLOTS, SlotCalls, WaitForSlotEvent,
};
use wire::info::{MechanismInfo, SlotInfo, TokenInfo};
use wire::{List, MechanismId, SlotId};

use super::Application;
use crate::error::Error;
use crate::event::Class;
use crate::partition::Partition;
use crate::pin::Which;
use crate::user::User;

/// `CK_UNAVAILABLE_INFORMATION`
const UNKNOWN: u64 = u64::MAX;

/// `CK_SLOT_INFO.flags`
const CKF_TOKEN_PRESENT: u64 = 0x1;

/// `CK_TOKEN_INFO.flags`
mod token {
    pub(super) const RNG: u64 = 0x1;
    pub(super) const LOGIN_REQUIRED: u64 = 0x4;
    pub(super) const USER_PIN_INITIALIZED: u64 = 0x8;
    pub(super) const DUAL_CRYPTO_OPERATIONS: u64 = 0x200;
    pub(super) const TOKEN_INITIALIZED: u64 = 0x400;
    pub(super) const USER_PIN_COUNT_LOW: u64 = 0x1_0000;
    pub(super) const USER_PIN_FINAL_TRY: u64 = 0x2_0000;
    pub(super) const USER_PIN_LOCKED: u64 = 0x4_0000;
    pub(super) const SO_PIN_COUNT_LOW: u64 = 0x10_0000;
    pub(super) const SO_PIN_FINAL_TRY: u64 = 0x20_0000;
    pub(super) const SO_PIN_LOCKED: u64 = 0x40_0000;
}

impl SlotCalls for Application {
    fn get_slot_list(&self, _: GetSlotList) -> Result<List<SlotId, MAX_SLOTS>, Error> {
        // A partition's token is never taken out, so every slot has one.
        let mut slots: Vec<_> = self.slots().into_iter().map(|(slot, _)| slot).collect();
        slots.truncate(MAX_SLOTS);
        List::new(slots).ok_or(Error::Internal("the slots fit their list"))
    }

    fn get_slot_info(&self, call: GetSlotInfo) -> Result<SlotInfo, Error> {
        let partition = self.partition(call.slot)?;
        Ok(SlotInfo {
            description: format!("Claviger partition {}", partition.slot().0),
            manufacturer: crate::MANUFACTURER.to_owned(),
            flags: CKF_TOKEN_PRESENT,
            hardware_version: crate::RELEASE,
            firmware_version: crate::RELEASE,
        })
    }

    fn get_token_info(&self, call: GetTokenInfo) -> Result<TokenInfo, Error> {
        let partition = self.partition(call.slot)?;
        let (sessions, rw_sessions) = self.count_sessions(&partition);
        let settings = &self.hsm.settings;
        Ok(TokenInfo {
            label: if partition.is_initialized() { partition.label() } else { String::new() },
            manufacturer: crate::MANUFACTURER.to_owned(),
            model: crate::MODEL.to_owned(),
            serial: partition.serial(),
            flags: self.token_flags(&partition),
            max_sessions: settings.max_sessions,
            sessions,
            max_rw_sessions: settings.max_sessions,
            rw_sessions,
            max_pin_len: settings.max_pin_len as u64,
            min_pin_len: settings.min_pin_len as u64,
            total_public_memory: UNKNOWN,
            free_public_memory: UNKNOWN,
            total_private_memory: UNKNOWN,
            free_private_memory: UNKNOWN,
            hardware_version: crate::RELEASE,
            firmware_version: crate::RELEASE,
            utc_time: String::new(),
        })
    }

    fn get_mechanism_list(&self, call: GetMechanismList) -> Result<List<MechanismId, MAX_MECHANISMS>, Error> {
        let partition = self.partition(call.slot)?;
        let all = self.hsm.mechanisms.iter().map(|row| row.id);
        List::new(all.filter(|id| partition.offers(*id)).collect())
            .ok_or(Error::Internal("the mechanisms fit their list"))
    }

    fn get_mechanism_info(&self, call: GetMechanismInfo) -> Result<MechanismInfo, Error> {
        let partition = self.partition(call.slot)?;
        Ok(partition.profile().info(partition.mechanism(&self.hsm.mechanisms, call.mechanism)?))
    }

    fn init_token(&self, call: InitToken<'_>) -> Result<(), Error> {
        let partition = self.partition(call.slot)?;
        partition.check_is_of_no_instance()?;
        let pin = call.pin.ok_or(Error::ArgumentsBad("the token has no protected path for a PIN"))?;
        let label = std::str::from_utf8(call.label.0).map_err(|_| Error::ArgumentsBad("a label is UTF-8"))?;
        let label = label.trim_end_matches([' ', '\0']);
        let (vault, settings) = (&self.hsm.vault, &self.hsm.settings);
        let act = self.act_as(&partition, User::So.name(), Class::Administration, "initialise the token");
        if !self.has_session_on(&partition) {
            Partition::let_part(&[&*partition], &*self.hsm.ports.clock);
        }
        act.unless_done(None, partition.init_token(vault, settings, Some(label), pin.0, None, &act))
    }

    fn wait_for_slot_event(&self, _: WaitForSlotEvent) -> Result<Option<SlotId>, Error> {
        let now = self.slots();
        let mut seen = self.seen.lock();
        let changed =
            now.iter().chain(seen.iter()).find(|slot| !(now.contains(slot) && seen.contains(slot))).copied();
        let Some((slot, _)) = changed else { return Ok(None) };
        seen.retain(|(known, _)| *known != slot);
        seen.extend(now.into_iter().find(|(present, _)| *present == slot));
        Ok(Some(slot))
    }
}

impl Application {
    /// The application's sessions on a partition: all, and those that are read/write.
    pub(super) fn count_sessions(&self, partition: &Partition) -> (u64, u64) {
        let sessions = self.sessions.read();
        let here = sessions.values().filter(|session| session.partition.domain == partition.domain);
        here.fold((0, 0), |(all, rw), session| (all + 1, rw + u64::from(session.rw)))
    }

    fn token_flags(&self, partition: &Partition) -> u64 {
        let tries = partition.tries();
        let settings = &self.hsm.settings;
        let count = |which, limit: u8, [low, last, locked]: [u64; 3]| match tries.of(which) {
            0 => 0,
            made if made >= limit => locked,
            made if made + 1 == limit => low | last,
            _ => low,
        };
        let mut flags = token::RNG | token::LOGIN_REQUIRED | token::DUAL_CRYPTO_OPERATIONS;
        if partition.is_initialized() {
            flags |= token::TOKEN_INITIALIZED;
        }
        if partition.has_user_pin() {
            flags |= token::USER_PIN_INITIALIZED;
        }
        flags
            | count(
                Which::User,
                settings.user_pin_tries,
                [token::USER_PIN_COUNT_LOW, token::USER_PIN_FINAL_TRY, token::USER_PIN_LOCKED],
            )
            | count(
                Which::So,
                settings.so_pin_tries,
                [token::SO_PIN_COUNT_LOW, token::SO_PIN_FINAL_TRY, token::SO_PIN_LOCKED],
            )
    }
}
