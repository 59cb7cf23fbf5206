//! The objects of a partition, or of an application's sessions, and how they are found.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use wire::Template;
use wire::template::AttributeValue as Sent;

use super::attributes::{self, Form};
use super::read::{Shown, shown};
use super::{Attr, Object, asked};
use crate::error::Error;

/// The attributes by which objects are found without a look at each, the most telling first.
const INDEXED: [Attr; 4] = [Attr::UNIQUE_ID, Attr::ID, Attr::LABEL, Attr::CLASS];

type ByValue = HashMap<Box<[u8]>, Numbers>;

/// The numbers of the objects that share a value, in ascending order. Of most values it is one.
#[derive(Debug)]
enum Numbers {
    One(u64),
    Many(BTreeSet<u64>),
}

impl Numbers {
    fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Many(numbers) => numbers.len(),
        }
    }

    fn insert(&mut self, number: u64) {
        match self {
            Self::One(own) if *own == number => {}
            Self::One(own) => *self = Self::Many(BTreeSet::from([*own, number])),
            Self::Many(numbers) => {
                numbers.insert(number);
            }
        }
    }

    /// Takes a number out, and tells whether none is left.
    fn remove(&mut self, number: u64) -> bool {
        match self {
            Self::One(own) => *own == number,
            Self::Many(numbers) => {
                numbers.remove(&number);
                numbers.is_empty()
            }
        }
    }

    fn iter(&self) -> impl Iterator<Item = u64> {
        let (one, many) = match self {
            Self::One(number) => (Some(*number), None),
            Self::Many(numbers) => (None, Some(numbers)),
        };
        one.into_iter().chain(many.into_iter().flatten().copied())
    }
}

/// Objects by number, and by what they are usually looked for by.
#[derive(Debug, Default)]
pub struct Index {
    objects: BTreeMap<u64, Arc<Object>>,
    indexed: [ByValue; INDEXED.len()],
}

impl Index {
    /// No objects.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an object, or puts it in the place of that with its number, which is given back.
    pub fn insert(&mut self, object: Arc<Object>) -> Option<Arc<Object>> {
        let before = self.remove(object.number);
        for (attribute, by_value) in INDEXED.into_iter().zip(&mut self.indexed) {
            if let Some(value) = key(&object, attribute) {
                by_value
                    .entry(value.into())
                    .and_modify(|numbers| numbers.insert(object.number))
                    .or_insert(Numbers::One(object.number));
            }
        }
        self.objects.insert(object.number, object);
        before
    }

    /// Puts an object in the place of that with its number, which is given back; if there is none, the object
    /// is not added.
    pub fn replace(&mut self, object: Arc<Object>) -> Option<Arc<Object>> {
        if self.objects.contains_key(&object.number) { self.insert(object) } else { None }
    }

    /// Takes an object out.
    pub fn remove(&mut self, number: u64) -> Option<Arc<Object>> {
        let object = self.objects.remove(&number)?;
        for (attribute, by_value) in INDEXED.into_iter().zip(&mut self.indexed) {
            let Some(value) = key(&object, attribute) else { continue };
            if by_value.get_mut(value).is_some_and(|numbers| numbers.remove(number)) {
                by_value.remove(value);
            }
        }
        Some(object)
    }

    /// The object of this number.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<&Arc<Object>> {
        self.objects.get(&number)
    }

    /// All, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.objects.values()
    }

    /// A page of those after a number, in the order of their numbers.
    #[must_use]
    pub fn after(&self, number: u64, limit: usize) -> Vec<Arc<Object>> {
        self.objects
            .range(number.saturating_add(1)..)
            .take(limit)
            .map(|(_, object)| Arc::clone(object))
            .collect()
    }

    /// The numbers of the private objects.
    #[must_use]
    pub fn private_numbers(&self) -> Vec<u64> {
        self.objects.values().filter(|object| object.is_private()).map(|object| object.number).collect()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// `C_FindObjects`: the numbers of the objects that have all that the template says, in ascending order;
    /// private ones only for who sees them. Secrets never match, and an attribute that does not exist matches
    /// nothing: clients look for those of other vendors.
    ///
    /// # Errors
    /// None so far: a template that makes no sense matches nothing.
    pub fn find(&self, template: &Template, sees_private: bool) -> Result<Vec<u64>, Error> {
        let fits = |object: &Object| {
            (sees_private || !object.flag(Attr::PRIVATE))
                && template.iter().all(|given| has(object, given.kind.into(), &given.value))
        };
        let fits = |number: &u64| self.objects.get(number).is_some_and(|object| fits(object));
        Ok(match self.candidates(template) {
            Some(Some(numbers)) => numbers.iter().filter(fits).collect(),
            Some(None) => Vec::new(),
            None => self.objects.keys().copied().filter(fits).collect(),
        })
    }

    /// The smallest set that the index has for an attribute of the template: none if the template has none
    /// that is indexed, and within that, none if no object has the value.
    fn candidates(&self, template: &Template) -> Option<Option<&Numbers>> {
        let mut best: Option<Option<&Numbers>> = None;
        for (attribute, by_value) in INDEXED.into_iter().zip(&self.indexed) {
            for given in template.iter().filter(|given| Attr::from(given.kind) == attribute) {
                let Sent::Bytes(value) = &given.value else { return Some(None) };
                // An empty value is what objects without the attribute have: not indexed.
                if value.is_empty() {
                    continue;
                }
                let Some(numbers) = by_value.get(&**value) else { return Some(None) };
                if best.flatten().is_none_or(|best| numbers.len() < best.len()) {
                    best = Some(Some(numbers));
                }
            }
        }
        best
    }
}

/// The value under which an object is indexed.
fn key(object: &Object, attribute: Attr) -> Option<&[u8]> {
    object.attributes().plain(attribute).filter(|value| !value.is_empty())
}

/// Whether an object's attribute has these bytes, and may say so.
pub(super) fn has_bytes(object: &Object, attribute: Attr, value: &[u8]) -> bool {
    has(object, attribute, &Sent::Bytes(value.into()))
}

/// Whether an object has this value, and may say so.
fn has(object: &Object, attribute: Attr, value: &Sent) -> bool {
    match (shown(object, attribute, false), value) {
        (Shown::Bytes(own), Sent::Bytes(given)) => {
            let is_number = attributes::form(attribute) == Some(Form::Number);
            *own == *(if is_number { asked::number(given) } else { given })
        }
        (Shown::Template(own), Sent::Template(given)) => {
            let same = |own: &(Attr, Vec<u8>)| {
                given.iter().any(|leaf| Attr::from(leaf.kind) == own.0 && *leaf.value == *own.1)
            };
            own.len() == given.len() && own.iter().all(same)
        }
        _ => false,
    }
}
