//! Accounts of real Linux hosts: log-ins, passwords and keys over SSH.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use hosts::{Account, Fault, Host, Proof, log_in, new_key, set_key, set_password};
use tests::process::is_root;
use tests::{Run, Shell, SshHost, needs};

const ADMIN: Account<'static> = with_password(SshHost::ADMIN, SshHost::ADMIN_PASSWORD);
const APP: &str = SshHost::APP;

const fn with_password<'a>(name: &'a str, password: &'a str) -> Account<'a> {
    Account { name, proof: Proof::Password(password) }
}

const fn with_key<'a>(name: &'a str, private_key: &'a str) -> Account<'a> {
    Account { name, proof: Proof::PrivateKey(private_key) }
}

fn host(server: &SshHost) -> Host {
    Host { address: server.address(), name: "host.example".into(), host_keys: server.host_keys() }
}

macro_rules! faults {
    ($call:expr, $kind:ident) => {{
        let found = $call.expect_err("a fault");
        assert!(matches!(found, Fault::$kind(_)), "{found:?}");
        assert!(!found.to_string().contains("Secret-"), "{found}");
        found.to_string()
    }};
}

/// Skips the test where no host can be made: its accounts need root.
macro_rules! needs_a_host {
    () => {
        needs!("sshd", "ssh", "ssh-keygen", "sshpass", "sudo", "unshare", "nsenter");
        if !is_root() {
            println!("skipped: only root makes a host with accounts of its own");
            return;
        }
    };
}

#[test]
fn a_host_lets_in_by_password_and_shows_who_it_is() {
    needs_a_host!();
    let mut server = SshHost::start();
    let here = host(&server);
    log_in(&here, &ADMIN).unwrap();
    faults!(log_in(&here, &with_password(APP, "Secret-wrong")), Login);
    faults!(log_in(&here, &with_password("nobody-here", "Secret-wrong")), Login);
    let said = faults!(log_in(&here, &with_key(APP, "Secret-none")), Login);
    assert!(said.contains("OpenSSH"), "{said}");

    // Each type of key by itself, in each form; and one that the host does not have.
    for kind in ["ssh-ed25519", "ecdsa-sha2-nistp256"] {
        let key = here.host_keys.lines().find(|line| line.starts_with(kind)).unwrap().to_owned();
        for host_keys in [key.clone(), format!("# found\r\n\nhost.example,10.0.0.1 {key}\r\n")] {
            log_in(&Host { host_keys, ..here.clone() }, &ADMIN).unwrap();
        }
        let marked = Host { host_keys: format!("@revoked * {key}"), ..here.clone() };
        faults!(log_in(&marked, &ADMIN), Certificate);
    }
    let (_, other) = new_key(&[7; 32], "").unwrap();
    let said = faults!(log_in(&Host { host_keys: other.clone(), ..here.clone() }, &ADMIN), Certificate);
    assert!(said.contains("host.example shows the key ssh-ed25519 SHA256:"), "{said}");
    let rsa = here.host_keys.lines().find(|line| line.starts_with("ssh-rsa")).unwrap();
    for none in ["", "no key", "ssh-ed25519 AAAA", rsa] {
        faults!(log_in(&Host { host_keys: none.into(), ..here.clone() }, &ADMIN), Certificate);
    }
    server.command(
        "rm /etc/ssh/ssh_host_ed25519_key*; cp /etc/ssh/ssh_host_ecdsa_key /etc/ssh/ssh_host_ed25519_key",
    );
    server.restart();
    let said = faults!(log_in(&Host { host_keys: other, ..here.clone() }, &ADMIN), Certificate);
    assert!(said.contains("other types"), "{said}");

    server.stop();
    faults!(log_in(&here, &ADMIN), Unreachable);
    assert!(!server.log().contains("Secret-"), "{}", server.log());
}

#[test]
fn an_account_without_a_shell_logs_in_by_what_its_host_takes() {
    needs_a_host!();
    let server = SshHost::start_with(&["PasswordAuthentication no", "KbdInteractiveAuthentication yes"]);
    server.command("usermod --shell /usr/sbin/nologin app");
    let here = host(&server);
    log_in(&here, &with_password(APP, SshHost::APP_PASSWORD)).unwrap();
    faults!(log_in(&here, &with_password(APP, "Secret-wrong")), Login);
    let said = faults!(
        set_password(&here, &with_password(APP, SshHost::APP_PASSWORD), "admin", "Secret-x"),
        Refused
    );
    assert!(said.contains("not available"), "{said}");
}

