//! The names of the users as whom an application has logged in: each kept once, for as long as the application
//! lasts, so that what it does can be recorded under one without a copy.

use std::sync::OnceLock;

/// Names, to which more are added and from which none is taken.
#[derive(Default)]
pub(crate) struct Names {
    first: OnceLock<Box<Kept>>,
}

struct Kept {
    name: Box<str>,
    next: OnceLock<Box<Self>>,
}

/// Which of the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Named(usize);

impl Names {
    /// Keeps a name, if it is not kept already.
    pub(super) fn keep(&self, name: &str) -> Named {
        let (mut at, mut number) = (&self.first, 0);
        loop {
            let kept = at.get_or_init(|| Box::new(Kept { name: name.into(), next: OnceLock::new() }));
            if &*kept.name == name {
                return Named(number);
            }
            (at, number) = (&kept.next, number + 1);
        }
    }

    /// The name that was kept.
    pub(super) fn of(&self, Named(number): Named) -> &str {
        let mut all = std::iter::successors(self.first.get(), |kept| kept.next.get());
        all.nth(number).map_or("", |kept| &kept.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_once_whoever_keeps_it_at_the_same_time() {
        let names = Names::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for name in ["ann", "bob", "eve", "ann"] {
                        assert_eq!(names.of(names.keep(name)), name);
                    }
                });
            }
        });
        let all: Vec<_> = (0..4).map(|number| names.of(Named(number))).collect();
        assert!(all.ends_with(&[""]) && !all[..3].contains(&""), "{all:?}");
    }
}
