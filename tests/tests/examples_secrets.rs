//! What `examples/` has for programs that need a secret: the units, image and manifests are read as their users' machines
//! would read them, and what they say is to be run, asked or mounted is run, asked and there.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{Beside, Hsm, Run, free_address, kubernetes_python, needs, not_on_stand_in};

use cluster::{Operator, documents, has_only, mounts, of_kind, validate, words};
use machine::{PROGRAMS, Shop, Sidecar, certificate, example, image_variables, unit, wait_for};

#[path = "examples_secrets/cluster.rs"]
mod cluster;
#[path = "examples_secrets/machine.rs"]
mod machine;

macro_rules! shop {
    () => {{
        let hsm = Hsm::start();
        not_on_stand_in!(hsm, "it has no CSMS");
        Shop::open(hsm)
    }};
}

#[test]
fn the_program_of_a_container_starts_with_its_secret_in_memory_or_not_at_all() {
    needs!("python3", "openssl", "sh", "stat", "tr");
    let shop = shop!();
    let script =
        shop.here("cat /run/csms/db.password; stat -c ' %a' /run/csms/db.password; cat /run/csms/db; exit 7");
    let run = Run::of(&shop.contained(&["db.password", "db", "--", "sh", "-c", &script])).fails_with(7);
    assert_eq!(run.out(), "first 400\n{\"password\":\"first\",\"username\":\"app\"}");
    let look = "tr '\\0' ' ' < /proc/$$/cmdline; env";
    let run = Run::of(&shop.contained(&["db.password", "--", "sh", "-c", look])).succeeds();
    run.says("CSMS_ENDPOINT").never_says("first").done();
    fs::remove_file(shop.in_memory("db.password")).expect("the file");
    fs::remove_file(shop.in_memory("db")).expect("the file");

    let nothing_began = |run: Run, why: &str| {
        run.fails_with(1).says(why).never_says("started").never_says("Traceback").done();
        assert_eq!(fs::read_dir(shop.memory.path()).expect("it").count(), 0, "{why}: something was written");
    };
    let start = |secret: &str| shop.contained(&["db.password", secret, "--", "echo", "started"]);
    nothing_began(Run::of(&start("gone")), "the secret does not exist");
    nothing_began(Run::of(&start("other")), "CSMS.0302 the policies of shop do not allow");
    nothing_began(Run::of(&start("db.none")), "no pair none");
    nothing_began(Run::of(&start("../db")), "letters, digits, - and _");
    certificate(&shop, "wrong", "CN=localhost");
    nothing_began(Run::of(start("db").env("CA_FILE", "wrong.crt")), "is not trusted by CA_FILE");
    nothing_began(Run::of(start("db").env("CA_FILE", "none")), "CA_FILE none: No such file");
    nothing_began(Run::of(start("db").env("ACCESS_KEY_FILE", "none")), "ACCESS_KEY_FILE none: No such file");
    nothing_began(Run::of(start("db").env("ACCESS_KEY_FILE", "may.json")), "hsm-admin ak create");
    nothing_began(Run::of(start("db").env_remove("CSMS_ENDPOINT")), "set CSMS_ENDPOINT");
    nothing_began(
        Run::of(start("db").env("CSMS_ENDPOINT", "http://localhost")),
        "expected https://HOST:PORT",
    );
    let nobody = format!("https://{}", free_address());
    nothing_began(Run::of(start("db").env("CSMS_ENDPOINT", nobody)), "does not answer");
    let disk = Run::of(Command::new("stat").args(["-f", "-c", "%T"]).arg(shop.hsm.path(""))).out();
    if disk.trim() != "tmpfs" {
        let program = shop.here(&format!("{PROGRAMS}/secret-run"));
        let words = [&program, "--into", ".", "db", "--", "echo", "started"].map(str::to_owned);
        nothing_began(Run::of(&shop.command(&words, &[])), "mount a tmpfs");
    }
    shop.admin("secret delete db --days 7 --yes").succeeds().done();
    nothing_began(Run::of(&start("db")), "pending deletion");
}

