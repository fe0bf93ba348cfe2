//! Whose account of the operating system a command is typed in. The audit trail has it beside the operator whom `--as` names:
//! whoever has the files of the service may name anybody, and one person who names two is to be seen.

use std::fs;

/// What the system says of a login whose account is not known.
const NOBODY: u32 = u32::MAX;

/// Where a command comes from, as the trail has it: `command line, ada (1000)`, and who logged in if that is another account.
pub(super) fn place(what: &str) -> String {
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let login = text("/proc/self/loginuid").trim().parse().ok();
    let login = login.filter(|login| *login != NOBODY);
    words(what, (own(), login), &text("/etc/passwd"))
}

#[cfg(unix)]
fn own() -> Option<u32> {
    Some(rustix::process::getuid().as_raw())
}

#[cfg(not(unix))]
const fn own() -> Option<u32> {
    None
}

fn words(what: &str, (own, login): (Option<u32>, Option<u32>), accounts: &str) -> String {
    let mut words = what.to_owned();
    if let Some(own) = own {
        words.push_str(&format!(", {}", named(own, accounts)));
    }
    if let Some(login) = login.filter(|login| Some(*login) != own) {
        words.push_str(&format!(", logged in as {}", named(login, accounts)));
    }
    words
}

/// An account with its number, and its name if the file of accounts has it (`passwd(5)`).
fn named(number: u32, accounts: &str) -> String {
    let name = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(number)).then_some(name)
    });
    name.map_or_else(
        || format!("account {number}"),
        |name| format!("{name} ({number})"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_a_name_where_there_is_one() {
        let accounts = "root:x:0:0:root:/root:/bin/sh\nbroken\nada:x:1000:1000::/home/ada:/bin/sh\n";
        let say = |own, login| words("command line", (own, login), accounts);
        assert_eq!(say(Some(1000), None), "command line, ada (1000)");
        assert_eq!(say(Some(1000), Some(1000)), "command line, ada (1000)");
        assert_eq!(
            say(Some(0), Some(1000)),
            "command line, root (0), logged in as ada (1000)"
        );
        assert_eq!(say(Some(7), None), "command line, account 7");
        assert_eq!(say(None, None), "command line");
    }
}