#[test]
fn what_asks_for_more_or_less_than_the_proof_is_no_log_in() {
    needs_a_host!();
    let server = SshHost::start_with(&["PasswordAuthentication no", "KbdInteractiveAuthentication yes"]);
    let here = host(&server);
    server.command("chage --lastday 0 app");
    let said = faults!(log_in(&here, &with_password(APP, SshHost::APP_PASSWORD)), Refused);
    assert!(said.contains("more than a password"), "{said}");
    let open = SshHost::start_with(&["PasswordAuthentication yes", "PermitEmptyPasswords yes"]);
    open.command("passwd --delete app");
    let said = faults!(log_in(&host(&open), &with_password(APP, "Secret-any")), Login);
    assert!(said.contains("without any proof"), "{said}");

    let keys_only = SshHost::start_with(&["PasswordAuthentication no", "KbdInteractiveAuthentication no"]);
    let said = faults!(log_in(&host(&keys_only), &with_password(APP, "Secret-wrong")), Login);
    assert!(said.contains("publickey alone"), "{said}");
    let both = SshHost::start_with(&["Match User app", "AuthenticationMethods password,publickey"]);
    let said = faults!(log_in(&host(&both), &with_password(APP, SshHost::APP_PASSWORD)), Refused);
    assert!(said.contains("second proof"), "{said}");
}

#[test]
fn every_kind_of_key_logs_in() {
    needs_a_host!();
    let server = SshHost::start();
    let here = host(&server);
    let (own, line) = new_key(&[1; 32], "a comment").unwrap();
    assert!(line.starts_with("ssh-ed25519 ") && line.ends_with(" a comment"), "{line}");
    let mut keys = vec![own.to_string()];
    server.command(&format!("mkdir -m 700 ~app/.ssh && echo '{line}' > ~app/.ssh/authorized_keys"));
    for (index, kind) in
        ["ed25519", "ecdsa -b 256", "ecdsa -b 384", "ecdsa -b 521", "rsa -b 3072"].iter().enumerate()
    {
        server.command(&format!("ssh-keygen -q -N '' -t {kind} -f ~root/{index}"));
        server.command(&format!("cat ~root/{index}.pub >> ~app/.ssh/authorized_keys"));
        keys.push(String::from_utf8(server.read(&format!("root/{index}"))).unwrap());
    }
    server
        .command("chown -R app:app ~app/.ssh; ssh-keygen -q -N Secret-passphrase -t ed25519 -f ~root/locked");
    for key in &keys {
        log_in(&here, &with_key(APP, key)).unwrap();
        faults!(log_in(&here, &with_key("admin", key)), Login);
    }
    Run::of(server.client_with_key(APP, &own).arg("id -un")).succeeds().says("app").done();
    let locked = String::from_utf8(server.read("root/locked")).unwrap();
    let said = faults!(log_in(&here, &with_key(APP, &locked)), Login);
    assert!(said.contains("passphrase"), "{said}");
}

#[test]
fn an_rsa_key_signs_with_a_hash_that_its_host_takes() {
    needs_a_host!();
    let mut server = SshHost::start();
    server.command("ssh-keygen -q -N '' -t rsa -b 2048 -f ~root/key; mkdir ~app/.ssh; cp ~root/key.pub ~app/.ssh/authorized_keys");
    let key = String::from_utf8(server.read("root/key")).unwrap();
    let here = host(&server);
    let config = String::from_utf8(server.read("sshd_config")).unwrap();
    for hash in ["rsa-sha2-256", "rsa-sha2-512"] {
        server.write("sshd_config", &format!("PubkeyAcceptedAlgorithms {hash}\n{config}"));
        server.restart();
        log_in(&here, &with_key(APP, &key)).unwrap();
    }
    server.write("sshd_config", &format!("PubkeyAcceptedAlgorithms ssh-rsa\n{config}"));
    server.restart();
    faults!(log_in(&here, &with_key(APP, &key)), Login);
}

