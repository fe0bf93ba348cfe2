//! The Python that the second opinions run on.

use std::process::Command;

use crate::missing::not_done;

/// The first Python that has the modules: Debian's packages go to `/usr/bin/python3`, which another one may hide.
/// Says loudly if none has them.
pub(crate) fn with(modules: &[&str]) -> Option<&'static str> {
    let import = format!("import {}", modules.join(", "));
    let able = |python: &&str| {
        let probe = Command::new(python).args(["-c", &import]).output();
        probe.is_ok_and(|probe| probe.status.success())
    };
    let found = ["/usr/bin/python3", "python3"].into_iter().find(able);
    if found.is_none() {
        let packages: Vec<String> = modules.iter().map(|name| format!("python3-{name}")).collect();
        not_done(&format!(
            "a second opinion, as no Python has {} (apt-get install {})",
            modules.join(" and "),
            packages.join(" ")
        ));
    }
    found
}
