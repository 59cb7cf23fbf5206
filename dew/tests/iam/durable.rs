//! What is kept, and what one account sees of another.

use dew::iam::{EnterpriseProjectId, IamError, NewAccount, NewUser, Subject, Trust};

use super::world::{REGION, World};

#[test]
fn all_of_an_account_is_there_after_a_restart() {
    let world = World::new();
    let acme = world.account("acme");
    let id = acme.account.id;
    let other = world.account("other");
    let ann = world.user(id, "ann");
    let group = world.acting().create_group(id, "keys", "those of the keys").unwrap();
    world.acting().add_to_group(id, group.id, ann.id).unwrap();
    let agency = world.acting().create_agency(id, "ops", "", Trust::Account(other.account.id), None).unwrap();
    let shop = world.acting().create_enterprise_project(id, "shop", "").unwrap();
    world.acting().create_project(id, acme.project, "home-1_shop", "").unwrap();
    let role = dew::iam::policy::SystemPolicy::find("KMS Administrator").unwrap().id.parse().unwrap();
    let scope = dew::iam::Scope::EnterpriseProject(shop.id);
    world.acting().give(id, Subject::Agency(agency.id), role, scope).unwrap();
    world.iam.used(acme.key.id.as_str());
    assert_eq!(world.acting().keep_uses().unwrap(), 1);
    assert_eq!(world.acting().keep_uses().unwrap(), 0, "nothing was used since");

    let world = world.again();
    assert_eq!(world.iam.accounts().len(), 2);
    assert_eq!(*world.iam.account_named("acme").unwrap(), *acme.account);
    assert_eq!(world.iam.user_named(id, "ann").unwrap().groups, [group.id]);
    assert_eq!(*world.iam.group(id, group.id).unwrap(), *group);
    assert_eq!(*world.iam.agency_named(id, "ops").unwrap(), *agency);
    assert_eq!(
        world.iam.projects(id).iter().map(|one| one.name.as_str()).collect::<Vec<_>>(),
        [REGION, "home-1_shop"]
    );
    assert!(world.iam.has_enterprise_project(id, shop.id));
    assert!(world.iam.has_enterprise_project(id, EnterpriseProjectId::DEFAULT));
    assert!(world.iam.is_given(Subject::Agency(agency.id), role, scope));
    assert!(world.iam.access_key(acme.key.id.as_str(), None).is_some());
    assert_eq!(world.iam.last_use(acme.key.id), Some(world.now()));
    // And goes on from there.
    world.user(id, "bob");
    world.acting().delete_user(id, ann.id).unwrap();
    let world = world.again();
    assert_eq!(
        world.iam.users(id).iter().map(|user| user.name.as_str()).collect::<Vec<_>>(),
        ["acme", "bob"]
    );
}

#[test]
fn names_are_taken_once_in_an_account_and_free_in_another() {
    let world = World::new();
    let (acme, other) = (world.account("acme"), world.account("other"));
    world.user(acme.account.id, "ann");
    world.user(other.account.id, "ann");
    let new = NewUser { name: "ann", ..NewUser::default() };
    assert!(matches!(world.acting().create_user(acme.account.id, &new), Err(IamError::Taken { .. })));
    let again = world.acting().create_account(NewAccount { name: "acme", region: REGION });
    assert!(matches!(again, Err(IamError::Taken { .. })));
    assert_eq!(world.iam.accounts().len(), 2, "nothing of it was made");
    for name in ["", "a\u{200b}nn", "аnn", " ann", "ann\n"] {
        let new = NewUser { name, ..NewUser::default() };
        assert!(
            matches!(world.acting().create_user(acme.account.id, &new), Err(IamError::Name(_))),
            "{name:?}"
        );
    }
}

#[test]
fn nothing_of_another_account_can_be_seen_or_changed() {
    let world = World::new();
    let (acme, other) = (world.account("acme"), world.account("other").account.id);
    let id = acme.account.id;
    let ann = world.user(id, "ann");
    let group = world.acting().create_group(id, "keys", "").unwrap();
    let bob = world.user(other, "bob");
    assert!(world.iam.user(other, ann.id).is_none() && world.iam.group(other, group.id).is_none());
    assert!(world.iam.user_named(other, "ann").is_none() && world.iam.access_keys(other, ann.id).is_empty());
    let unknown = |result: Result<(), IamError>| assert!(matches!(result, Err(IamError::Unknown(_))));
    unknown(world.acting().delete_user(other, ann.id));
    unknown(world.acting().delete_group(other, group.id));
    unknown(world.acting().add_to_group(id, group.id, bob.id));
    unknown(world.acting().add_to_group(other, group.id, bob.id));
    unknown(world.acting().create_access_key(other, ann.id, "").map(drop));
    unknown(world.acting().create_project(other, acme.project, "home-1_x", "").map(drop));
    unknown(world.acting().change_project(other, acme.project, None, Some("x"), None).map(drop));
}

#[test]
fn the_root_user_stays_and_a_regions_project_keeps_its_name() {
    let world = World::new();
    let acme = world.account("acme");
    let id = acme.account.id;
    assert!(matches!(world.acting().delete_user(id, acme.root), Err(IamError::Protected(_))));
    let disable = dew::iam::UserChange { enabled: Some(false), ..Default::default() };
    assert!(matches!(world.acting().change_user(id, acme.root, &disable), Err(IamError::Protected(_))));
    let rename = world.acting().change_project(id, acme.project, Some("elsewhere"), None, None);
    assert!(matches!(rename, Err(IamError::Protected(_))));
    for name in ["shop", "home-1", "home-1_", "home-2_shop"] {
        let refused = world.acting().create_project(id, acme.project, name, "");
        assert!(matches!(refused, Err(IamError::Region(_))), "{name}");
    }
}

/// Projects of an account that has two thousand, and as many accounts would be, are found by name as soon as one.
#[test]
fn many_projects_are_found_by_id_and_by_name() {
    let world = World::new();
    let acme = world.account("acme");
    for number in 0..2_000 {
        world
            .acting()
            .create_project(acme.account.id, acme.project, &format!("home-1_{number}"), "")
            .unwrap();
    }
    let found = world.iam.project_named(acme.account.id, "home-1_1234").unwrap();
    assert_eq!(world.iam.project(found.id), Some(found));
    assert_eq!(world.iam.projects(acme.account.id).len(), 2_001);
}