#[test]
fn a_pod_starts_when_its_secret_is_there_and_sees_each_rotation() {
    needs!("python3", "test", "kill");
    let Some(python) = kubernetes_python() else { return };
    validate(&python, "secret-kubernetes/shop.yaml");
    let shop = shop!();
    let manifest = documents(&python, "secret-kubernetes/shop.yaml");
    let pod = &of_kind(&manifest, "Deployment")["spec"]["template"]["spec"];
    let (sidecar, program) = (&pod["initContainers"][0], &pod["containers"][0]);
    assert_eq!(sidecar["restartPolicy"], "Always", "it would not stay");
    for (container, path, volume) in mounts(pod) {
        let known = match path.as_str() {
            "/run/csms" => volume["emptyDir"]["medium"] == "Memory",
            "/etc/claviger/key" => container == "secrets" && volume["secret"].is_object(),
            "/etc/claviger/ca" => container == "secrets" && volume["configMap"].is_object(),
            _ => false,
        };
        assert!(known, "{container}: {path}: {volume}");
    }
    let mut arguments = words(&sidecar["args"]);
    let seconds = arguments.iter().position(|word| word == "60").expect("once a minute");
    arguments[seconds] = "1".into();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let mut command = shop.contained(&arguments);
    for (name, value) in of_kind(&manifest, "ConfigMap")["data"].as_object().expect("variables") {
        command.env(name, shop.here(value.as_str().expect("text")));
    }
    let log = fs::File::create(shop.hsm.path("log")).expect("a log");
    let probe = || {
        let words = words(&sidecar["startupProbe"]["exec"]["command"]);
        Run::of(&shop.command(&words, &[])).succeeded()
    };
    assert!(!probe());
    let sidecar = Sidecar(command.stderr(log).spawn().expect("it starts"));
    wait_for("the first value", probe);
    let read = || {
        let path =
            program["env"].as_array().expect("variables").iter().find(|one| one["name"] == "PASSWORD_FILE");
        let path = path.expect("a path")["value"].as_str().expect("text");
        fs::read_to_string(shop.here(path)).expect("the file")
    };
    assert_eq!(read(), "first");
    shop.put("second");
    // It is replaced in one step, so that it is there whenever it is read.
    wait_for("the second value", || read() == "second");
    let log = || String::from_utf8(shop.hsm.read("log")).expect("text");
    shop.admin("group remove dev/readers shop").succeeds().done();
    wait_for("a refusal", || log().contains("CSMS.0302"));
    assert_eq!(shop.password(), "second");
    shop.put("third");
    shop.admin("group add dev/readers shop").succeeds().done();
    wait_for("the third value", || read() == "third");
    assert!(!["first", "second", "third"].iter().any(|value| log().contains(value)), "{}", log());
    sidecar.ends();
}

#[test]
fn the_units_are_ones_that_systemd_takes() {
    needs!("systemd-analyze", "python3");
    let mut shop = shop!();
    shop.install_program();
    let units = TempDir::new().expect("a directory");
    let mut analyze = Command::new("systemd-analyze");
    analyze.args(["verify", "--man=no"]);
    for name in ["csms-credentials.socket", "csms-credentials@.service", "shop.service", "shop-alone.service"]
    {
        let text = example(&format!("secret-systemd/{name}"));
        fs::write(units.path().join(name), shop.here(&text)).expect(name);
        analyze.arg(units.path().join(name));
    }
    let run = Run::of(&analyze).succeeds();
    // It only warns of what it does not know.
    assert_eq!(run.text(), "", "{}", run.story());
}

