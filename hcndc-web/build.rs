//! Builds the web app (`ui/`) into the target folder, from where it is embedded.
//!
//! The source tree is left as it is: sources are copied first, so dependencies and results lie in the target folder only. Without
//! Node, without a network or with `HCNDC_UI=off` the build goes on, and the page that is embedded says what to do.

use std::{
    env,
    error::Error,
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    path::{Path, PathBuf},
    process::Command,
};

/// What the app is made of. Tests and their settings are left out, and so is what a developer's own `npm ci` has made.
const SOURCES: &[&str] = &[
    "src",
    "index.html",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "vite.config.ts",
    "vite.compress.ts",
];

/// The oldest Node that builds it.
const NODE: u32 = 20;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-env-changed=HCNDC_UI");
    println!("cargo:rerun-if-env-changed=HCNDC_CI");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=ui-missing.html");
    for source in SOURCES {
        println!("cargo:rerun-if-changed=ui/{source}");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    let built = out.join("ui-built");
    remove(&built)?;
    if let Err(reason) = build(&out, &built) {
        // What would be left out is a fault where everything is checked.
        if env::var_os("HCNDC_CI").is_some() && env::var_os("HCNDC_UI").is_none() {
            return Err(reason);
        }
        println!("cargo:warning=the web app is not built in: {reason}");
        remove(&built)?;
        fs::create_dir_all(&built)?;
        fs::copy("ui-missing.html", built.join("index.html"))?;
    }
    Ok(())
}

fn build(out: &Path, built: &Path) -> Result<(), Box<dyn Error>> {
    if env::var("HCNDC_UI").is_ok_and(|it| it == "off") {
        return Err("HCNDC_UI is off".into());
    }
    let node = node_version().ok_or("there is no Node; install Node 20 or newer")?;
    if node < NODE {
        return Err(format!("Node {node} is too old; install Node {NODE} or newer").into());
    }
    // One place for all builds of a profile: what only differs in Cargo's features is the same here. Cargo runs one at a time.
    let work = out.ancestors().nth(3).unwrap_or(out).join("ui");
    fs::create_dir_all(&work)?;
    let (stamp, dist) = (work.join("built-of"), work.join("dist"));
    let mut hasher = DefaultHasher::new();
    for source in SOURCES {
        fingerprint(&Path::new("ui").join(source), &mut hasher)?;
    }
    let sources = hasher.finish().to_string();
    if fs::read_to_string(&stamp).ok().as_ref() != Some(&sources) || !dist.is_dir() {
        remove(&stamp)?;
        make(&work)?;
        fs::write(&stamp, sources)?;
    }
    copy(&dist, built)?;
    Ok(())
}

/// Makes the app of the sources in `work`.
fn make(work: &Path) -> Result<(), Box<dyn Error>> {
    let lock = fs::read("ui/package-lock.json")?;
    for source in SOURCES {
        remove(&work.join(source))?;
        copy(&Path::new("ui").join(source), &work.join(source))?;
    }
    // Installing takes longer than building; what is installed stays while the list of dependencies does.
    let installed = work.join("installed-lock.json");
    if fs::read(&installed).ok().as_ref() != Some(&lock) {
        remove(&installed)?;
        run(
            work,
            "npm",
            &[
                "ci",
                "--omit=dev",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--prefer-offline",
            ],
        )?;
        fs::write(&installed, &lock)?;
    }
    run(work, "npm", &["run", "--silent", "build"])
}

fn fingerprint(path: &Path, hasher: &mut DefaultHasher) -> io::Result<()> {
    path.hash(hasher);
    if !path.is_dir() {
        fs::read(path)?.hash(hasher);
        return Ok(());
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        names.push(entry?.file_name());
    }
    names.sort();
    for name in names {
        fingerprint(&path.join(name), hasher)?;
    }
    Ok(())
}

/// The major version of Node, if there is one.
fn node_version() -> Option<u32> {
    let output = Command::new("node").arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.trim()
        .strip_prefix('v')?
        .split('.')
        .next()?
        .parse()
        .ok()
}

fn run(folder: &Path, program: &str, arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        // A mode that the caller's environment sets would leave out what the build needs.
        .env_remove("NODE_ENV")
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    let told = String::from_utf8_lossy(&output.stderr);
    let said = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = told.lines().chain(said.lines()).take(30).collect();
    let what = arguments.first().copied().unwrap_or_default();
    Err(format!("`{program} {what}` failed: {}", lines.join(" | ")).into())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        return fs::copy(from, to).map(|_| ());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(it) if it.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
