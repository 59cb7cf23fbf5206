//! Trackers of the CTS.

use std::sync::Arc;

use dew::cts::{Cts, Outside, TrackerChange, TrackerKind};
use dew::iam::AccountId;

use super::office::Office;

/// Any bucket is there.
struct Anywhere;

impl Outside for Anywhere {
    fn fault(&self, _: AccountId, _: &str) -> Option<String> {
        None
    }

    fn make(&self, _: AccountId, _: &str) -> Result<(), String> {
        Ok(())
    }

    fn forwards(&self) -> bool {
        false
    }
}

fn cts(office: &Office) -> Cts {
    Cts::open(Arc::clone(&office.hsm), Arc::clone(office.kms.iam()), Box::new(Anywhere)).unwrap()
}

#[test]
fn all_data_trackers_are_deleted_or_none() {
    for commits in [0, 1] {
        let office = Office::new();
        let of_office = cts(&office);
        for number in 0..3 {
            let change = TrackerChange {
                bucket: Some(format!("bucket-{number}")),
                events: Some(vec!["READ".into()]),
                ..TrackerChange::default()
            };
            let name = format!("data-{number}");
            of_office.create_tracker(&office.root, TrackerKind::Data, &name, change).unwrap();
        }
        office.fail_after(commits);
        let done = of_office.delete_tracker(&office.root, TrackerKind::Data, None).is_ok();
        drop(of_office);
        let office = office.again();
        let left = cts(&office).list_trackers(&office.root, Some(TrackerKind::Data), None).unwrap().len();
        assert_eq!((done, left), if commits == 0 { (false, 3) } else { (true, 0) });
    }
}
