//! Random commits, a crash at any point, and a model of what must be there afterwards.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// What one commit does, before it is known whether it can.
#[derive(Clone, Debug)]
enum Step {
    Put(Vec<(u64, u64, Vec<u8>)>),
    Delete(u64, u64),
    Create(u64),
    Destroy(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let record = (1..4_u64, 0..6_u64, prop::collection::vec(any::<u8>(), 0..40));
    prop_oneof![
        6 => prop::collection::vec(record, 1..5).prop_map(Step::Put),
        3 => (1..4_u64, 0..6_u64).prop_map(|(domain, number)| Step::Delete(domain, number)),
        2 => (1..4_u64).prop_map(Step::Create),
        1 => (1..4_u64).prop_map(Step::Destroy),
    ]
}

/// Domains and their records.
type Model = BTreeMap<u64, BTreeMap<u64, Vec<u8>>>;

fn take(vault: &Vault, model: &mut Model, step: Step) {
    let next = {
        let mut next = model.clone();
        let possible = match &step {
            Step::Put(records) => records.iter().all(|(domain, number, value)| {
                next.get_mut(domain).map(|records| records.insert(*number, value.clone())).is_some()
            }),
            Step::Delete(domain, number) => {
                next.get_mut(domain).map(|records| records.remove(number)).is_some()
            }
            Step::Create(domain) => {
                let possible = !next.contains_key(domain);
                next.entry(*domain).or_default();
                possible
            }
            Step::Destroy(domain) => next.remove(domain).is_some(),
        };
        possible.then_some(next)
    };
    let result = match step {
        Step::Put(records) => {
            let put = |(domain, number, value): (u64, u64, Vec<u8>)| put(object(domain, number), &value);
            vault.commit(records.into_iter().map(put).collect::<Vec<_>>())
        }
        Step::Delete(domain, number) => vault.commit(vec![gone(object(domain, number))]),
        Step::Create(domain) => vault.create_domain(domain, vec![]),
        Step::Destroy(domain) => vault.destroy_domain(domain, vec![]),
    };
    assert_eq!(result.is_ok(), next.is_some(), "{result:?}");
    if let Some(next) = next {
        *model = next;
    }
}

fn contents(vault: &Vault) -> Model {
    let records = |domain| {
        let records = vault.records(domain, kind::OBJECT).unwrap();
        records.into_iter().map(|(number, _, value)| (number, value.as_bytes().to_vec())).collect()
    };
    vault.domains().into_iter().map(|domain| (domain, records(domain))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A crash after any commit of the store, before or after the anchor heard of it, leaves exactly what was
    /// acknowledged, or that and the one commit that was on its way; an older store does not open.
    #[test]
    fn nothing_acknowledged_is_lost_and_nothing_is_half_done(steps in prop::collection::vec(step(), 1..25)) {
        let bench = Bench::new();
        let mut anchors = vec![bench.anchor.read().unwrap()];
        let mut models = vec![Model::new()];
        let vault = bench.open().unwrap();
        anchors.push(bench.anchor.read().unwrap());
        models.push(Model::new());
        for step in steps {
            let mut model = models.last().unwrap().clone();
            let before = vault.last_commit();
            take(&vault, &mut model, step);
            if vault.last_commit() == before {
                prop_assert_eq!(models.last().unwrap(), &model, "a change without a commit");
                continue;
            }
            anchors.push(bench.anchor.read().unwrap());
            models.push(model);
        }
        prop_assert_eq!(usize::try_from(bench.store.revision()).unwrap() + 1, models.len());

        for commits in 0..models.len() {
            let reopen = |acknowledged: usize| {
                let anchor = Arc::new(MemoryAnchor::at(anchors[acknowledged]));
                Bench { store: Arc::new(bench.store.as_of(commits)), anchor }.open()
            };
            prop_assert_eq!(&contents(&reopen(commits).unwrap()), &models[commits]);
            if commits > 1 {
                prop_assert_eq!(&contents(&reopen(commits - 1).unwrap()), &models[commits]);
            }
            if commits + 1 < models.len() {
                prop_assert!(reopen(commits + 1).is_err());
            }
        }
    }

    /// A vault that goes on after a crash is as good as one that never crashed.
    #[test]
    fn a_vault_goes_on_after_each_reopening(steps in prop::collection::vec((step(), any::<bool>()), 1..25)) {
        let bench = Bench::new();
        let mut vault = bench.open().unwrap();
        let mut model = Model::new();
        for (step, reopen) in steps {
            take(&vault, &mut model, step);
            if reopen {
                drop(vault);
                vault = bench.open().unwrap();
            }
            prop_assert_eq!(&contents(&vault), &model);
        }
    }
}

/// An anchor that takes so many states and then fails.
struct Dying(MemoryAnchor, Mutex<u32>);

impl Anchor for Dying {
    fn read(&self) -> Result<Option<AnchorState>, AnchorError> {
        self.0.read()
    }
    fn advance(&self, state: &AnchorState) -> Result<(), AnchorError> {
        let mut left = self.1.lock();
        *left = left.checked_sub(1).ok_or(AnchorError::Io("dead".into()))?;
        self.0.advance(state)
    }
    fn forget(&self) -> Result<(), AnchorError> {
        self.0.forget()
    }
}

#[test]
fn a_crash_while_the_vault_is_made_leaves_one_that_opens_or_is_made_again() {
    for taken in 0..2 {
        let store = Arc::new(MemoryStore::new());
        let dying = Arc::new(Dying(MemoryAnchor::default(), taken.into()));
        assert!(matches!(Vault::open(store.clone(), dying.clone(), &root()), Err(VaultError::Anchor(_))));
        *dying.1.lock() = 2;
        let vault = Vault::open(store.clone(), dying.clone(), &root()).unwrap();
        *dying.1.lock() = 1;
        vault.create_domain(1, vec![]).unwrap();
        drop(vault);
        assert_eq!(Vault::open(store, dying, &root()).unwrap().domains(), [1]);
    }
    let bench = Bench::new();
    bench.store.inject(StoreFault::Fails(StoreError::Full("no space".into())));
    assert!(matches!(bench.refusal(), VaultError::Store(StoreError::Full(_))));
    bench.store.inject(StoreFault::None);
    bench.open().unwrap();
}

#[test]
fn a_crash_between_the_commit_of_a_snapshot_and_the_anchor_leaves_a_vault_that_opens() {
    let bench = Bench { store: Arc::new(MemoryStore::new()), anchor: Arc::new(MemoryAnchor::default()) };
    let vault = bench.open().unwrap();
    vault.create_domain(1, vec![]).unwrap();
    let mut before = bench.anchor.read().unwrap();
    let mut round = 0_u64;
    loop {
        vault.commit(vec![put(object(1, 1), &round.to_be_bytes())]).unwrap();
        if count(&bench).0 > 0 {
            break;
        }
        before = bench.anchor.read().unwrap();
        round += 1;
    }
    drop(vault);
    let late = || Arc::new(MemoryAnchor::at(before));
    let open = |anchor| Vault::open(bench.store.clone(), anchor, &root());
    let anchor = late();
    let vault = open(anchor.clone()).unwrap();
    assert_eq!(value(&vault, object(1, 1)).unwrap(), round.to_be_bytes());
    assert_eq!(anchor.read().unwrap(), bench.anchor.read().unwrap(), "the anchor follows");
    vault.commit(vec![put(object(1, 1), b"on")]).unwrap();
    drop(vault);
    // One commit further, it is an old copy.
    let refused = open(late()).err();
    assert!(matches!(refused, Some(VaultError::Damaged(Damage::AnchorBehind { .. }))), "{refused:?}");
}
