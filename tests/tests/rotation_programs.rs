//! Rotation by a program of the operator's: of the password of a web site that nginx guards, with curl as its client. The
//! program is run as `nobody`, or answers behind a socket of systemd's.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;
use tests::process::is_root;
use tests::{Beside, Place, Rest, Run, free_address, needs};

const PATIENCE: Duration = Duration::from_secs(60);
const NOBODY: u32 = 65534;
/// The first password of the site.
const FIRST: &str = "First-password-1";

/// The program: one for nginx, with words in a file that have it misbehave.
const PROGRAM: &str = r#"#!/usr/bin/python3
import base64, json, os, subprocess, sys, time, urllib.request

here = os.path.dirname(os.path.abspath(__file__))
asked = json.load(sys.stdin)
step = asked["step"]
with open(f"{here}/steps", "a") as log:
    print(step, file=log)
word = open(f"{here}/word").read().strip() if os.path.exists(f"{here}/word") else ""
if word == "facts":
    with open(f"{here}/facts", "w") as out:
        status = dict(line.split(":", 1) for line in open("/proc/self/status"))
        facts = {name: status[name].split() for name in ("Uid", "Gid", "Groups", "NoNewPrivs", "CapEff", "CapPrm", "CapInh")}
        json.dump({"status": facts, "environment": dict(os.environ), "arguments": sys.argv[1:], "cwd": os.getcwd(),
                   "files": [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")], "asked": sorted(asked),
                   "reads": [path for path in os.environ["LOOK"].split(":") if os.access(path, os.R_OK | os.X_OK)]}, out)
if word == "sleep " + step:
    subprocess.Popen(["sleep", "1000"], stdout=sys.stdout)
    time.sleep(1000)
if word == "escape " + step:
    subprocess.run(["setsid", "--fork", "sleep", "1000"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(1000)
if word == "leave " + step:
    subprocess.run(["setsid", "--fork", "sleep", "1000"])
if word == "stop " + step:
    while os.path.exists(f"{here}/word"):
        time.sleep(0.01)
if word == "raise " + step:
    raise ValueError("the site is closed on Mondays")
if word == "tell " + step:
    print(json.dumps({"error": "what is current: " + json.loads(asked["current"])["password"]}))
    sys.exit(0)
if word == "flood " + step:
    while True:
        print("x" * 65536)
if word == "silent " + step:
    sys.exit(0)
if word == "refuse " + step:
    print(json.dumps({"error": "the site is in use: wait until night"}))
    sys.exit(3)
if word == "lie " + step:
    print("{}")
    sys.exit(3)

def keep(value):
    value = json.loads(value)
    line = subprocess.run(["openssl", "passwd", "-apr1", "-stdin"], input=value["password"], capture_output=True, text=True, check=True)
    with open(f"{here}/users.new", "w") as out:
        print(value["user"], line.stdout.strip(), sep=":", file=out)
    os.replace(f"{here}/users.new", f"{here}/users")

def visit(value):
    value = json.loads(value)
    pair = base64.b64encode(f"{value['user']}:{value['password']}".encode()).decode()
    urllib.request.urlopen(urllib.request.Request(value["url"], headers={"Authorization": "Basic " + pair}), timeout=10)

if step == "set":
    keep(asked["pending"])
elif step == "undo":
    keep(asked["current"])
elif step == "test":
    visit(asked["pending"])
print("{}")
"#;

/// A site that nginx guards, the folder of the program, a daemon's place, and its services.
struct World {
    folder: TempDir,
    site: String,
    place: Place,
    rest: Rest,
    _nginx: Nginx,
}

/// A server that ends with its workers.
struct Nginx(Child);

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.0.id().cast_signed()), Signal::SIGTERM);
        let _ = self.0.wait();
    }
}