/// Ends a watch, also when what is watched fails.
struct Watch<'a>(&'a AtomicBool);

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs it, and gives the arguments that hold this word, which no other test has, of any process of the machine.
fn watched(word: &str, work: impl FnOnce()) -> Vec<String> {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut found = Vec::new();
            while !over.load(Ordering::Relaxed) {
                for entry in fs::read_dir("/proc").unwrap().flatten() {
                    let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                    let line = String::from_utf8_lossy(&line).replace('\0', " ");
                    if line.contains(word) {
                        found.push(line);
                    }
                }
            }
            found
        });
        let watch = Watch(&over);
        work();
        drop(watch);
        watcher.join().unwrap()
    })
}

#[test]
fn a_password_is_set_without_anybody_seeing_it() {
    needs_a_host!();
    let server = SshHost::start();
    let here = host(&server);
    let mut open = Shell::of(server.client(APP, SshHost::APP_PASSWORD).arg("cat"));
    assert_eq!(open.ask("one"), "one");
    assert!(!watched("chpasswd", || set_password(&here, &ADMIN, APP, "Secret-host-0").unwrap()).is_empty());
    // What a shell, `chpasswd` and PAM might take for something else.
    for password in [
        "Secret-host-1:$(id)'\"`\\",
        "Secret-host-2 äöü ☃ #",
        " Secret-host-3 ",
        &format!("Secret-host-4{}", "x".repeat(243)),
    ] {
        let seen = watched("Secret-host-", || set_password(&here, &ADMIN, APP, password).unwrap());
        assert_eq!(seen, Vec::<String>::new());
        log_in(&here, &with_password(APP, password)).unwrap();
        Run::of(server.client(APP, password).arg("id -un")).succeeds().says("app").done();
        faults!(log_in(&here, &with_password(APP, SshHost::APP_PASSWORD)), Login);
    }
    assert_eq!(open.ask("two"), "two", "a session that is open stays so");
    log_in(&here, &ADMIN).unwrap();

    let said = faults!(set_password(&here, &ADMIN, "nobody-here", "Secret-host-5"), NoAccount);
    assert!(said.contains("nobody-here"), "{said}");
    for name in ["app;id", "$(id)", "-app", "app\nroot", "app:x", ""] {
        faults!(set_password(&here, &ADMIN, name, "Secret-host-5"), Refused);
    }
    let log = server.log();
    assert!(
        log.contains("chpasswd") && log.contains("sudo"),
        "the test no longer sees what is logged: {log}"
    );
    assert!(!log.contains("Secret-"), "{log}");
}

#[test]
fn who_may_not_set_passwords_is_told_what_is_missing() {
    needs_a_host!();
    let server = SshHost::start();
    let here = host(&server);
    let app = with_password(APP, SshHost::APP_PASSWORD);
    let said = faults!(set_password(&here, &app, "admin", "Secret-1"), Refused);
    assert!(said.contains("app ALL=(root) NOPASSWD: ") && said.contains("chpasswd"), "{said}");
    // That line, and no other right, is enough.
    let line = said.split('"').nth(1).unwrap();
    server.write("etc/sudoers.d/app", &format!("{line}\n"));
    server.command("chmod 440 /etc/sudoers.d/app; visudo --check --file=/etc/sudoers.d/app");
    set_password(&here, &app, "admin", "Secret-2").unwrap();
    log_in(&here, &with_password("admin", "Secret-2")).unwrap();
    // A shell that greets does no harm; one that does not end is given up.
    server.write("home/app/.bashrc", "echo Welcome to 1 of our hosts");
    set_password(&here, &app, "admin", "Secret-2").unwrap();
    server.write("home/app/.bashrc", "exec yes");
    let said = faults!(set_password(&here, &app, "admin", "Secret-3"), Refused);
    assert!(said.contains("more than"), "{said}");
    // Root needs no sudo at all.
    let (key, line) = new_key(&[2; 32], "root").unwrap();
    server.command(&format!("mkdir -m 700 ~root/.ssh && echo '{line}' > ~root/.ssh/authorized_keys"));
    server.command("rm /etc/sudoers.d/*");
    set_password(&here, &with_key("root", &key), "admin", "Secret-3").unwrap();
    log_in(&here, &with_password("admin", "Secret-3")).unwrap();
    assert!(!server.log().contains("Secret-"), "{}", server.log());
}

