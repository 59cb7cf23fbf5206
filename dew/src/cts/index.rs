//! How traces are found again: of each a few numbers in memory, and where it stands in the log. A filter is matched by
//! hashes first, from the newest on; what they let through is read and looked at itself.
//!
//! A trace takes some 64 bytes here: a million of one project are 64 MB, and a search through all of them some
//! milliseconds.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};

use super::trace::Trace;
use crate::iam::ProjectId;

/// For how many days traces are shown.
pub const DAYS: u64 = 7;
const KEPT: u64 = DAYS * 24 * 3600 * 1000;
/// The most traces that are shown of one project, and of all.
const MANY: usize = 1_000_000;
const ALL: usize = 4_000_000;

/// What traces are found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // each is a field of the trace
pub enum Field {
    Id,
    Name,
    User,
    Service,
    ResourceType,
    ResourceId,
    ResourceName,
    Rating,
    AccessKey,
    EnterpriseProject,
}

/// How many fields there are.
const FIELDS: usize = 10;

impl Field {
    const EACH: [Self; FIELDS] = [
        Self::Id,
        Self::Name,
        Self::User,
        Self::Service,
        Self::ResourceType,
        Self::ResourceId,
        Self::ResourceName,
        Self::Rating,
        Self::AccessKey,
        Self::EnterpriseProject,
    ];

    fn of(self, trace: &Trace) -> String {
        match self {
            Self::Id => trace.id(),
            Self::Name => trace.name.clone(),
            Self::User => trace.user.name.clone(),
            Self::Service => trace.service.clone(),
            Self::ResourceType => trace.resource_type.clone(),
            Self::ResourceId => trace.resource_id.clone(),
            Self::ResourceName => trace.resource_name.clone(),
            Self::Rating => trace.rating.name().to_owned(),
            Self::AccessKey => trace.user.access_key.clone(),
            Self::EnterpriseProject => trace.enterprise_project.to_string(),
        }
    }
}

/// Which traces are wanted: those that have one of the values in each field, and are of the time between.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Fields with the values that they may have.
    pub fields: Vec<(Field, Vec<String>)>,
    /// After this time, in milliseconds since 1970.
    pub from: Option<u64>,
    /// Before this time.
    pub to: Option<u64>,
    /// Those that came before the one of this number.
    pub before: Option<u64>,
}

impl Filter {
    /// Whether a trace is wanted.
    #[must_use]
    pub fn takes(&self, trace: &Trace) -> bool {
        self.takes_time(trace.time)
            && self.fields.iter().all(|(field, values)| {
                let own = field.of(trace);
                values.contains(&own)
            })
    }

    fn takes_time(&self, time: u64) -> bool {
        self.from.is_none_or(|from| time > from) && self.to.is_none_or(|to| time < to)
    }
}

/// A trace, and its number in the log.
#[derive(Debug)]
pub struct Found {
    /// The number.
    pub number: u64,
    /// The trace.
    pub trace: Trace,
}

#[derive(Debug)]
struct Entry<P> {
    number: u64,
    time: u64,
    place: P,
    hashes: [u32; FIELDS],
}

/// The traces of a project.
#[derive(Debug)]
struct Shelf<P> {
    /// By their numbers.
    entries: VecDeque<Entry<P>>,
    /// Who left one, and when the last.
    users: BTreeMap<String, u64>,
    /// Of which services and types of resource there is one, and of when the last.
    resources: BTreeMap<(String, String), u64>,
}

/// The traces of all projects.
#[derive(Debug)]
pub struct Index<P> {
    projects: HashMap<ProjectId, Shelf<P>>,
    hasher: RandomState,
    count: usize,
    /// The most of one project, and of all.
    limits: (usize, usize),
}

impl<P> Default for Index<P> {
    fn default() -> Self {
        Self { projects: HashMap::new(), hasher: RandomState::new(), count: 0, limits: (MANY, ALL) }
    }
}

impl<P: Copy> Index<P> {
    /// Adds a trace, whose number is greater than all before.
    pub fn add(&mut self, number: u64, place: P, trace: &Trace) {
        let hashes = Field::EACH.map(|field| self.hash(&field.of(trace)));
        let shelf = self.projects.entry(trace.project).or_insert_with(|| Shelf {
            entries: VecDeque::new(),
            users: BTreeMap::new(),
            resources: BTreeMap::new(),
        });
        shelf.entries.push_back(Entry { number, time: trace.time, place, hashes });
        shelf.users.insert(trace.user.name.clone(), trace.time);
        shelf.resources.insert((trace.service.clone(), trace.resource_type.clone()), trace.time);
        self.count += 1;
        if shelf.entries.len() > self.limits.0 {
            shelf.entries.pop_front();
            self.count -= 1;
        }
        if self.count > self.limits.1
            && let Some(longest) = self.projects.values_mut().max_by_key(|shelf| shelf.entries.len())
        {
            longest.entries.pop_front();
            self.count -= 1;
        }
    }