impl World {
    /// With the program as a command, or behind a socket.
    fn new(behind_socket: bool) -> Self {
        let folder = TempDir::with_prefix("claviger-site-").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        chown(folder.path(), Some(NOBODY), None).unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("rotate"), PROGRAM).unwrap();
        fs::set_permissions(path("rotate"), fs::Permissions::from_mode(0o755)).unwrap();
        let (listen, site) = (free_address(), free_address());
        let dir = folder.path().display().to_string();
        fs::write(path("nginx.conf"), NGINX.replace("@DIR@", &dir).replace("@SITE@", &site.to_string()))
            .unwrap();
        let way = if behind_socket {
            format!("socket = \"{dir}/socket\"")
        } else {
            format!("command = [\"{dir}/rotate\", \"--quiet\"]")
        };
        let place = Place::new("");
        let look = [place.store(), place.path("root.key"), place.path("admin.sock")];
        let look = look.map(|path| path.display().to_string()).join(":");
        let program = format!("[rotation.programs.site]\n{way}\nprojects = [\"*\"]\nseconds = 5\n");
        let more =
            if behind_socket { String::new() } else { format!("environment = {{ LOOK = \"{look}\" }}\n") };
        place.configure(&format!("[rest]\nlisten = \"{listen}\"\n{program}{more}"));
        let daemon = place.start();
        let rest = Rest::new_account(&place, listen, "acme");
        daemon.kill();
        let mut nginx = Command::new("/usr/sbin/nginx");
        nginx.arg("-c").arg(path("nginx.conf")).arg("-e").arg(path("nginx.log")).stdin(Stdio::null());
        let nginx = Nginx(nginx.spawn().unwrap());
        let world = Self { folder, site: format!("http://{site}/"), place, rest, _nginx: nginx };
        world.users(FIRST);
        let until = Instant::now() + PATIENCE;
        while world.visit(FIRST).is_err() {
            assert!(Instant::now() < until, "nginx does not start: {:?}", world.visit(FIRST));
            sleep(Duration::from_millis(20));
        }
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Gives the site's user a password by hand.
    fn users(&self, password: &str) {
        let made = Run::of(Command::new("openssl").args(["passwd", "-apr1", password])).succeeds().out();
        fs::write(self.path("users"), format!("app:{made}")).unwrap();
        chown(self.path("users"), Some(NOBODY), None).unwrap();
    }

    /// Whether a password is good, by curl.
    fn visit(&self, password: &str) -> Result<(), String> {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--fail", "--user", &format!("app:{password}"), &self.site]);
        let run = Run::of(&curl);
        if run.succeeded() { Ok(()) } else { Err(run.story()) }
    }

    /// Has the program misbehave.
    fn word(&self, word: &str) {
        fs::write(self.path("word"), word).unwrap();
    }

    fn behave(&self) {
        let _ = fs::remove_file(self.path("word"));
    }

    fn host(&self) -> Run {
        let value = serde_json::json!({ "user": "app", "password": FIRST, "url": self.site });
        fs::write(self.path("value"), value.to_string()).unwrap();
        let file = self.path("value").display().to_string();
        self.place.admin(&format!("secret host db --program site --file {file} --yes"))
    }

    fn rotate(&self) -> Run {
        self.place.admin("secret rotate db --yes --json")
    }

