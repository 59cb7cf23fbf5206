//! PKCS#11 modules that the daemon is an application of. A module has one state in a process, whoever uses it: it is
//! initialised for the first who does and finalised after the last.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::Error;
use cryptoki::slot::Slot;
use parking_lot::Mutex;

/// What is initialised, and for how many.
static IN_USE: Mutex<BTreeMap<PathBuf, (Pkcs11, usize)>> = Mutex::new(BTreeMap::new());

/// A module that is initialised for as long as this lives.
#[derive(Debug)]
pub(crate) struct Module {
    path: PathBuf,
    module: Pkcs11,
}

impl Module {
    /// # Errors
    /// What loading it, or it itself, says.
    pub(crate) fn of(path: &Path) -> Result<Self, Error> {
        let mut in_use = IN_USE.lock();
        if let Some((module, users)) = in_use.get_mut(path) {
            *users += 1;
            return Ok(Self { path: path.into(), module: module.clone() });
        }
        let module = Pkcs11::new(path)?;
        module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
        in_use.insert(path.into(), (module.clone(), 1));
        Ok(Self { path: path.into(), module })
    }

    /// The slot of the token of this label.
    ///
    /// # Errors
    /// What the module says.
    pub(crate) fn slot_of(&self, label: &str) -> Result<Option<Slot>, Error> {
        let slots = self.get_slots_with_token()?;
        Ok(slots.into_iter().find(|slot| self.get_token_info(*slot).is_ok_and(|info| info.label() == label)))
    }
}

impl Deref for Module {
    type Target = Pkcs11;
    fn deref(&self) -> &Pkcs11 {
        &self.module
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        let mut in_use = IN_USE.lock();
        if let Some((_, users)) = in_use.get_mut(&self.path) {
            *users -= 1;
            if *users == 0 {
                in_use.remove(&self.path);
                // Whether the module takes its leave well is not ours to mend.
                let _ = self.module.clone().finalize();
            }
        }
    }
}
