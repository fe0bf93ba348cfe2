//! How long the program `mdoc-issuer` takes: from its start to the first signed document, and for many on two cores.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use mdoc_benches::harness::Spread;
use mdoc_core::crypto::{Curve, SecretKey};
use mdoc_core::keys::public_to_jwk;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

const HELP: &str = "\
Runs the released mdoc-issuer in a folder of its own and prints, in Markdown:
  - milliseconds of `mdoc-issuer issue`, one licence with a portrait, from its start to the first byte of the signed
    document, which it writes to a pipe; and from its start to its end, with the document safe on the disk;
  - how many times as fast a `mdoc-issuer batch` is on two cores as on one (`taskset`, of Linux).

Usage: programs [--issuer FILE] [--samples FOLDER] [--folder FOLDER] [--starts N] [--records N]
                [--goals]

  --issuer FILE     the program (default target/release/mdoc-issuer)
  --samples FOLDER  the shipped samples (default document-formats/samples)
  --folder FOLDER   where documents are written (default target/release); one in memory, such as /dev/shm, tells what
                    the processor does, one on a disk also what the disk does
  --starts N        how often the program is started (default 50)
  --records N       records of the batch (default 1000)
  --goals           exit status 1 if a goal is not reached: 5 ms, and 1.7 times
";

/// Most milliseconds from the start to the first signature.
const MOST_MILLIS: f64 = 5.0;
/// How many times as fast two cores are at least.
const LEAST_GAIN: f64 = 1.7;
/// How often the batch is run on one core and on two.
const ROUNDS: usize = 5;

struct Options {
    issuer: PathBuf,
    samples: PathBuf,
    folder: PathBuf,
    starts: usize,
    records: usize,
    goals: bool,
}

fn main() -> ExitCode {
    let mut options = Options {
        issuer: PathBuf::from("target/release/mdoc-issuer"),
        samples: PathBuf::from("document-formats/samples"),
        folder: PathBuf::from("target/release"),
        starts: 50,
        records: 1_000,
        goals: false,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_default();
        match argument.as_str() {
            "--help" | "-h" => {
                print!("{HELP}");
                return ExitCode::SUCCESS;
            }
            "--goals" => options.goals = true,
            "--issuer" => options.issuer = value().into(),
            "--samples" => options.samples = value().into(),
            "--folder" => options.folder = value().into(),
            "--starts" => options.starts = value().parse().unwrap_or(0),
            "--records" => options.records = value().parse().unwrap_or(0),
            _ => return fail(&format!("`{argument}` is unknown; see --help")),
        }
    }
    if options.starts == 0 || options.records == 0 {
        return fail("`--starts` and `--records` need a number above zero");
    }
    match run(&options) {
        Ok(reached) => ExitCode::from(u8::from(options.goals && !reached)),
        Err(message) => fail(&message),
    }
}

fn fail(message: &str) -> ExitCode {
    eprintln!("programs: {message}");
    ExitCode::from(2)
}

/// A folder that is removed in the end.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn run(options: &Options) -> Result<bool, String> {
    let absolute =
        |path: &Path| std::fs::canonicalize(path).map_err(|error| format!("{}: {error}", path.display()));
    let (issuer, samples) = (absolute(&options.issuer)?, absolute(&options.samples)?);
    let folder = absolute(&options.folder)?.join(format!("programs-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let scratch = Scratch(folder);
    let program = Program {
        issuer: &issuer,
        folder: &scratch.0,
    };
    program.prepare(&samples, options.records)?;

    let (mut first, mut whole) = (Vec::new(), Vec::new());
    program.issue(&samples, "first.mdoc")?;
    for start in 0..options.starts {
        first.push(program.issue(&samples, "-")?);
        whole.push(program.issue(&samples, &format!("{start}.mdoc"))?);
    }
    let (first, whole) = (Spread::of(&first), Spread::of(&whole));

    let mut gains = Vec::with_capacity(ROUNDS);
    let mut rates = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        // In turns, so that a slow phase of the machine does not always meet the same one.
        let (one, two) = if round % 2 == 0 {
            let one = program.batch(Cores::One, round)?;
            (one, program.batch(Cores::Two, round)?)
        } else {
            let two = program.batch(Cores::Two, round)?;
            (program.batch(Cores::One, round)?, two)
        };
        gains.push(one / two);
        rates.push(options.records as f64 / two * 1e3);
    }
    let (gain, rate) = (Spread::of(&gains), Spread::of(&rates).median);
    let verdict = |reached: bool| if reached { "ok" } else { "**missed**" };
    println!("| program | median (least to greatest) | goal | |\n|---|---|---|---|");
    println!(
        "| `mdoc-issuer issue`, start to the signed document, {} runs | {:.2} ms ({:.2} to {:.2}) | ≤ {MOST_MILLIS} ms | {} |",
        options.starts,
        first.median,
        first.least,
        first.greatest,
        verdict(first.median <= MOST_MILLIS)
    );
    println!(
        "| the same, start to end, the document in its folder and synced | {:.2} ms ({:.2} to {:.2}) | | |",
        whole.median, whole.least, whole.greatest
    );
    println!(
        "| `mdoc-issuer batch`, {} records in {}, two cores to one | {:.2} × ({:.2} to {:.2}), {rate:.0} documents/s | ≥ {LEAST_GAIN} × | {} |",
        options.records,
        options.folder.display(),
        gain.median,
        gain.least,
        gain.greatest,
        verdict(gain.median >= LEAST_GAIN)
    );
    Ok(first.median <= MOST_MILLIS && gain.median >= LEAST_GAIN)
}

