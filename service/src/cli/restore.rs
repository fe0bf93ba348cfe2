//! Putting a copy of the database into its place.

use std::path::{Path, PathBuf};

use base16ct::lower::encode_string;
use clap::Args;
use mdoc_cli::{Exit, Failure, output, system};
use mdoc_core::seams::Clock as _;
use mdoc_core::time::Timestamp;
use mdoc_service::config::Config;
use mdoc_service::start;
use mdoc_service::store::Place;
use mdoc_service::store::restore::{Lost, RestoreError, restore, restored_by_server};
use mdoc_service::usecase::authority::Actor;
use serde_json::json;

use super::{Where, account};

/// So many of what has to be done again are printed; `--json` has all.
const MOST: usize = 50;

#[derive(Args)]
#[command(after_help = "\
End the service first. The copy is examined (SQLite's own check, the schema, the audit
trail) before anything is moved. With --replace, the database that is there is kept
beside it, and what it had besides is listed.

Lists are published from the database: what was disabled or cancelled after the copy was
made is valid again until it is done again. Documents that were collected after it are
unknown, and their entries are given to nobody else: the lists are closed, new ones have
other numbers. Offers that were taken after it can be taken again.

PostgreSQL has its own tools, which leave the lists open: --by-server closes them.

Examples:
  mdoc-service restore --config authority/service.toml copy.db
  mdoc-service restore --config authority/service.toml copy.db --replace
  mdoc-service restore --config authority/service.toml --by-server

Exit status: 0 it is in its place, 1 the copy does not hold, 2 could not tell (usage,
files, a service that runs).")]
pub(crate) struct Arguments {
    /// The copy, as `mdoc-service backup` made it
    #[arg(required_unless_present = "by_server")]
    copy: Option<PathBuf>,
    /// A PostgreSQL server restored its database with its own tools: close its lists, before a node starts
    #[arg(long, conflicts_with_all = ["copy", "replace"])]
    by_server: bool,
    /// Put it into the place of the database that is there, which is kept beside it
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    at: Where,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let config = arguments.at.config()?;
    let now = system::SystemClock.now();
    let actor = Actor::system(&account::place("restore"));
    let (copy, place) = match (Place::parse(&config.database), &arguments.copy) {
        (Place::File(place), Some(copy)) => (copy, place),
        (Place::Server(_), None) => return by_server(arguments, &config, (now, actor)),
        (Place::File(_), None) => {
            return Err(Failure::new("the database is a file of SQLite")
                .hint("give the copy that is to be put into its place"));
        }
        (Place::Server(_), Some(_)) => {
            return Err(Failure::new("a PostgreSQL database is restored by its own tools").hint(
                "while no node runs: `pg_restore --clean --if-exists --single-transaction`, of what `pg_dump \
                 --format=custom` wrote, then `mdoc-service restore --by-server`, which closes its lists",
            ));
        }
    };
    let restored =
        restore((copy, &place), arguments.replace, now, &actor).map_err(|why| failure(&why, copy, &place))?;
    let contents = &restored.contents;
    if arguments.at.json {
        output::print_json(&json!({
            "database": place.display().to_string(),
            "kept": restored.kept.as_ref().map(|path| path.display().to_string()),
            "schema": contents.schema, "people": contents.people, "documents": contents.documents,
            "entries": contents.entries, "digest": encode_string(&contents.digest),
            "lost": restored.lost.as_ref().map(|lost| json!({ "acts": lost.acts, "again": lost.again })),
        }))?;
        return Ok(Exit::Done);
    }
    output::print(&format!(
        "{} is in its place: {} people, {} documents, {} entries of the audit trail, the last one with the digest\n{}\n",
        copy.display(),
        contents.people,
        contents.documents,
        contents.entries,
        encode_string(&contents.digest),
    ))?;
    if let Some(kept) = &restored.kept {
        output::print(&format!("\nThe database before is {}\n", kept.display()))?;
        match &restored.lost {
            Some(lost) => say(lost)?,
            None => output::print(
                "It is damaged, or not a later state of the copy: what it had besides cannot be told.\n",
            )?,
        }
    }
    Ok(Exit::Done)
}

fn by_server(
    arguments: &Arguments,
    config: &Config,
    (now, actor): (Timestamp, Actor),
) -> Result<Exit, Failure> {
    let store = start::store(config)?;
    let closed = super::block_on(async {
        let closed = store.write(move |tx| restored_by_server(tx, now, &actor));
        closed.await.map_err(|why| Failure::new(why.to_string()))
    })?;
    if arguments.at.json {
        output::print_json(&json!({ "closed": closed }))?;
    } else {
        output::print(&format!(
            "{closed} lists were closed: entries that were given away after the copy was made are given to nobody else.\n\
             What was done after it has to be done again before a node starts; see `mdoc-service audit show`.\n"
        ))?;
    }
    Ok(Exit::Done)
}

fn say(lost: &Lost) -> Result<(), Failure> {
    if lost.acts.is_empty() {
        return output::print("Nothing was done after the copy was made.\n");
    }
    output::print("What was done after the copy was made is in it no more:\n")?;
    for (action, count) in &lost.acts {
        output::print(&format!("  {count:>6} {action}\n"))?;
    }
    if lost.again.is_empty() {
        return Ok(());
    }
    output::print(
        "\nOf that, this has to be done again. Until then it is undone: documents are valid, machines are on with the \
         secrets before, and people have the roles before:\n",
    )?;
    for one in lost.again.iter().take(MOST) {
        output::print(&format!("  {one}\n"))?;
    }
    match lost.again.len().saturating_sub(MOST) {
        0 => Ok(()),
        more => output::print(&format!("  and {more} more, which --json lists\n")),
    }
}

fn failure(why: &RestoreError, copy: &Path, place: &Path) -> Failure {
    let failure = Failure::new(match why {
        RestoreError::Exists | RestoreError::InUse => format!("{}: {why}", place.display()),
        RestoreError::LeftOver(_) => why.to_string(),
        _ => format!("{}: {why}", copy.display()),
    });
    match why {
        RestoreError::Exists => failure.hint("--replace puts the copy into its place, and keeps it beside"),
        RestoreError::InUse => failure.hint("end the service, and every command that is under way"),
        RestoreError::LeftOver(_) => failure.hint("move it away first"),
        RestoreError::Unusable(_) => {
            failure.hint("give a file that `mdoc-service backup` of this version or an older one made")
        }
        RestoreError::Damaged(_) | RestoreError::Trail(_) => {
            failure.exit(Exit::Rejected).hint("take an older copy")
        }
        _ => failure,
    }
}
