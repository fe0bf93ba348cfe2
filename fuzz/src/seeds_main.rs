//! `fuzz-seeds TARGET FOLDER` writes the inputs that a campaign begins with; without arguments it lists the targets.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (name, folder) = match arguments.as_slice() {
        [] => {
            for target in mdoc_fuzz::TARGETS {
                println!("{} {}", target.name, target.max_len);
            }
            return ExitCode::SUCCESS;
        }
        [name, folder] => (name, std::path::Path::new(folder)),
        _ => {
            eprintln!("usage: fuzz-seeds [TARGET FOLDER]");
            return ExitCode::from(2);
        }
    };
    let Some(target) = mdoc_fuzz::find(name) else {
        eprintln!("there is no target `{name}`");
        return ExitCode::from(2);
    };
    let written = (target.seeds)()
        .into_iter()
        .filter(|seed| seed.len() <= target.max_len)
        .enumerate()
        .try_for_each(|(number, seed)| std::fs::write(folder.join(format!("seed-{number:03}")), seed));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{}: {why}", folder.display());
            ExitCode::from(2)
        }
    }
}
