//! Seeing to groups of people.

use clap::{Args, Subcommand};
use mdoc_cli::{Exit, Failure, output, system};
use mdoc_service::usecase::people::{self, Group};
use serde_json::json;

use super::Acting;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Add a group, at the top or below another one.
    #[command(after_help = "Example:\n  mdoc-service group add Berlin/Sales --config authority/service.toml")]
    Add(AddArguments),
    /// List the groups by their paths.
    #[command(after_help = "Example:\n  mdoc-service group list --config authority/service.toml")]
    List(Acting),
}

#[derive(Args)]
pub(crate) struct AddArguments {
    /// Its path from the top, with / between; the groups above it are there already
    path: String,
    #[command(flatten)]
    acting: Acting,
}

pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Add(arguments) => add(arguments),
        Command::List(acting) => list(acting),
    }
}

fn add(arguments: &AddArguments) -> Result<Exit, Failure> {
    let (path, mut rng) = (arguments.path.clone(), system::random()?);
    let id = arguments.acting.open()?.write(move |tx, actor, now| {
        let (above, name) = path
            .rsplit_once('/')
            .map_or((None, path.as_str()), |(above, name)| (Some(above), name));
        let parent = match above {
            None => None,
            Some(above) => people::group_at(tx, above)?,
        };
        people::add_group(tx, actor, now, (name, parent.as_ref()), &mut rng)
    })?;
    if arguments.acting.at.json {
        output::print_json(&json!({ "id": id.as_str() }))?;
    }
    Ok(Exit::Done)
}

fn list(acting: &Acting) -> Result<Exit, Failure> {
    let groups = acting.open()?.write(|tx, actor, _| people::groups(tx, actor))?;
    let mut paths: Vec<(String, &Group)> = groups.iter().map(|group| (path(group, &groups), group)).collect();
    paths.sort_by(|(a, _), (b, _)| a.cmp(b));
    if acting.at.json {
        let all = paths
            .iter()
            .map(|(path, group)| json!({ "id": group.id.as_str(), "path": path }));
        output::print_json(&all.collect::<Vec<_>>().into())?;
        return Ok(Exit::Done);
    }
    for (path, _) in &paths {
        output::print(&format!("{path}\n"))?;
    }
    Ok(Exit::Done)
}

/// The names from the top; groups are nested 32 deep at most.
fn path(group: &Group, all: &[Group]) -> String {
    let mut names = vec![group.name.as_str()];
    let mut parent = group.parent.as_ref();
    while let Some(above) = parent.and_then(|id| all.iter().find(|group| group.id == *id)) {
        names.push(&above.name);
        parent = above.parent.as_ref();
    }
    names.reverse();
    names.join("/")
}