#[test]
fn a_rule_for_passwords_is_told_apart() {
    needs_a_host!();
    let server = SshHost::start();
    let here = host(&server);
    server.write(
        "etc/pam.d/common-password",
        "password required pam_pwhistory.so remember=5 enforce_for_root\n\
         password required pam_unix.so use_authtok obscure yescrypt\n",
    );
    set_password(&here, &ADMIN, APP, "Secret-1").unwrap();
    set_password(&here, &ADMIN, APP, "Secret-2").unwrap();
    let said = faults!(set_password(&here, &ADMIN, APP, "Secret-1"), PasswordRule);
    assert!(said.contains("pam_chauthtok() failed"), "{said}");
    log_in(&here, &with_password(APP, "Secret-2")).unwrap();
}

const FILE: &str = "home/app/.ssh/authorized_keys";

/// A private key of its own for each number, and the line of its public key as it is set.
fn key(number: u8) -> (String, String) {
    let (private, public) = new_key(&[number; 32], "claviger-rotated").unwrap();
    (private.to_string(), public + "\n")
}

#[test]
fn a_key_is_set_and_the_one_before_goes_on_working() {
    needs_a_host!();
    let server = SshHost::start();
    let here = host(&server);
    let keys = [1, 2, 3].map(key);
    let opens = |number: usize| log_in(&here, &with_key(APP, &keys[number].0)).is_ok();

    set_key(&here, &ADMIN, APP, &keys[0].0).unwrap();
    assert_eq!(String::from_utf8(server.read(FILE)).unwrap(), keys[0].1);
    let modes = "stat -c '%a %U %G' ~app/.ssh ~app/.ssh/authorized_keys";
    assert_eq!(server.command(modes), "700 app app\n600 app app\n");
    Run::of(server.client_with_key(APP, &keys[0].0).arg("id -un")).succeeds().says("app").done();

    // Lines of others, with all that a line may have and no newline at the end.
    let foreign = "# mine \\n $(id) 'x'\r\n\n  ssh-rsa AAAA somebody\u{fffd}\u{1}\r\nfrom=\"10.0.0.0/8\" ssh-rsa AAAA x";
    server.write(FILE, foreign);
    for (number, ours) in [(0, vec![0]), (1, vec![0, 1]), (1, vec![0, 1]), (2, vec![1, 2])] {
        set_key(&here, &ADMIN, APP, &keys[number].0).unwrap();
        let lines: String = ours.iter().map(|number: &usize| keys[*number].1.as_str()).collect();
        assert_eq!(String::from_utf8(server.read(FILE)).unwrap(), format!("{foreign}\n{lines}"));
        assert_eq!([0, 1, 2].map(opens), [0, 1, 2].map(|number| ours.contains(&number)));
    }
    let written = server.command("stat -c '%i %y' ~app/.ssh/authorized_keys");
    set_key(&here, &ADMIN, APP, &keys[2].0).unwrap();
    assert_eq!(
        server.command("stat -c '%i %y' ~app/.ssh/authorized_keys"),
        written,
        "nothing was to be written"
    );
    assert_eq!(server.command("ls -A ~app/.ssh"), "authorized_keys\n", "nothing else is left there");
    assert!(!server.log().contains("PRIVATE"), "{}", server.log());

    // Bytes that are no text, and more of them than one packet.
    let mut bytes = vec![0xff, 0, b'\n'];
    bytes.extend("ssh-rsa AAAA someone else\n".repeat(4000).bytes());
    server.write_bytes(FILE, &bytes);
    set_key(&here, &ADMIN, APP, &keys[2].0).unwrap();
    assert!(server.read(FILE) == [&bytes, keys[2].1.as_bytes()].concat(), "the file is not what it was");
    server.write_bytes(FILE, &vec![b'x'; 1 << 20]);
    faults!(set_key(&here, &ADMIN, APP, &keys[0].0), Refused);
    assert_eq!(server.read(FILE).len(), 1 << 20);
}

