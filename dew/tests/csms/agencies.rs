//! The agencies by which secrets are rotated, and what the worker may do through one.

use std::collections::BTreeSet;

use dew::caller::Caller;
use dew::csms::{CURRENT, CsmsError, NewVersion, Page, SecretKind};
use dew::iam::{AgencyChange, Level, NewUser, Role, RoleChange, Scope, Subject, Trust};
use hsm::event::Actor;
use serde_json::{Value as Json, json};

use crate::support::as_caller;
use crate::world::{Secrets, code, new, value};

const KINDS: [(&str, SecretKind, &str); 2] = [
    ("RDS-FG", SecretKind::Rds, "FunctionGraphAgencyForRotateRDSByCSMSV3"),
    ("GaussDB-FG", SecretKind::TaurusDb, "FunctionGraphAgencyForRotateGaussDBByCSMSV3"),
];
/// What is beyond the guide.
const SERVERS: (&str, SecretKind, &str) = ("Redis-FG", SecretKind::Redis, "CSMSRotateServers");
const ACCESS: &str = "CSMSAccessFunctionGraph";
const SIX: [&str; 6] = [
    "iam:permissions:grantRoleToAgencyOnProject",
    "iam:agencies:listAgencies",
    "iam:roles:listRoles",
    "iam:agencies:createAgency",
    "iam:permissions:checkRoleForAgencyOnProject",
    "iam:roles:createRole",
];

impl Secrets {
    fn iam(&self) -> &dew::iam::Iam {
        self.world.kms.iam()
    }

    fn admin(&self) -> dew::iam::Acting<'_> {
        self.iam().by(Actor::DAEMON)
    }

    fn worker(&self, kind: SecretKind) -> dew::csms::Result<Caller> {
        self.csms.worker(self.root.project.unwrap(), self.root.identity.account, kind, "r")
    }

    fn role(&self, name: &str) -> std::sync::Arc<Role> {
        self.iam().role_named(self.root.identity.account, name).unwrap()
    }

    /// A user who may do these actions, of CSMS in all projects and of IAM.
    fn user_with(&self, name: &str, actions: &[&str]) -> Caller {
        let account = self.root.identity.account;
        let id = self.admin().create_user(account, &NewUser { name, ..NewUser::default() }).unwrap().id;
        for (place, actions, level, scope) in [
            ("c", &["csms:*:*"][..], Level::Project, Scope::AllProjects),
            ("i", actions, Level::Global, Scope::Account),
        ] {
            let text = json!({ "Version": "1.1", "Statement": [{ "Effect": "Allow", "Action": actions }] });
            let name = format!("{name}-{place}");
            let role = self.admin().create_role(account, &name, ("", ""), level, &text.to_string()).unwrap();
            self.admin().give(account, Subject::User(id), role.id, scope).unwrap();
        }
        let key = self.admin().create_access_key(account, id, "").unwrap();
        let identity = self.iam().access_key(key.id.as_str(), None).unwrap().identity;
        as_caller(identity, self.root.project.unwrap())
    }
}

fn held(role: &Role) -> BTreeSet<String> {
    let document: Json = serde_json::from_str(&role.document).unwrap();
    let actions = document["Statement"][0]["Action"].as_array().unwrap();
    actions.iter().map(|action| action.as_str().unwrap().to_owned()).collect()
}