    /// The password of what is current.
    fn current(&self) -> String {
        let target = "/v1/{project_id}/secrets/db/versions/SYSCURRENT";
        let value = self.rest.send(&self.rest.signed("GET", target, b"")).unwrap().done();
        let value: Value = serde_json::from_str(value["version"]["secret_string"].as_str().unwrap()).unwrap();
        assert_eq!(value["url"], self.site.as_str());
        value["password"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    fn assert_current_is_good(&self) {
        self.visit(&self.current()).unwrap();
    }

    fn steps(&self) -> String {
        let steps = fs::read_to_string(self.path("steps")).unwrap();
        fs::remove_file(self.path("steps")).unwrap();
        steps.replace('\n', " ")
    }

    /// What failed, the newest first.
    fn failures(&self) -> Vec<String> {
        let all: Value =
            serde_json::from_str(&self.place.admin("secret rotations db --failed --json").succeeds().out())
                .unwrap();
        let words = |task: &Value| format!("{} {}", task["task_error_code"], task["task_error_msg"]);
        all.as_array().unwrap().iter().map(words).collect()
    }
}

const NGINX: &str = "daemon off;
user nobody nogroup;
worker_processes 1;
pid @DIR@/nginx.pid;
error_log @DIR@/nginx.log notice;
events {}
http {
    access_log off;
    client_body_temp_path @DIR@/body;
    proxy_temp_path @DIR@/proxy;
    fastcgi_temp_path @DIR@/fastcgi;
    uwsgi_temp_path @DIR@/uwsgi;
    scgi_temp_path @DIR@/scgi;
    server {
        listen @SITE@;
        location / {
            auth_basic site;
            auth_basic_user_file @DIR@/users;
            default_type text/plain;
            try_files /none @in;
        }
        location @in { return 200 in; }
    }
}
";

macro_rules! needs_all {
    () => {
        needs!("/usr/sbin/nginx", "curl", "openssl", "/usr/bin/python3", "setpriv", "prlimit", "unshare");
        if !is_root() {
            println!("skipped: only root runs programs as somebody else");
            return;
        }
    };
}

#[test]
fn a_program_rotates_as_somebody_who_may_do_nothing() {
    needs_all!();
    let world = World::new(false);
    let _daemon = world.place.start();
    world.word("facts");
    world.host().succeeds().says("Made secret").done();
    world.behave();
    assert_eq!(world.steps(), "test ");
    let facts: Value = serde_json::from_slice(&fs::read(world.path("facts")).unwrap()).unwrap();
    let status = |name: &str| facts["status"][name].as_array().unwrap().clone();
    assert_eq!(status("Uid"), vec![Value::from("65534"); 4]);
    assert_eq!(status("Gid"), vec![Value::from("65534"); 4]);
    assert_eq!(status("Groups"), Vec::<Value>::new());
    assert_eq!(status("NoNewPrivs"), ["1"]);
    for set in ["CapEff", "CapPrm", "CapInh"] {
        assert_eq!(status(set), ["0000000000000000"], "{set}");
    }
    assert_eq!((&facts["arguments"][0], &facts["cwd"]), (&"--quiet".into(), &"/".into()));
    let environment: Vec<_> = facts["environment"].as_object().unwrap().keys().map(String::as_str).collect();
    assert!(environment.iter().all(|name| ["LC_CTYPE", "LOOK", "PATH"].contains(name)), "{environment:?}");
    let own = world.place.path("").display().to_string();
    let is_own = |file: &str| {
        file.starts_with(&own) || ["socket:", "anon_inode:"].iter().any(|kind| file.starts_with(kind))
    };
    let files: Vec<_> =
        facts["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap()).collect();
    assert!(
        files.len() >= 3 && !files.iter().any(|file| is_own(file)),
        "what the daemon has open: {files:?}"
    );
    assert_eq!(facts["reads"], serde_json::json!([]), "what is the daemon's own");
    for _ in 0..5 {
        let before = world.current();
        world.rotate().succeeds().done();
        assert_eq!(world.steps(), "create set test ");
        world.assert_current_is_good();
        assert!(world.visit(&before).is_err());
    }
    let shown = world.place.admin("secret show db").succeeds().says("by the program").says("site");
    shown.never_says("in database").done();
    world.place.admin("secret put db --file /etc/hostname").fails().says("rotation alone").done();
    world
        .place
        .admin("secret host other --program none --file /etc/hostname")
        .fails()
        .says("hsmd.toml")
        .done();
}

#[test]
fn what_a_program_does_wrong_is_undone_and_recorded() {
    needs_all!();
    let world = World::new(false);
    let _daemon = world.place.start();
    world.host().succeeds().done();
    for (word, says) in [
        ("raise create", "ValueError: the site is closed on Mondays"),
        ("raise set", "ValueError: the site is closed on Mondays"),
        ("tell test", "kept back"),
        ("refuse set", "the site is in use: wait until night"),
        ("silent set", "no object of its contract"),
        ("lie set", "exit status: 3"),
        ("flood create", "at most 262144 bytes"),
        ("sleep set", "not done within 5 s"),
        ("escape set", "not done within 5 s"),
    ] {
        world.word(word);
        let began = Instant::now();
        world.rotate().fails().never_says(&world.current()).says(says).done();
        assert!(began.elapsed() < PATIENCE, "{word}");
        world.behave();
        let failed = world.failures();
        assert!(failed[0].contains("PROGRAM_FAILED") && failed[0].contains(says), "{word}: {failed:?}");
        assert!(!failed[0].contains(&world.current()), "{failed:?}");
        // What cannot be undone by a program that misbehaves is undone once it does not.
        world.assert_current_is_good();
        world.rotate().succeeds().done();
        world.assert_current_is_good();
    }
    // What it started ends with it, and nobody waits for that.
    world.word("leave set");
    world.rotate().succeeds().done();
    let left = Run::of(Command::new("pgrep").args(["-u", "nobody", "-f", "sleep 1000"]));
    assert!(!left.succeeded(), "what it started goes on: {}", left.text());
}

#[test]
fn whenever_the_daemon_is_killed_a_program_is_asked_again() {
    needs_all!();
    let world = World::new(false);
    let daemon = world.place.start();
    world.host().succeeds().done();
    daemon.kill();
    for step in ["create", "set", "test"] {
        let daemon = world.place.start();
        world.word(&format!("stop {step}"));
        let _ = fs::remove_file(world.path("steps"));
        thread::scope(|scope| {
            let rotation = scope.spawn(|| world.rotate().succeeded());
            world.wait_for(step);
            daemon.kill();
            assert!(!rotation.join().unwrap(), "{step}");
        });
        world.behave();
        let daemon = world.place.start();
        let until = Instant::now() + PATIENCE;
        while world.place.admin("secret history db --json").succeeds().text().contains("SYSPENDING") {
            assert!(Instant::now() < until, "{step}: {}", world.place.end_of_log());
            sleep(Duration::from_millis(20));
        }
        world.assert_current_is_good();
        world.rotate().succeeds().done();
        world.assert_current_is_good();
        daemon.kill();
    }
}

impl World {
    /// Waits until the program has begun a step.
    fn wait_for(&self, step: &str) {
        let until = Instant::now() + PATIENCE;
        while !fs::read_to_string(self.path("steps")).unwrap_or_default().contains(step) {
            assert!(Instant::now() < until, "no {step}: {}", self.place.end_of_log());
            sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn a_program_behind_a_socket_rotates_too() {
    needs_all!();
    needs!("systemd-socket-activate");
    let world = World::new(true);
    let _daemon = world.place.start();
    world.host().fails().says("nobody answers on").done();
    let mut service = Command::new("systemd-socket-activate");
    service.args(["--inetd", "--accept", "--listen"]).arg(world.path("socket")).arg(world.path("rotate"));
    service.stdout(Stdio::null()).stderr(Stdio::null());
    let _service = Beside::of(&mut service);
    let until = Instant::now() + PATIENCE;
    while !world.path("socket").exists() {
        assert!(Instant::now() < until, "no socket");
        sleep(Duration::from_millis(10));
    }
    world.host().succeeds().done();
    for word in ["raise set", "silent set", "sleep set"] {
        world.rotate().succeeds().done();
        world.assert_current_is_good();
        world.word(word);
        world.rotate().fails().done();
        world.behave();
        world.assert_current_is_good();
    }
    world.rotate().succeeds().done();
    world.assert_current_is_good();
}

#[test]
fn a_program_that_could_not_be_run_is_refused_at_the_start() {
    needs!("/usr/bin/python3");
    let section = |lines: &str| format!("[rotation.programs.site]\nprojects = [\"*\"]\n{lines}\n");
    for (lines, says) in [
        ("command = [\"rotate\"]", "whole path"),
        ("command = []", "whole path"),
        ("command = [\"/usr/bin/none-such\"]", "no file"),
        ("command = [\"/usr/bin/python3\"]\nuser = \"none-such\"", "no \"none-such\""),
        ("command = [\"/usr/bin/python3\"]\nuser = \"root\"", "may do what hsmd may"),
        ("command = [\"/usr/bin/python3\"]\nsocket = \"/run/site\"", "either command or socket"),
        ("", "either command or socket"),
        ("socket = \"site\"", "whole path"),
        ("socket = \"/run/site\"\nseconds = 0", "1 to 600"),
    ] {
        let place = Place::new("");
        place.configure(&section(lines));
        place.hsmd(&[]).fails().says(says).says("rotation.programs.site").done();
    }
    let place = Place::new("");
    place.configure("[rotation.programs.site]\nsocket = \"/run/site\"\n");
    place.hsmd(&[]).fails().says("projects").done();
    if is_root() {
        let place = Place::new("");
        place.configure(&section("command = [\"/usr/bin/python3\"]"));
        let mut hsmd = Command::new("setpriv");
        hsmd.args(["--reuid=1", "--regid=1", "--clear-groups"]).arg(place.program("hsmd"));
        fs::set_permissions(place.path(""), fs::Permissions::from_mode(0o755)).unwrap();
        let config = place.path("hsmd.toml");
        fs::set_permissions(&config, fs::Permissions::from_mode(0o644)).unwrap();
        Run::of(hsmd.arg("--config").arg(config)).fails().says("CAP_SETUID").says("socket").done();
    }
}
