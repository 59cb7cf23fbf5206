//! What the daemon told the module at the handshake.

use wire::handshake::{ApplicationToken, Opened};
use wire::layout::{MAX_WORDS, MechanismLayouts, Word};
use wire::template::MAX_VALUE;
use wire::{AttributeType, List, MechanismId};

use crate::memory::watch::Watch;

/// The application that this process is to the daemon, and how mechanisms and attributes lie in memory.
pub(crate) struct Application {
    pub(super) token: ApplicationToken,
    /// Which of the process's applications this is: the daemon may have forgotten earlier ones.
    pub(super) generation: u64,
    /// By mechanism.
    layouts: Vec<MechanismLayouts>,
    flat_arrays: Vec<AttributeType>,
    /// By attribute.
    bounds: Vec<(AttributeType, u32)>,
    /// Where the daemon tells of changes; without it, everything is asked.
    watch: Option<Watch>,
}

impl Application {
    pub(super) fn new(opened: Opened, generation: u64, watch: Option<Watch>) -> Self {
        let mut layouts = opened.layouts.into_vec();
        layouts.sort_by_key(|layout| layout.mechanism);
        let mut bounds = opened.bounds.into_vec();
        bounds.sort_by_key(|(kind, _)| *kind);
        let flat_arrays = opened.flat_arrays.into_vec();
        Self { token: opened.application, generation, layouts, flat_arrays, bounds, watch }
    }

    /// The number of changes that the daemon has told of; none while it is not certain.
    pub(super) fn changes(&self) -> Option<u64> {
        self.watch.as_ref()?.changes()
    }

    /// The layouts of a mechanism's parameter; none for one that takes no parameter, or is unknown.
    pub(crate) fn layouts(&self, mechanism: MechanismId) -> &[List<Word, MAX_WORDS>] {
        match self.layouts.binary_search_by_key(&mechanism, |layout| layout.mechanism) {
            Ok(found) => self.layouts.get(found).map_or(&[], |layout| &layout.layouts),
            Err(_) => &[],
        }
    }

    /// Whether an attribute's value is an array of attributes.
    pub(crate) fn is_nested(&self, kind: AttributeType) -> bool {
        kind.is_array() && !self.flat_arrays.contains(&kind)
    }

    /// The longest value of an attribute, in bytes.
    pub(crate) fn bound(&self, kind: AttributeType) -> usize {
        let found = self.bounds.binary_search_by_key(&kind, |(kind, _)| *kind).ok();
        let bound =
            found.and_then(|found| self.bounds.get(found)).map_or(MAX_VALUE, |(_, max)| u64::from(*max));
        bound.min(MAX_VALUE) as usize
    }
}