#[test]
fn a_unit_gets_the_credential_that_is_its_own_and_starts_with_no_empty_one() {
    needs!("systemd-socket-activate", "python3", "test", "cat");
    let mut shop = shop!();
    shop.install_program();
    shop.hsm.write(
        "credentials",
        "# UNIT/CREDENTIAL = SECRET\nshop.service/password = db.password\nspy.service/password = other.password\n",
    );
    let credentials = shop.hsm.path("credentials-of-service");
    fs::create_dir(&credentials).expect("a directory");
    fs::copy(shop.hsm.path("access-key.json"), credentials.join("access-key")).expect("the access key");
    assert_eq!(
        unit("csms-credentials@.service", "LoadCredential"),
        ["access-key:/etc/claviger/access-key.json"]
    );
    let (listen, accept) = (unit("csms-credentials.socket", "ListenStream"), "--accept");
    assert_eq!(unit("csms-credentials.socket", "Accept"), ["yes"]);
    let service = shop.run_of_unit("csms-credentials@.service", "ExecStart", &credentials);
    let mut activate = Command::new("systemd-socket-activate");
    activate.args([accept, "--inetd", "--listen", &shop.here(&listen[0])]);
    for (name, value) in service.get_envs() {
        let value = value.expect("a value").to_str().expect("text");
        activate.args(["--setenv", &format!("{}={value}", name.to_str().expect("text"))]);
    }
    activate.arg(service.get_program()).args(service.get_args());
    let log = fs::File::create(shop.hsm.path("log")).expect("a log");
    let _listening = Beside::of(activate.stdout(Stdio::null()).stderr(log));
    let socket = shop.here(&listen[0]);
    wait_for("the socket", || Path::new(&socket).exists());

    // As the unit asks for it.
    let load = unit("shop.service", "LoadCredential").pop().expect("a credential");
    assert_eq!(load.split_once(':'), Some(("password", listen[0].as_str())));
    let given = shop.credential("/unit/shop.service/password").succeeds().out();
    assert_eq!(given, "first");
    shop.put("second");
    assert_eq!(shop.credential("/unit/shop.service/password").succeeds().out(), "second");
    for refused in [
        "/unit/other.service/password",
        "/unit/shop.service/other",
        // It is in the list, and the user of the access key may not read it.
        "/unit/spy.service/password",
        "/unit/shop.service/password/more",
        "/user/shop.service/password",
        "",
    ] {
        assert_eq!(shop.credential(refused).succeeds().out(), "", "{refused}");
    }
    let log = String::from_utf8(shop.hsm.read("log")).expect("text");
    for why in ["no secret for other.service/password", "CSMS.0302", "it is not systemd that asks"] {
        assert!(log.contains(why), "{why}: {log}");
    }
    assert!(!log.contains("second") && !log.contains("Traceback"), "{log}");

    // And as the unit is then started.
    let own = shop.hsm.path("credentials-of-shop");
    fs::create_dir(&own).expect("a directory");
    fs::write(own.join("password"), "").expect("a credential");
    Run::of(&shop.run_of_unit("shop.service", "ExecStartPre", &own)).fails().done();
    fs::write(own.join("password"), given).expect("a credential");
    Run::of(&shop.run_of_unit("shop.service", "ExecStartPre", &own)).succeeds().done();
    assert_eq!(Run::of(&shop.run_of_unit("shop.service", "ExecStart", &own)).succeeds().out(), "first");
}

#[test]
fn a_unit_with_an_access_key_of_its_own_starts_its_program_with_the_secret() {
    needs!("python3", "cat");
    let mut shop = shop!();
    shop.install_program();
    let credentials = shop.hsm.path("credentials-of-shop");
    fs::create_dir(&credentials).expect("a directory");
    fs::copy(shop.hsm.path("access-key.json"), credentials.join("access-key")).expect("the access key");
    let start = || Run::of(&shop.run_of_unit("shop-alone.service", "ExecStart", &credentials));
    assert_eq!(start().succeeds().out(), "first");
    shop.put("second");
    assert_eq!(start().succeeds().out(), "second");
    shop.admin("group remove dev/readers shop").succeeds().done();
    start().fails_with(1).says("CSMS.0302").never_says("second").done();
}

