//! Fills a daemon with keys of many projects over HTTPS, and measures what an application waits for among them: pages of
//! a list, a search by tag, a key's details, a data key.

mod service;

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::{Value, json};
use tests::{Connection, Rest};

use service::{Outcome, Services, done};

/// Fills a daemon with keys of many projects, and measures requests among them; the daemon and the access key come from
/// the variables of `scripts/dev-up`.
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

    /// How many connections make them.
    #[arg(long, default_value_t = 64)]
    connections: usize,

    /// How often each request is measured.
    #[arg(long, default_value_t = 1000)]
    rounds: usize,
}

/// A project, and one of its keys.
struct Project {
    service: Rest,
    key: String,
}

fn main() -> Outcome<()> {
    let options = Options::parse();
    let root = options.services.client()?;
    let mut projects = Vec::new();
    println!(
        "| Keys | Projects | Keys made a second | Page of 10 keys | Search by tag | Details | Data key | hsmd's memory |"
    );
    println!("|--:|--:|--:|--:|--:|--:|--:|--:|");
    for &wanted in &options.projects {
        let began = Instant::now();
        let made = fill(&root, &options, projects.len()..wanted)?;
        let rate = (made.len() * options.keys) as f64 / began.elapsed().as_secs_f64();
        projects.extend(made);
        let list = measure(&projects, &options, |_| ("list-keys".to_owned(), json!({ "limit": "10" })))?;
        let search = measure(&projects, &options, |_| {
            let tags = json!({ "action": "filter", "tags": [{ "key": "use", "values": ["backup"] }] });
            ("resource_instances/action".to_owned(), tags)
        })?;
        let details = measure(&projects, &options, |project| {
            ("describe-key".to_owned(), json!({ "key_id": project.key }))
        })?;
        let data_key = measure(&projects, &options, |project| {
            ("create-datakey".to_owned(), json!({ "key_id": project.key }))
        })?;
        let memory = memory(options.daemon_pid)?;
        let keys = projects.len() * options.keys;
        let ms = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1e3);
        println!(
            "| {keys} | {} | {rate:.0} | {} | {} | {} | {} | {memory} MiB |",
            projects.len(),
            ms(list),
            ms(search),
            ms(details),
            ms(data_key),
        );
    }
    Ok(())
}

/// Makes projects and their keys over many connections.
fn fill(root: &Rest, options: &Options, numbers: std::ops::Range<usize>) -> Outcome<Vec<Project>> {
    let next = AtomicUsize::new(numbers.start);
    let make = || -> Outcome<Vec<Project>> {
        let (mut connection, mut made) = (root.connect()?, Vec::new());
        loop {
            let number = next.fetch_add(1, Relaxed);
            if number >= numbers.end {
                return Ok(made);
            }
            made.push(project(root, &mut connection, number, options)?);
        }
    };
    thread::scope(|scope| {
        let makers: Vec<_> = (0..options.connections).map(|_| scope.spawn(make)).collect();
        let mut all = Vec::new();
        for maker in makers {
            all.extend(maker.join().map_err(|_| "a thread panicked")??);
        }
        Ok(all)
    })
}

/// Makes a project, and its keys: one of them has a tag.
fn project(root: &Rest, connection: &mut Connection, number: usize, options: &Options) -> Outcome<Project> {
    let name = format!("local-1_p{number}");
    let body = json!({ "project": { "name": name, "domain_id": options.domain, "parent_id": root.project } });
    let made = ask(connection, &root.signed("POST", "/v3/projects", body.to_string().as_bytes()))?;
    let id = made["project"]["id"].as_str().ok_or("a project without an id")?.to_owned();
    let mut service = root.clone();
    service.project = id;
    let mut key = String::new();
    for number in 0..options.keys {
        let tags = if number == 0 { json!([{ "key": "use", "value": "backup" }]) } else { json!([]) };
        let body = json!({ "key_alias": format!("key-{number}"), "tags": tags });
        let made = ask(connection, &service.kms_bytes("create-key", &body))?;
        if number == 0 {
            made["key_info"]["key_id"].as_str().ok_or("a key without an id")?.clone_into(&mut key);
        }
    }
    Ok(Project { service, key })
}

/// How long half of the requests take at the most, one after the other, each in another project.
fn measure(
    projects: &[Project],
    options: &Options,
    asked: impl Fn(&Project) -> (String, Value),
) -> Outcome<Duration> {
    let first = projects.first().ok_or("no projects")?;
    let mut connection = first.service.connect()?;
    let mut times = Vec::new();
    for round in 0..options.rounds {
        // Far from the one before, and each in its turn.
        let project = &projects[round * 7919 % projects.len()];
        let (operation, body) = asked(project);
        let request = project.service.kms_bytes(&operation, &body);
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
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024)
}