/// Where a program may run.
#[derive(Clone, Copy)]
enum Cores {
    /// Any, for what has one thread.
    Any,
    Two,
    One,
}

struct Program<'a> {
    issuer: &'a Path,
    folder: &'a Path,
}

impl Program<'_> {
    /// Milliseconds of one run; to its first byte if it writes to stdout, else to its end.
    fn time(&self, cores: Cores, arguments: &[&str]) -> Result<f64, String> {
        let list = match cores {
            Cores::Any => None,
            Cores::Two => Some("0,1"),
            Cores::One => Some("0"),
        };
        let mut command = list.map_or_else(
            || Command::new(self.issuer),
            |list| {
                let mut command = Command::new("taskset");
                command.args(["--cpu-list", list]).arg(self.issuer);
                command
            },
        );
        command
            .args(arguments)
            .current_dir(self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let failed = |error: std::io::Error| format!("{}: {error}", self.issuer.display());
        let start = Instant::now();
        let mut child = command.spawn().map_err(failed)?;
        let to_stdout = arguments.ends_with(&["--out", "-"]);
        let mut byte = [0];
        if let (Some(stdout), true) = (&mut child.stdout, to_stdout) {
            // Nothing comes if it fails, which is told below.
            let _ = stdout.read(&mut byte).map_err(failed)?;
        }
        let first = start.elapsed();
        let output = child.wait_with_output().map_err(failed)?;
        let took = if to_stdout { first } else { start.elapsed() };
        if output.status.success() {
            return Ok(took.as_secs_f64() * 1e3);
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(format!("`mdoc-issuer {}` failed: {said}", arguments.join(" ")))
    }

    fn prepare(&self, samples: &Path, records: usize) -> Result<(), String> {
        self.time(Cores::Any, &["pki", "demo", "--out", "pki"])?;
        let mut rng = ChaCha20Rng::from_seed([9; 32]);
        let mut key = || public_to_jwk(SecretKey::generate(Curve::P256, &mut rng).public_key());
        let person = samples.join("partial-iso-18013-5.json");
        let person =
            std::fs::read_to_string(&person).map_err(|error| format!("{}: {error}", person.display()))?;
        let person: String = person.lines().map(str::trim).collect();
        let fields = person
            .trim_end()
            .strip_suffix('}')
            .ok_or("the sample is no JSON object")?
            .trim_end()
            .to_owned();
        let mut lines = String::new();
        for record in 0..records {
            let _ = writeln!(
                lines,
                "{fields}, \"record\": \"r{record}\", \"portrait\": \"portrait.jpg\", \"device_keys\": [{}]}}",
                key()
            );
        }
        let write = |name: &str, content: &[u8]| {
            std::fs::write(self.folder.join(name), content).map_err(|error| format!("{name}: {error}"))
        };
        write("device.jwk", key().as_bytes())?;
        write("people.jsonl", lines.as_bytes())?;
        let portrait = samples.join("portrait.jpg");
        std::fs::create_dir_all(self.folder.join("photos")).map_err(|error| error.to_string())?;
        std::fs::copy(&portrait, self.folder.join("photos/portrait.jpg"))
            .map_err(|error| format!("{}: {error}", portrait.display()))?;
        Ok(())
    }

    fn issue(&self, samples: &Path, out: &str) -> Result<f64, String> {
        let data = samples.join("partial-iso-18013-5.json");
        let portrait = samples.join("portrait.jpg");
        let (data, portrait) = (data.display().to_string(), portrait.display().to_string());
        let arguments = [
            "issue",
            "--format",
            "partial-iso-18013-5",
            "--data",
            &data,
            "--portrait",
            &portrait,
            "--device-key",
            "device.jwk",
        ];
        self.signed(Cores::Any, &arguments, out)
    }

    /// Milliseconds of one run that signs documents.
    fn signed(&self, cores: Cores, arguments: &[&str], out: &str) -> Result<f64, String> {
        let signer = [
            "--signer",
            "pki/ds.pem",
            "--signer-key",
            "pki/ds.key.pem",
            "--out",
            out,
        ];
        self.time(cores, &[arguments, &signer].concat())
    }

    fn batch(&self, cores: Cores, round: usize) -> Result<f64, String> {
        let (out, threads) = match cores {
            Cores::One => (format!("issued-one-{round}"), "1"),
            Cores::Any | Cores::Two => (format!("issued-two-{round}"), "2"),
        };
        // Removed in the end, with the folder: ext4 looks for seconds at every place of a file that was just removed
        // before it makes a new one.
        let arguments = [
            "batch",
            "--format",
            "partial-iso-18013-5",
            "--data",
            "people.jsonl",
            "--portraits",
            "photos",
            "--id-field",
            "record",
            "--threads",
            threads,
        ];
        self.signed(cores, &arguments, &out)
    }
}