    /// Forgets what is older than seven days.
    pub fn forget(&mut self, now: u64) {
        let oldest = now.saturating_sub(KEPT);
        self.projects.retain(|_, shelf| {
            while shelf.entries.front().is_some_and(|entry| entry.time <= oldest) {
                shelf.entries.pop_front();
            }
            shelf.users.retain(|_, last| *last > oldest);
            shelf.resources.retain(|_, last| *last > oldest);
            !shelf.entries.is_empty()
        });
        self.count = self.projects.values().map(|shelf| shelf.entries.len()).sum();
    }

    /// The newest traces of a project that a filter takes, at most so many. `read` gives what is at a place, and
    /// nothing of what is gone.
    pub fn find(
        &self,
        project: ProjectId,
        filter: &Filter,
        now: u64,
        limit: usize,
        mut read: impl FnMut(P) -> Option<Trace>,
    ) -> Vec<Found> {
        let Some(shelf) = self.projects.get(&project) else { return Vec::new() };
        let wanted: Vec<_> = filter
            .fields
            .iter()
            .map(|(field, values)| {
                (*field as usize, values.iter().map(|value| self.hash(value)).collect::<Vec<_>>())
            })
            .collect();
        let end = filter.before.map_or(shelf.entries.len(), |before| {
            shelf.entries.partition_point(|entry| entry.number < before)
        });
        let oldest = now.saturating_sub(KEPT);
        let may_be = |entry: &&Entry<P>| {
            entry.time > oldest
                && filter.takes_time(entry.time)
                && wanted
                    .iter()
                    .all(|(field, hashes)| entry.hashes.get(*field).is_some_and(|own| hashes.contains(own)))
        };
        let found = shelf.entries.range(..end).rev().filter(may_be).filter_map(|entry| {
            let trace = read(entry.place).filter(|trace| trace.project == project && filter.takes(trace))?;
            Some(Found { number: entry.number, trace })
        });
        found.take(limit).collect()
    }

    /// Who left traces in a project.
    #[must_use]
    pub fn users(&self, project: ProjectId) -> Vec<String> {
        self.projects.get(&project).map(|shelf| shelf.users.keys().cloned().collect()).unwrap_or_default()
    }

    /// The services and types of resource that there are traces of in some projects.
    #[must_use]
    pub fn resources(&self, projects: &[ProjectId]) -> BTreeMap<String, Vec<String>> {
        let mut resources: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (service, resource) in
            projects.iter().filter_map(|id| self.projects.get(id)).flat_map(|shelf| shelf.resources.keys())
        {
            let types = resources.entry(service.clone()).or_default();
            if !types.contains(resource) {
                types.push(resource.clone());
            }
        }
        resources
    }