/// Requirement: CSMS-036, CSMS-037, CSMS-038, CSMS-039, CSMS-040, CSMS-041, CSMS-042, CSMS-043, CSMS-044, CSMS-045
#[test]
fn the_agencies_hold_exactly_what_the_guide_has_them_hold_in_the_project() {
    let here = Secrets::new();
    let (account, project) = (here.root.identity.account, here.root.project.unwrap());
    let network =
        ["vpc:ports:create", "vpc:vpcs:get", "vpc:ports:get", "vpc:ports:delete", "vpc:subnets:get"];
    let rds = [
        "csms:secret:getVersion",
        "csms:secret:listVersion",
        "csms:secret:createVersion",
        "csms:secret:getStage",
        "csms:secret:get",
        "csms:secret:updateStage",
        "kms:cmk:createDataKey",
        "kms:cmk:decryptDataKey",
        "rds:password:update",
    ];
    let taurus = [
        "csms:secretVersion:get",
        "csms:secretVersion:list",
        "csms:secretVersion:create",
        "csms:secretStage:get",
        "csms:secret:get",
        "csms:secretStage:update",
        "kms:dek:create",
        "kms:dek:decrypt",
        "gaussdb:user:modify",
    ];
    for ((kind, _, name), own) in KINDS.into_iter().zip([rds, taurus]) {
        assert!(!here.csms.has_agencies(&here.root, kind).unwrap());
        let made = here.csms.create_agencies(&here.root, kind).unwrap();
        assert_eq!(made.iter().map(|made| made.name).collect::<Vec<_>>(), [ACCESS, name]);
        assert!(here.csms.has_agencies(&here.root, kind).unwrap());
        let worker = own.iter().chain(&network).map(ToString::to_string).collect();
        let access = BTreeSet::from(["functiongraph:function:invoke".to_owned()]);
        for (made, (service, actions)) in made.iter().zip([("op_svc_kms", access), ("op_svc_cff", worker)]) {
            assert_eq!(made.wrong, None);
            let agency = here.iam().agency(account, made.id.unwrap()).unwrap();
            assert_eq!((agency.name.as_str(), &agency.trust), (made.name, &Trust::Service(service.into())));
            let role = here.role(made.name);
            assert_eq!((role.level, held(&role)), (Level::Project, actions));
            let given = here.iam().assignments_to(Subject::Agency(agency.id));
            let given: Vec<_> = given.iter().map(|one| (one.role, one.scope)).collect();
            assert_eq!(given, [(role.id, Scope::Project(project))]);
        }
    }
}

/// Requirement: CSMS-035
#[test]
fn who_lacks_one_of_the_six_permissions_is_told_which_and_nothing_is_made() {
    let here = Secrets::new();
    for (number, lacking) in SIX.into_iter().enumerate() {
        let others: Vec<_> = SIX.into_iter().filter(|action| *action != lacking).collect();
        let user = here.user_with(&format!("user-{number}"), &others);
        let refused = here.csms.create_agencies(&user, "RDS-FG").unwrap_err();
        assert_eq!(refused.code(), (403, "CSMS.0302"));
        assert!(refused.to_string().contains(lacking), "{refused}");
        assert_eq!(here.iam().agencies(here.root.identity.account), []);
    }
    let all = here.user_with("all", &SIX);
    assert!(here.csms.create_agencies(&all, "RDS-FG").unwrap().iter().all(|made| made.wrong.is_none()));
    assert!(here.worker(SecretKind::Rds).is_ok());
    assert_eq!(code(here.csms.create_agencies(&all, "COMMON")), "CSMS.0002");
    assert_eq!(code(here.csms.has_agencies(&all, "Oracle")), "CSMS.0002");
}

#[test]
fn making_them_again_changes_nothing_and_finishes_what_was_left_half_done() {
    let here = Secrets::new();
    for commits in 0..6 {
        here.world.fail_after(commits);
        assert!(here.csms.create_agencies(&here.root, "RDS-FG").is_err(), "{commits}");
        here.world.fail_after(u64::MAX);
        assert!(!here.csms.has_agencies(&here.root, "RDS-FG").unwrap());
        let made = here.csms.create_agencies(&here.root, "RDS-FG").unwrap();
        assert_eq!(here.csms.create_agencies(&here.root, "RDS-FG").unwrap(), made);
        assert!(here.csms.has_agencies(&here.root, "RDS-FG").unwrap());
        let account = here.root.identity.account;
        for made in made {
            here.admin().delete_agency(account, made.id.unwrap()).unwrap();
            here.admin().delete_role(account, here.role(made.name).id).unwrap();
        }
    }
}

