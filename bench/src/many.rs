//! Fills a daemon with keys or secrets of many projects over HTTPS, and measures what an application waits for among them:
//! pages of a list, a search by tag, the details of one, and its use: a data key, or the value.

mod service;

use std::fs;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::{Value, json};
use tests::{Connection, Rest};

use service::{Outcome, Services, done};

/// Bytes of a secret's value.
const SECRET: usize = 1024;

/// Fills a daemon with keys or secrets of many projects, and measures requests among them; the daemon and the access key
/// come from the variables of `scripts/dev-up`.
#[derive(Parser, Debug)]
#[command(name = "claviger-bench-many", version)]
struct Options {
    #[command(flatten)]
    services: Services,

    #[arg(long, env = "DOMAIN_ID")]
    domain: String,

    #[arg(long, env = "HSMD_PID")]
    daemon_pid: u32,

    /// How many projects; a comma between several: each time as many more are made as are missing.
    #[arg(long, value_delimiter = ',', default_value = "10,100,1000,10000")]
    projects: Vec<usize>,

    /// How many keys in each project, of the 100 that there can be.
    #[arg(long, default_value_t = 100)]
    keys: usize,

    /// How many secrets of 1 KB in each project, instead of keys; there can be 200 (`[rest] secret_quota`).
    #[arg(long)]
    secrets: Option<usize>,

    /// Where the daemon keeps its records: what they take on the disk is shown too.
    #[arg(long)]
    store: Option<PathBuf>,

    /// How many connections make them.
    #[arg(long, default_value_t = 64)]
    connections: usize,

    /// How often each request is measured.
    #[arg(long, default_value_t = 1000)]
    rounds: usize,
}

/// What fills the daemon.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Keys,
    Secrets,
}

/// A project.
struct Project {
    service: Rest,
    /// By what each of its keys or secrets is asked for.
    names: Vec<String>,
}

impl Options {
    fn kind(&self) -> Kind {
        if self.secrets.is_some() { Kind::Secrets } else { Kind::Keys }
    }

    /// How many each project has.
    fn each(&self) -> usize {
        self.secrets.unwrap_or(self.keys)
    }
}

fn main() -> Outcome<()> {
    let options = Options::parse();
    let (root, kind) = (options.services.client()?, options.kind());
    let mut projects = Vec::new();
    let (things, one) = match kind {
        Kind::Keys => ("Keys", "Data key"),
        Kind::Secrets => ("Secrets", "Value"),
    };
    println!(
        "| {things} | Projects | {things} made a second | Page of 10 | Search by tag | Details | {one} | hsmd's memory | On the disk |"
    );
    println!("|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for &wanted in &options.projects {
        let began = Instant::now();
        let made = fill(&root, &options, projects.len()..wanted)?;
        let rate = (made.len() * options.each()) as f64 / began.elapsed().as_secs_f64();
        projects.extend(made);
        let all = projects.len() * options.each();
        print!("| {all} | {} | {rate:.0} ", projects.len());
        for ask in [page, search, details, used] {
            let time = measure(&projects, &options, |project, name| ask(kind, &project.service, name))?;
            print!("| {:.2} ms ", time.as_secs_f64() * 1e3);
        }
        let disk = options.store.as_deref().map(on_disk).transpose()?;
        let disk = disk.map_or("-".to_owned(), |bytes| format!("{} MiB", bytes >> 20));
        println!("| {} MiB | {disk} |", memory(options.daemon_pid)?);
    }
    Ok(())
}

/// The request that makes a key or a secret; the first of a project has a tag.
fn create(kind: Kind, service: &Rest, number: usize) -> Vec<u8> {
    let tags = if number == 0 { json!([{ "key": "use", "value": "backup" }]) } else { json!([]) };
    match kind {
        Kind::Keys => {
            service.kms_bytes("create-key", &json!({ "key_alias": format!("key-{number}"), "tags": tags }))
        }
        Kind::Secrets => {
            let value = "a".repeat(SECRET);
            let body = json!({ "name": format!("secret-{number}"), "secret_string": value, "tags": tags })
                .to_string();
            service.signed("POST", "/v1/{project_id}/secrets", body.as_bytes())
        }
    }
}

fn page(kind: Kind, service: &Rest, _: &str) -> Vec<u8> {
    match kind {
        Kind::Keys => service.kms_bytes("list-keys", &json!({ "limit": "10" })),
        Kind::Secrets => service.signed("GET", "/v1/{project_id}/secrets?limit=10", b""),
    }
}

fn search(kind: Kind, service: &Rest, _: &str) -> Vec<u8> {
    let tags = json!({ "action": "filter", "tags": [{ "key": "use", "values": ["backup"] }] });
    match kind {
        Kind::Keys => service.kms_bytes("resource_instances/action", &tags),
        Kind::Secrets => {
            let target = "/v1/{project_id}/csms/resource_instances/action";
            service.signed("POST", target, tags.to_string().as_bytes())
        }
    }
}