    /// As much of a hash as tells most texts apart; what it does not, a look at the trace does.
    #[allow(clippy::cast_possible_truncation)]
    fn hash(&self, text: &str) -> u32 {
        self.hasher.hash_one(text) as u32
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::cts::{Kind, Rating, User};
    use crate::iam::EnterpriseProjectId;

    const OURS: ProjectId = ProjectId([1; 16]);
    const NOW: u64 = 1_790_000_000_000;
    const DAY: u64 = 24 * 3600 * 1000;

    fn trace(number: u64, time: u64) -> Trace {
        let refused = number.is_multiple_of(5);
        Trace {
            request_id: format!("{number:032x}"),
            name: if number.is_multiple_of(2) { "createKey" } else { "encryptData" }.into(),
            operation: String::new(),
            rating: if refused { Rating::Warning } else { Rating::Normal },
            kind: Kind::ApiCall,
            time,
            request: String::new(),
            response: String::new(),
            code: if refused { 400 } else { 200 },
            api_version: "v1.0".into(),
            message: String::new(),
            user: User {
                name: format!("user{}", number % 3),
                access_key: format!("AK{}", number % 4),
                ..User::default()
            },
            service: "KMS".into(),
            resource_type: if number.is_multiple_of(7) { "RNG" } else { "CMK" }.into(),
            resource_id: format!("id{}", number % 6),
            resource_name: format!("name{}", number % 6),
            source_ip: String::new(),
            project: OURS,
            enterprise_project: EnterpriseProjectId([u8::from(number.is_multiple_of(3)); 16]),
            count: 1,
        }
    }

    /// Traces 1 to `many`, a second apart, the last of them just now.
    fn index(many: u64) -> (Index<u64>, impl Fn(u64) -> Option<Trace>) {
        let at = move |number| trace(number, NOW - (many - number) * 1000);
        let mut index = Index::default();
        (1..=many).for_each(|number| index.add(number, number, &at(number)));
        (index, move |number| Some(at(number)))
    }

    fn numbers(index: &Index<u64>, filter: &Filter, read: impl Fn(u64) -> Option<Trace>) -> Vec<u64> {
        index.find(OURS, filter, NOW, 1000, read).iter().map(|found| found.number).collect()
    }

    /// Requirement: CTS-065, CTS-066, CTS-067, CTS-068, CTS-069, CTS-070, CTS-071, CTS-072, CTS-073, CTS-074, CTS-076
    #[test]
    fn each_filter_takes_what_has_its_value_and_filters_combine_with_and() {
        let (index, read) = index(60);
        let twelve = trace(12, 0);
        let mut all = Vec::new();
        for field in Field::EACH {
            let value = field.of(&twelve);
            let filter = Filter { fields: vec![(field, vec![value.clone()])], ..Filter::default() };
            let expected: Vec<u64> =
                (1..=60).rev().filter(|number| field.of(&trace(*number, 0)) == value).collect();
            assert!(expected.contains(&12) && (expected.len() < 60 || field == Field::Service), "{field:?}");
            assert_eq!(numbers(&index, &filter, &read), expected, "{field:?}");
            let other = Filter { fields: vec![(field, vec!["another".into()])], ..Filter::default() };
            assert!(numbers(&index, &other, &read).is_empty(), "{field:?}");
            all.push((field, vec![value]));
        }
        let both = Filter {
            fields: all.iter().filter(|(field, _)| *field != Field::Id).cloned().collect(),
            ..Filter::default()
        };
        let same = |number: &u64| {
            Field::EACH[1..].iter().all(|field| field.of(&trace(*number, 0)) == field.of(&twelve))
        };
        assert_eq!(numbers(&index, &both, &read), (1..=60).rev().filter(same).collect::<Vec<_>>());
        let two = vec!["user0".to_owned(), "user1".to_owned()];
        let several = Filter { fields: vec![(Field::User, two)], ..Filter::default() };
        assert_eq!(numbers(&index, &several, &read).len(), 40);
    }

    /// Requirement: CTS-057, CTS-075
    #[test]
    fn traces_are_shown_for_seven_days_and_those_of_a_time_are_found() {
        let mut index = Index::default();
        let days = [8, 6, 3, 0];
        for (number, days) in (1u64..).zip(days) {
            index.add(number, number, &trace(number, NOW - days * DAY));
        }
        let read = |number: u64| Some(trace(number, NOW - days[usize::try_from(number).unwrap() - 1] * DAY));
        assert_eq!(numbers(&index, &Filter::default(), read), [4, 3, 2]);
        let between = Filter { from: Some(NOW - 4 * DAY), to: Some(NOW - DAY), ..Filter::default() };
        assert_eq!(numbers(&index, &between, read), [3]);
        let edges = Filter { from: Some(NOW - 6 * DAY), to: Some(NOW), ..Filter::default() };
        assert_eq!(numbers(&index, &edges, read), [3], "both ends are outside");
        index.forget(NOW);
        assert_eq!(index.count, 3);
        index.forget(NOW + DAY * DAYS);
        assert_eq!((index.count, index.users(OURS).len(), index.projects.len()), (0, 0, 0));
    }

    /// Requirement: CTS-061
    #[test]
    fn a_project_sees_its_own_traces_only_and_pages_go_back_from_the_newest() {
        let (index, read) = index(25);
        assert!(index.find(ProjectId([2; 16]), &Filter::default(), NOW, 10, &read).is_empty());
        let (mut before, mut pages) = (None, Vec::new());
        loop {
            let page = index.find(OURS, &Filter { before, ..Filter::default() }, NOW, 10, &read);
            let Some(last) = page.last() else { break };
            before = Some(last.number);
            pages.push(page.len());
        }
        assert_eq!(pages, [10, 10, 5]);
    }

    #[test]
    fn what_is_kept_in_memory_is_bounded_and_the_oldest_go_first() {
        let mut index = Index { limits: (10, 15), ..Index::default() };
        for number in 1..=40 {
            let mut one = trace(number, NOW);
            one.project = ProjectId([u8::from(number > 20); 16]);
            index.add(number, number, &one);
        }
        let mut kept: Vec<_> = index.projects.values().map(|shelf| shelf.entries.len()).collect();
        kept.sort_unstable();
        assert_eq!((index.count, kept), (15, vec![7, 8]));
        let newest = index.projects[&ProjectId([1; 16])].entries.back().map(|entry| entry.number);
        assert_eq!(newest, Some(40));
    }

    #[test]
    fn a_search_through_a_million_traces_is_quick() {
        let mut index = Index::default();
        for number in 1..=1_000_000 {
            index.add(number, number, &trace(number, NOW));
        }
        let filter = Filter { fields: vec![(Field::Id, vec![trace(3, 0).id()])], ..Filter::default() };
        let began = Instant::now();
        let found = index.find(OURS, &filter, NOW, 10, |number| Some(trace(number, NOW)));
        let took = began.elapsed();
        assert_eq!(found.len(), 1);
        // A few milliseconds in a release build; a debug build on a busy machine takes longer.
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
}