#[test]
fn an_agency_that_somebody_changed_is_not_trusted_and_making_it_says_so() {
    let here = Secrets::new();
    let (account, kind) = (here.root.identity.account, KINDS[0]);
    let other = here.world.account("other").made.account.id;
    type Act<'a> = Box<dyn Fn() + 'a>;
    let id = || here.iam().agency_named(account, kind.2).unwrap().id;
    let rewrite = |actions: Json| {
        let text = json!({ "Version": "1.1", "Statement": [{ "Effect": "Allow", "Action": actions }] });
        let text = text.to_string();
        let change = RoleChange { document: Some((Level::Project, &text)), ..RoleChange::default() };
        here.admin().change_role(account, here.role(kind.2).id, change).unwrap();
    };
    let give = |name: &str, scope| {
        let role = here.iam().role_named(account, name);
        let role = role.map_or_else(|| "c1a71ce000000000000000000000006a".parse().unwrap(), |role| role.id);
        here.admin().give(account, Subject::Agency(id()), role, scope).unwrap();
    };
    let mut wider: Vec<_> = held_after(&here).into_iter().collect();
    let narrower = wider[1..].to_vec();
    wider.push("csms:secret:delete".into());
    let acts: [Act<'_>; 6] = [
        Box::new(|| rewrite(json!(wider))),
        Box::new(|| rewrite(json!(narrower))),
        Box::new(|| rewrite(json!(["csms:*:*"]))),
        Box::new(|| give(kind.2, Scope::AllProjects)),
        Box::new(|| give("CSMS FullAccess", Scope::Project(here.root.project.unwrap()))),
        Box::new(|| {
            let trust = Some(Trust::Account(other));
            here.admin().change_agency(account, id(), AgencyChange { trust, ..Default::default() }).unwrap();
        }),
    ];
    for (number, act) in acts.iter().enumerate() {
        here.csms.create_agencies(&here.root, kind.0).unwrap();
        assert!(here.worker(kind.1).is_ok(), "{number}");
        act();
        assert!(!here.csms.has_agencies(&here.root, kind.0).unwrap(), "{number}");
        let refused = here.worker(kind.1).unwrap_err();
        assert!(refused.to_string().contains("POST /v1/csms/agencies (CreateAgency)"), "{refused}");
        assert_eq!(refused.code(), (400, "CSMS.0005"));
        let made = here.csms.create_agencies(&here.root, kind.0).unwrap();
        assert_eq!((made[0].wrong.as_ref(), made[1].id), (None, Some(id())));
        assert!(made[1].wrong.as_ref().unwrap().contains(kind.2), "{made:?}");
        assert!(!here.csms.has_agencies(&here.root, kind.0).unwrap(), "it is not mended");
        here.admin().delete_agency(account, id()).unwrap();
        here.admin().delete_role(account, here.role(kind.2).id).unwrap();
    }
}

fn held_after(here: &Secrets) -> BTreeSet<String> {
    here.csms.create_agencies(&here.root, KINDS[0].0).unwrap();
    held(&here.role(KINDS[0].2))
}

/// Requirement: CSMS-034, CSMS-046
#[test]
fn the_worker_does_what_its_agency_holds_and_nothing_else() {
    let here = Secrets::new();
    let key = here.world.key(&here.root, crate::support::new("own", dew::kms::spec::Spec::Aes256));
    let given = value("one");
    here.csms
        .create_secret(&here.root, dew::csms::NewSecret { key: Some(&key), ..new("db", &given) })
        .unwrap();
    for (kind, kind_of, _) in KINDS.into_iter().chain([SERVERS]) {
        assert!(matches!(here.worker(kind_of), Err(CsmsError::NoAgency(_))));
        here.csms.create_agencies(&here.root, kind).unwrap();
        let worker = here.worker(kind_of).unwrap();
        assert_eq!(here.get_by(&worker, "db", CURRENT).unwrap(), "one");
        let stages = ["SYSPENDING".to_owned()];
        let next = NewVersion { value: &value("two"), stages: Some(&stages), expires: None };
        let version = here.csms.create_version(&worker, "db", &next).unwrap().1.id;
        here.csms.show_secret(&worker, "db").unwrap();
        here.csms.may_change_password(&worker, kind_of).unwrap();
        let others = KINDS.into_iter().find(|(_, other, _)| *other != kind_of).unwrap().1;
        assert_eq!(code(here.csms.may_change_password(&worker, others)), "CSMS.0302");
        let change = Default::default();
        for refused in [
            code(here.csms.list_secrets(&worker, None, &Page::default())),
            code(here.csms.delete_secret(&worker, "db")),
            code(here.csms.schedule_secret_deletion(&worker, "db", 7)),
            code(here.csms.update_secret(&worker, "db", change)),
            code(here.csms.create_secret(&worker, new("more", &given))),
            code(here.csms.has_agencies(&worker, kind)),
            code(here.csms.create_agencies(&worker, kind)),
        ] {
            assert_eq!(refused, "CSMS.0302");
        }
        assert!(here.world.encrypt(&worker, &key, "x").is_err(), "{version}");
        // Given more after it was made, it has no more.
        let all = "c1a71ce000000000000000000000006a".parse().unwrap();
        let to = Subject::Agency(worker.identity.agency().unwrap());
        let scope = Scope::Project(here.root.project.unwrap());
        here.admin().give(here.root.identity.account, to, all, scope).unwrap();
        assert_eq!(code(here.csms.delete_secret(&worker, "db")), "CSMS.0302");
    }
}
