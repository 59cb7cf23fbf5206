//! Who talks to servers of databases right now: one about each secret, and a few of each project, so that servers that keep
//! silent hold up nobody else.

use std::collections::HashMap;

use parking_lot::Mutex;

use super::error::{CsmsError, Result};
use crate::iam::ProjectId;

/// The most that talk at once of a project.
const MOST: usize = 8;

/// All who talk: of each project what about, which is the number of a secret's record or nothing that is there yet.
#[derive(Default)]
pub(super) struct Talks(Mutex<HashMap<ProjectId, Vec<Option<u64>>>>);

/// One who talks, until it is dropped.
pub(super) struct Talk<'a> {
    talks: &'a Talks,
    project: ProjectId,
    about: Option<u64>,
}

impl Talks {
    /// Begins to talk.
    ///
    /// # Errors
    /// `RotationUnderWay` if somebody talks about the secret already; `Talks` if as many talk as may.
    pub(super) fn begin(&self, project: ProjectId, about: Option<u64>) -> Result<Talk<'_>> {
        let mut all = self.0.lock();
        let talk = all.entry(project).or_default();
        if about.is_some() && talk.contains(&about) {
            return Err(CsmsError::RotationUnderWay);
        }
        if talk.len() >= MOST {
            return Err(CsmsError::Talks(MOST));
        }
        talk.push(about);
        Ok(Talk { talks: self, project, about })
    }
}

impl Drop for Talk<'_> {
    fn drop(&mut self) {
        let mut all = self.talks.0.lock();
        if let Some(talk) = all.get_mut(&self.project) {
            if let Some(at) = talk.iter().position(|about| *about == self.about) {
                talk.swap_remove(at);
            }
            if talk.is_empty() {
                all.remove(&self.project);
            }
        }
    }
}
