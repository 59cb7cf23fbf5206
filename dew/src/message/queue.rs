//! What is known in memory of each message: enough to say which is due. What it says stays in the store.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use hsm::Hsm;
use hsm::service::Kind;
use hsm::vault::Version;

use super::MessageError;
use super::record::{Message, State};
use crate::iam::ProjectId;
use crate::kms::Millis;
use crate::kms::record::Kept;

/// One message.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) version: Version,
    pub(super) project: ProjectId,
    pub(super) source: Arc<str>,
    pub(super) to: Arc<str>,
    pub(super) subject: Arc<str>,
    pub(super) created: Millis,
    pub(super) until: Millis,
    /// When it is tried next; none of one of which nothing more comes.
    pub(super) next: Option<Millis>,
}

/// The messages of one subject that wait, by number.
type Lane = BTreeSet<u64>;

/// All of them, by number, which is their order.
#[derive(Default)]
pub(super) struct Queue {
    pub(super) entries: BTreeMap<u64, Entry>,
    /// Those that wait, by where they go to and by subject.
    lanes: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Lane>>,
    /// Until when nothing is sent to where something just failed.
    pauses: HashMap<Arc<str>, Millis>,
    /// How many there are of each project.
    pub(super) amounts: HashMap<ProjectId, usize>,
    last: u64,
}

impl Entry {
    pub(super) fn of(message: &Message, version: Version) -> Self {
        let next = match &message.state {
            State::Waiting(next, _) => Some(*next),
            _ => None,
        };
        Self {
            version,
            project: message.project,
            source: message.source.as_str().into(),
            to: message.to.text().into(),
            subject: message.subject.as_str().into(),
            created: message.created,
            until: message.until,
            next,
        }
    }
}

impl Queue {
    pub(super) fn read(hsm: &Hsm) -> Result<Self, MessageError> {
        let mut queue = Self::default();
        for read in hsm.service_records(Kind::Message)? {
            let kept: Kept<Message> = Kept::read(read).map_err(MessageError::Kept)?;
            queue.put(kept.number, Entry::of(&kept, kept.version));
        }
        Ok(queue)
    }

    /// A number for the next message.
    pub(super) fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Shows a message as it is now.
    pub(super) fn put(&mut self, number: u64, entry: Entry) {
        self.last = self.last.max(number);
        let (to, subject) = (Arc::clone(&entry.to), Arc::clone(&entry.subject));
        match entry.next {
            Some(_) => {
                self.lanes.entry(to).or_default().entry(subject).or_default().insert(number);
            }
            None => self.leave(number, &to, &subject),
        }
        let project = entry.project;
        if self.entries.insert(number, entry).is_none() {
            *self.amounts.entry(project).or_default() += 1;
        }
    }

    /// Forgets one.
    pub(super) fn remove(&mut self, number: u64) {
        let Some(entry) = self.entries.remove(&number) else { return };
        self.leave(number, &entry.to, &entry.subject);
        if let Some(amount) = self.amounts.get_mut(&entry.project) {
            *amount -= 1;
            if *amount == 0 {
                self.amounts.remove(&entry.project);
            }
        }
    }

    fn leave(&mut self, number: u64, to: &Arc<str>, subject: &Arc<str>) {
        let Some(lanes) = self.lanes.get_mut(to) else { return };
        if let Some(lane) = lanes.get_mut(subject) {
            lane.remove(&number);
            if lane.is_empty() {
                lanes.remove(subject);
            }
        }
        if lanes.is_empty() {
            self.lanes.remove(to);
        }
    }

    /// Sends nothing to there before a time; none begins again.
    pub(super) fn pause(&mut self, to: &Arc<str>, until: Option<Millis>) {
        match until {
            Some(until) => {
                self.pauses.insert(Arc::clone(to), until);
            }
            None => {
                self.pauses.remove(to);
            }
        }
    }

    /// For each place that is not busy the message that is due first, if one is, those that wait longest first and of each
    /// project as many as there is room for; and when to look again, as far as that is a matter of time.
    pub(super) fn due(
        &self,
        now: Millis,
        busy: &dyn Fn(&str) -> bool,
        room: &dyn Fn(ProjectId) -> usize,
    ) -> (Vec<u64>, Option<Millis>) {
        let (mut due, mut again) = (Vec::new(), None::<Millis>);
        for (to, lanes) in self.lanes.iter().filter(|(to, _)| !busy(to)) {
            let heads = lanes.values().filter_map(|lane| {
                let number = *lane.first()?;
                Some((self.entries.get(&number)?.next?, number))
            });
            let Some((next, number)) = heads.min() else { continue };
            let next = next.max(self.pauses.get(to).copied().unwrap_or(0));
            if next <= now {
                due.push((next, number));
            } else {
                again = Some(again.map_or(next, |again| again.min(next)));
            }
        }
        due.sort_unstable();
        let mut left = HashMap::new();
        let has_room = |number: &u64| {
            let Some(entry) = self.entries.get(number) else { return false };
            let left = left.entry(entry.project).or_insert_with(|| room(entry.project));
            std::mem::replace(left, left.saturating_sub(1)) > 0
        };
        (due.into_iter().map(|(_, number)| number).filter(has_room).collect(), again)
    }