#[test]
fn external_secrets_operator_gets_secrets_by_the_request_of_its_store() {
    needs!("python3", "curl", "openssl");
    let Some(python) = kubernetes_python() else { return };
    validate(&python, "external-secrets/bridge.yaml");
    let shop = shop!();
    certificate(&shop, "tls", "CN=bridge");
    let store = documents(&python, "external-secrets/store.yaml");
    for document in &store {
        assert_eq!(document["apiVersion"], "external-secrets.io/v1");
        has_only(document, &["apiVersion", "kind", "metadata", "spec"]);
    }
    let webhook = &of_kind(&store, "SecretStore")["spec"]["provider"]["webhook"];
    has_only(
        webhook,
        &[
            "method",
            "url",
            "headers",
            "auth",
            "body",
            "timeout",
            "result",
            "secrets",
            "caBundle",
            "caProvider",
        ],
    );
    has_only(&webhook["caProvider"], &["type", "name", "key", "namespace"]);
    assert_eq!(
        webhook["secrets"],
        json!([{ "name": "bridge", "secretRef": { "name": "csms-bridge-token" } }])
    );

    // The bridge as its manifest starts it.
    let manifest = documents(&python, "external-secrets/bridge.yaml");
    let pod = &of_kind(&manifest, "Deployment")["spec"]["template"]["spec"];
    let paths: Vec<_> = mounts(pod).into_iter().map(|(_, path, _)| path).collect();
    let container = &pod["containers"][0];
    let bridge = free_address().to_string();
    let mut command_line = words(&container["command"]);
    command_line.extend(words(&container["args"]));
    let mut variables = image_variables();
    for (name, value) in of_kind(&manifest, "ConfigMap")["data"].as_object().expect("variables") {
        variables.push((name.clone(), value.as_str().expect("text").to_owned()));
    }
    for word in command_line.iter().chain(variables.iter().map(|(_, value)| value)) {
        let mounted = paths.iter().any(|path| word.contains(&format!("{path}/")));
        assert!(mounted || !word.contains("/etc/claviger"), "nothing is mounted for {word}");
    }
    let command_line: Vec<_> =
        command_line.iter().map(|word| word.replace("0.0.0.0:8443", &bridge)).collect();
    let mut command = shop.command(&command_line, &variables);
    shop.hsm.write("token", "short\n");
    Run::of(&command).fails_with(1).says("at least 32 characters").done();
    let token = "a-token-of-32-characters-or-more";
    shop.hsm.write("token", token);
    let log = fs::File::create(shop.hsm.path("log")).expect("a log");
    let server = Sidecar(command.stderr(log).spawn().expect("it starts"));
    wait_for("the bridge", || TcpStream::connect(&bridge).is_ok());
    let operator = Operator { shop: &shop, webhook: webhook.clone(), bridge };

    // What the store's ExternalSecrets ask for.
    let of_data = |number: usize| {
        let secrets: Vec<_> = store.iter().filter(|document| document["kind"] == "ExternalSecret").collect();
        let spec = &secrets[number]["spec"];
        assert_eq!(spec["secretStoreRef"], json!({ "kind": "SecretStore", "name": "csms" }));
        [&spec["data"][0]["remoteRef"], &spec["dataFrom"][0]["extract"]].map(Clone::clone)
    };
    let ([password, _], [_, pairs]) = (of_data(0), of_data(1));
    let ok = |value: &str| ("200".to_owned(), value.to_owned());
    let refused = |status: &str| (status.to_owned(), String::new());
    assert_eq!(operator.ask(token, &password), ok("first"));
    let (status, all) = operator.ask(token, &pairs);
    let all: Value = serde_json::from_str(&all).expect("pairs");
    assert_eq!((status.as_str(), all), ("200", json!({ "username": "app", "password": "first" })));

    shop.put("second");
    assert_eq!(operator.ask(token, &password), ok("second"));
    let asked =
        |version: &str, property: &str| json!({ "key": "db", "version": version, "property": property });
    assert_eq!(operator.ask(token, &asked("v1", "password")), ok("first"));
    assert_eq!(operator.ask(token, &asked("SYSPREVIOUS", "password")), ok("first"));
    assert_eq!(operator.ask(token, &asked("v9", "")), refused("502"));
    assert_eq!(operator.ask(token, &asked("", "none")), refused("422"));
    for wrong in ["", "a-token-of-32-characters-or-mor", "a-token-of-32-characters-or-more2"] {
        assert_eq!(operator.ask(wrong, &password), refused("401"), "{wrong:?}");
    }
    assert_eq!(operator.ask("", &json!({ "key": "other" })), refused("401"));
    for not_there in ["other", "gone", "", "db/../other", "../db"] {
        assert_eq!(operator.ask(token, &json!({ "key": not_there })), refused("403"), "{not_there:?}");
    }
    // Bytes come in base64, for `decodingStrategy: Base64`; what is no text has no pairs.
    shop.hsm.write("bytes", [0, 0xff]);
    shop.admin("secret put db --file bytes --binary").succeeds().done();
    assert_eq!(operator.ask(token, &asked("", "")), ok("AP8="));
    assert_eq!(operator.ask(token, &password), refused("422"));
    // Another token, while it runs.
    shop.hsm.write("token", "another-token-of-32-or-more-chars");
    assert_eq!(operator.ask(token, &asked("", "")), refused("401"));
    let token = "another-token-of-32-or-more-chars";
    shop.admin("group remove dev/readers shop").succeeds().done();
    assert_eq!(operator.ask(token, &asked("", "")), refused("502"));
    shop.admin("group add dev/readers shop").succeeds().done();
    shop.admin("secret delete db --now --yes").succeeds().done();
    assert_eq!(operator.ask(token, &asked("", "")), refused("404"));
    server.ends();
    let log = String::from_utf8(shop.hsm.read("log")).expect("text");
    assert!(log.contains("CSMS.0302") && !log.contains("Traceback"), "{log}");
    for value in ["first", "second", token, "AP8="] {
        assert!(!log.contains(value), "{value} is in the log: {log}");
    }
}
