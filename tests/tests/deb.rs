//! The Debian package on a clean root: it installs, the daemon starts, and a client works.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tests::{Run, root, script};

/// A Debian system of its own in a folder, without anything of ours.
struct Clean {
    dir: TempDir,
}

impl Clean {
    /// Makes one; none without root, since a root folder cannot be changed into then.
    fn make() -> Option<Self> {
        if !nix::unistd::Uid::effective().is_root() {
            eprintln!("skipped: to change into a root folder takes root");
            return None;
        }
        if let Some(missing) = tests::missing(&["mmdebstrap", "dpkg-shlibdeps"]) {
            eprintln!("skipped: {missing} is not installed (scripts/install-clients does it)");
            return None;
        }
        let dir = TempDir::with_prefix("claviger-root-").unwrap();
        // From where this machine has its own packages.
        let make = "cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources \
                    2>/dev/null | mmdebstrap --quiet --variant=minbase --include=opensc,openssl,passwd \
                    \"$(. /etc/os-release && echo $VERSION_CODENAME)\" \"$1\" -";
        Run::of(Command::new("sh").args(["-c", make, "sh"]).arg(dir.path())).succeeds().done();
        Some(Self { dir })
    }

    fn path(&self, path: &str) -> std::path::PathBuf {
        self.dir.path().join(path.trim_start_matches('/'))
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("chroot");
        command.arg(self.dir.path()).args(words).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("DEBIAN_FRONTEND", "noninteractive");
        for ours in ["CLAVIGER_SOCKET", "CLAVIGER_ADMIN_SOCKET", "P11_MODULE"] {
            command.env_remove(ours);
        }
        command
    }

    fn run(&self, words: &[&str]) -> Run {
        Run::of(&self.command(words))
    }
}

/// Stops the daemon it holds.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_package_installs_on_a_clean_root_starts_and_works() {
    let Some(clean) = Clean::make() else { return };
    let made = TempDir::new().unwrap();
    let package = Run::of(
        Command::new(script("make-deb"))
            .arg(made.path())
            .current_dir(root())
            .env("CLAVIGER_PROFILE", "debug"),
    );
    let package = package.succeeds().out();
    fs::copy(package.trim(), clean.path("/claviger.deb")).unwrap();
    clean.run(&["dpkg", "--install", "/claviger.deb"]).succeeds().done();

    // What the package set up: a user, and a root key for nobody else.
    let owner = clean.run(&["stat", "-c", "%U %a", "/var/lib/claviger/root.key"]).succeeds().out();
    assert_eq!(owner.trim(), "claviger 600");
    for there in [
        "/usr/share/man/man1/hsm-admin-partition-create.1",
        "/usr/share/man/man8/hsmd.8",
        "/usr/share/bash-completion/completions/hsm-admin",
        "/usr/lib/systemd/system/hsmd.service",
    ] {
        assert!(clean.path(there).exists(), "{there} is installed");
    }

    // As the service starts it, with the user and the folder that systemd would give it.
    clean.run(&["install", "-d", "-o", "claviger", "-g", "claviger", "/run/claviger"]).succeeds().done();
    let start = ["setpriv", "--reuid=claviger", "--regid=claviger", "--clear-groups", "hsmd"];
    let daemon = Daemon(clean.command(&start).stderr(Stdio::null()).spawn().unwrap());
    wait_for(&clean.path("/run/claviger/admin.sock"));

    fs::write(clean.path("/so.pin"), "87654321\n").unwrap();
    fs::write(clean.path("/user.pin"), "123456\n").unwrap();
    let create = ["hsm-admin", "partition", "create", "clean"];
    let pins = ["--so-pin-file", "/so.pin", "--user-pin-file", "/user.pin"];
    clean.run(&[&create[..], &pins].concat()).succeeds().done();
    let tool = ["pkcs11-tool", "--module", "/usr/lib/libclaviger.so", "--login", "--pin", "123456"];
    clean
        .run(&[&tool[..], &["--keypairgen", "--key-type", "EC:prime256v1", "--label", "k"]].concat())
        .succeeds()
        .done();
    fs::write(clean.path("/data"), "data").unwrap();
    let sign = ["--sign", "--mechanism", "ECDSA-SHA256", "--label", "k", "-i", "/data", "-o", "/signature"];
    clean.run(&[&tool[..], &sign, &["--signature-format", "openssl"]].concat()).succeeds().done();
    let public = ["--read-object", "--type", "pubkey", "--label", "k", "-o", "/key.der"];
    clean.run(&[&tool[..], &public].concat()).succeeds().done();
    let verify = ["openssl", "dgst", "-sha256", "-verify", "/key.der", "-signature", "/signature", "/data"];
    assert_eq!(clean.run(&verify).succeeds().out().trim(), "Verified OK");

    // The keys stay when the package goes.
    drop(daemon);
    clean.run(&["dpkg", "--purge", "claviger"]).succeeds().done();
    assert!(!clean.path("/usr/bin/hsmd").exists());
    assert!(clean.path("/var/lib/claviger/store").exists());
}

fn wait_for(path: &Path) {
    let until = Instant::now() + Duration::from_secs(60);
    while !path.exists() {
        assert!(Instant::now() < until, "{} did not appear", path.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}