fn details(kind: Kind, service: &Rest, name: &str) -> Vec<u8> {
    match kind {
        Kind::Keys => service.kms_bytes("describe-key", &json!({ "key_id": name })),
        Kind::Secrets => service.signed("GET", &format!("/v1/{{project_id}}/secrets/{name}"), b""),
    }
}

fn used(kind: Kind, service: &Rest, name: &str) -> Vec<u8> {
    match kind {
        Kind::Keys => service.kms_bytes("create-datakey", &json!({ "key_id": name })),
        Kind::Secrets => {
            service.signed("GET", &format!("/v1/{{project_id}}/secrets/{name}/versions/SYSCURRENT"), b"")
        }
    }
}

/// Makes projects, and then what is in them, over many connections.
fn fill(root: &Rest, options: &Options, numbers: Range<usize>) -> Outcome<Vec<Project>> {
    let first = numbers.start;
    let count = numbers.len();
    let mut projects = at_once(root, options.connections, count, |connection, number| {
        project(root, connection, first + number, &options.domain)
    })?;
    // The next connection's is in the next project, as far as there are several.
    let names = at_once(root, options.connections, count * options.each(), |connection, number| {
        let service: &Rest = &projects[number % count].service;
        let made = ask(connection, &create(options.kind(), service, number / count))?;
        let name = match options.kind() {
            Kind::Keys => &made["key_info"]["key_id"],
            Kind::Secrets => &made["secret"]["name"],
        };
        Ok(name.as_str().ok_or("one without a name")?.to_owned())
    })?;
    for (number, name) in names.into_iter().enumerate() {
        projects[number % count].names.push(name);
    }
    Ok(projects)
}

/// Has so many things made over connections, and gives them in their order.
fn at_once<T: Send>(
    root: &Rest,
    connections: usize,
    count: usize,
    make: impl Fn(&mut Connection, usize) -> Outcome<T> + Sync,
) -> Outcome<Vec<T>> {
    let next = AtomicUsize::new(0);
    let work = || -> Outcome<Vec<(usize, T)>> {
        let (mut connection, mut made) = (root.connect()?, Vec::new());
        loop {
            let number = next.fetch_add(1, Relaxed);
            if number >= count {
                return Ok(made);
            }
            made.push((number, make(&mut connection, number)?));
        }
    };
    let mut all = thread::scope(|scope| -> Outcome<Vec<_>> {
        let workers: Vec<_> = (0..connections).map(|_| scope.spawn(work)).collect();
        let mut all = Vec::new();
        for worker in workers {
            all.extend(worker.join().map_err(|_| "a thread panicked")??);
        }
        Ok(all)
    })?;
    all.sort_unstable_by_key(|(number, _)| *number);
    Ok(all.into_iter().map(|(_, made)| made).collect())
}

/// Makes a project.
fn project(root: &Rest, connection: &mut Connection, number: usize, domain: &str) -> Outcome<Project> {
    let name = format!("local-1_p{number}");
    let body = json!({ "project": { "name": name, "domain_id": domain, "parent_id": root.project } });
    let made = ask(connection, &root.signed("POST", "/v3/projects", body.to_string().as_bytes()))?;
    let id = made["project"]["id"].as_str().ok_or("a project without an id")?.to_owned();
    let mut service = root.clone();
    service.project = id;
    Ok(Project { service, names: Vec::new() })
}

/// How long half of the requests take at the most, one after the other, each in another project.
fn measure(
    projects: &[Project],
    options: &Options,
    asked: impl Fn(&Project, &str) -> Vec<u8>,
) -> Outcome<Duration> {
    let first = projects.first().ok_or("no projects")?;
    let mut connection = first.service.connect()?;
    let mut times = Vec::new();
    for round in 0..options.rounds {
        // Far from the one before, and each in its turn.
        let project = &projects[round * 7919 % projects.len()];
        let name = &project.names[round * 7907 % project.names.len()];
        let request = asked(project, name);
        let began = Instant::now();
        ask(&mut connection, &request)?;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    Ok(times.get(times.len() / 2).copied().unwrap_or_default())
}

fn ask(connection: &mut Connection, request: &[u8]) -> Outcome<Value> {
    done(&connection.send(request)?)
}

/// What a process has in memory, in MiB.
fn memory(pid: u32) -> Outcome<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024)
}

/// What a folder takes on the disk, in bytes.
fn on_disk(folder: &Path) -> Outcome<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let about = entry.metadata()?;
        bytes += if about.is_dir() { on_disk(&entry.path())? } else { about.blocks() * 512 };
    }
    Ok(bytes)
}