    /// Those that wait and for which the time is over.
    pub(super) fn overdue(&self, now: Millis, busy: &dyn Fn(&str) -> bool, most: usize) -> Vec<u64> {
        let waiting =
            self.lanes.iter().filter(|(to, _)| !busy(to)).flat_map(|(_, lanes)| lanes.values().flatten());
        let over = |number: &&u64| self.entries.get(number).is_some_and(|entry| entry.until <= now);
        waiting.filter(over).take(most).copied().collect()
    }

    /// Those that are too old, and of projects that have too many the oldest, first those of which nothing more comes.
    pub(super) fn surplus(
        &self,
        before: Millis,
        keep: usize,
        busy: &dyn Fn(&str) -> bool,
        most: usize,
    ) -> Vec<u64> {
        let mut over: HashMap<ProjectId, usize> = HashMap::new();
        for (project, amount) in self.amounts.iter().filter(|(_, amount)| **amount > keep) {
            over.insert(*project, amount - keep);
        }
        let mut gone = BTreeSet::new();
        for (number, entry) in
            self.entries.iter().filter(|(_, entry)| entry.created <= before && entry.next.is_none())
        {
            if gone.len() < most && gone.insert(*number) {
                let over = over.get_mut(&entry.project);
                over.into_iter().for_each(|over| *over = over.saturating_sub(1));
            }
        }
        for waiting in [false, true] {
            let all = self.entries.iter().filter(|(_, entry)| entry.next.is_some() == waiting);
            for (number, entry) in all.filter(|(_, entry)| !waiting || !busy(&entry.to)) {
                let Some(over) = over.get_mut(&entry.project).filter(|over| **over > 0) else { continue };
                if gone.len() < most && gone.insert(*number) {
                    *over -= 1;
                }
            }
        }
        gone.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(to: &str, subject: &str, next: Option<Millis>) -> Entry {
        Entry {
            version: Version(1),
            project: ProjectId([1; 16]),
            source: "csms".into(),
            to: to.into(),
            subject: subject.into(),
            created: 1,
            until: 100,
            next,
        }
    }

    fn queue(entries: &[(u64, &str, &str, Option<Millis>)]) -> Queue {
        let mut queue = Queue::default();
        for (number, to, subject, next) in entries {
            queue.put(*number, entry(to, subject, *next));
        }
        queue
    }

    const IDLE: &dyn Fn(&str) -> bool = &|_| false;
    const ROOM: &dyn Fn(ProjectId) -> usize = &|_| 9;

    #[test]
    fn of_one_subject_the_next_waits_for_the_one_before_it() {
        let mut queue = queue(&[(1, "a", "s", Some(50)), (2, "a", "s", Some(10)), (3, "a", "t", Some(20))]);
        assert_eq!(queue.due(15, IDLE, ROOM), (vec![], Some(20)));
        assert_eq!(queue.due(30, IDLE, ROOM), (vec![3], None));
        queue.put(1, entry("a", "s", None));
        assert_eq!(queue.due(15, IDLE, ROOM), (vec![2], None));
    }

    #[test]
    fn one_place_that_fails_or_is_busy_keeps_no_other_back() {
        let mut queue = queue(&[(1, "a", "s", Some(1)), (2, "b", "s", Some(1))]);
        assert_eq!(queue.due(5, &|to| to == "a", ROOM), (vec![2], None));
        queue.pause(&"a".into(), Some(9));
        assert_eq!(queue.due(5, IDLE, ROOM), (vec![2], Some(9)));
        queue.pause(&"a".into(), None);
        assert_eq!(queue.due(5, IDLE, ROOM), (vec![1, 2], None));
    }

    #[test]
    fn a_project_has_its_room_and_what_waits_longest_goes_first() {
        let mut queue = queue(&[(1, "a", "s", Some(3)), (2, "b", "s", Some(1)), (3, "c", "s", Some(2))]);
        let other = ProjectId([2; 16]);
        queue.put(4, Entry { project: other, ..entry("d", "s", Some(4)) });
        assert_eq!(queue.due(5, IDLE, ROOM), (vec![2, 3, 1, 4], None));
        assert_eq!(queue.due(5, IDLE, &|_| 1), (vec![2, 4], None));
        assert_eq!(queue.due(5, IDLE, &|project| if project == other { 2 } else { 0 }), (vec![4], None));
    }

    #[test]
    fn what_is_too_much_goes_from_the_oldest_on_and_what_waits_last() {
        let queue = queue(&[
            (1, "a", "s", Some(1)),
            (2, "a", "s", None),
            (3, "b", "s", None),
            (4, "b", "s", Some(1)),
        ]);
        assert!(queue.surplus(0, 4, IDLE, 9).is_empty());
        assert_eq!(queue.surplus(0, 3, IDLE, 9), [2]);
        assert_eq!(queue.surplus(0, 1, IDLE, 9), [1, 2, 3]);
        assert_eq!(queue.surplus(0, 1, &|to| to == "a", 9), [2, 3, 4]);
        assert_eq!(queue.surplus(1, 4, IDLE, 9), [2, 3], "what waits is not too old");
        assert_eq!(queue.overdue(100, IDLE, 9), [1, 4]);
        assert!(queue.overdue(99, IDLE, 9).is_empty());
    }
}