#[test]
fn whoever_may_act_for_an_account_sets_its_key() {
    needs_a_host!();
    let server = SshHost::start();
    let here = host(&server);
    server.add("other", "Initial-other-1");
    let other = with_password("other", "Initial-other-1");
    let (first, second, third) = (key(1).0, key(2).0, key(3).0);
    let said = faults!(set_key(&here, &other, APP, &first), Refused);
    assert!(said.contains("other ALL=(app) NOPASSWD: "), "{said}");
    // That line, and no other right, is enough.
    server.write("etc/sudoers.d/other", &format!("{}\n", said.split('"').nth(1).unwrap()));
    server.command("chmod 440 /etc/sudoers.d/other; visudo --check --file=/etc/sudoers.d/other");
    set_key(&here, &other, APP, &first).unwrap();
    log_in(&here, &with_key(APP, &first)).unwrap();
    faults!(set_key(&here, &other, "admin", &first), Refused);
    // An account sets its own key with the one it has; in whatever shell, which may say something first.
    server.command("usermod --shell /bin/sh app; echo 'echo welcome' > ~other/.bashrc");
    set_key(&here, &with_key(APP, &first), APP, &second).unwrap();
    set_key(&here, &other, "other", &third).unwrap();
    log_in(&here, &with_key("other", &third)).unwrap();
    // Root needs no sudo, and has keys as well. An account without a shell has keys too.
    let (own, line) = new_key(&[9; 32], "root").unwrap();
    server.command(&format!("mkdir -m 700 ~root/.ssh && echo '{line}' > ~root/.ssh/authorized_keys"));
    server.command("rm /etc/sudoers.d/*; usermod --shell /usr/sbin/nologin app");
    set_key(&here, &with_key("root", &own), APP, &third).unwrap();
    for (key, opens) in [(&first, false), (&second, true), (&third, true)] {
        assert_eq!(log_in(&here, &with_key(APP, key)).is_ok(), opens);
    }
    set_key(&here, &with_key("root", &own), "root", &third).unwrap();
    log_in(&here, &with_key("root", &third)).unwrap();
    log_in(&here, &with_key("root", &own)).unwrap();

    faults!(set_key(&here, &with_key("root", &own), "nobody-here", &first), NoAccount);
    faults!(set_key(&here, &with_key("root", &own), "a;id", &first), Refused);
    faults!(set_key(&here, &with_key("root", &own), APP, "Secret-no-key"), Refused);
    server.command("useradd --no-create-home homeless");
    let said = faults!(set_key(&here, &with_key("root", &own), "homeless", &first), Refused);
    assert!(said.contains("no home"), "{said}");
}

#[test]
fn links_that_an_account_has_laid_lead_nowhere() {
    needs_a_host!();
    let server = SshHost::start();
    let here = host(&server);
    server.command(
        "mkdir -m 700 ~root/.ssh; echo secret > ~root/.ssh/authorized_keys; cp -a /etc ~root/before",
    );
    let traps = [
        ("mkdir .ssh; ln -s /etc/shadow .ssh/authorized_keys", "link"),
        ("mkdir .ssh; ln -s ~root/.ssh/authorized_keys .ssh/authorized_keys", "link"),
        ("mkdir .ssh; ln -s /etc/new-file .ssh/authorized_keys", "link"),
        ("mkdir .ssh; ln -s mine .ssh/authorized_keys; echo mine > .ssh/mine", "link"),
        ("ln -s ~root/.ssh .ssh", "link"),
        ("ln -s /etc .ssh", "link"),
        ("mkdir -p .ssh/authorized_keys", "no file"),
        ("mkdir .ssh; mkfifo .ssh/authorized_keys", "no file"),
        ("touch .ssh", "write"),
        ("mkdir .ssh; touch .ssh/authorized_keys; chmod 0 .ssh/authorized_keys", "read"),
    ];
    for (trap, why) in traps {
        server.command(&format!("rm -rf ~app/.ssh; cd ~app; runuser -u app -- sh -c '{trap}'"));
        let said = faults!(set_key(&here, &ADMIN, APP, &key(1).0), Refused);
        assert!(said.contains(why), "{trap}: {said}");
    }
    assert_eq!(
        server.command("diff -r --no-dereference /etc ~root/before && ls -A ~root/.ssh && cat ~root/.ssh/*"),
        "authorized_keys\nsecret\n"
    );
    // A directory of root's, in which the account may not write.
    server.command("rm -rf ~app/.ssh; mkdir -m 755 ~app/.ssh");
    let said = faults!(set_key(&here, &ADMIN, APP, &key(1).0), Refused);
    assert!(said.contains("may not write") && said.contains("Permission denied"), "{said}");
}

#[test]
fn a_server_that_talks_without_end_is_given_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let junk = [0xa5; 4096];
        while std::io::Write::write_all(&mut stream, &junk).is_ok() {}
    });
    let (_, line) = new_key(&[7; 32], "").unwrap();
    faults!(log_in(&Host { address, name: "junk".into(), host_keys: line }, &ADMIN), Unreachable);
    server.join().unwrap();
}
