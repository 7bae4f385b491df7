//! The permission matrix, asked from the rules.

use crate::engine::AdminAction;
use crate::rules::{Kind, Question, Rules, Verdict, is_write};
use aceso_base::{Interaction, Purpose, Role, RoleSet};
use aceso_labels::ClassSet;
use std::fmt::Write as _;

/// One block per role and purpose, one line per group of interactions with the same answer.
///
/// What stands in no line is denied. `own` lines hold for the caller's own record only.
pub(crate) fn render(rules: &Rules) -> String {
    let mut text = String::from(
        "# Permission matrix, generated from the policies. What is not listed is denied.\n\
         # role purpose | interactions | kind of data [of which types] | data classes\n",
    );
    for role in Role::ALL {
        let roles = RoleSet::NONE.with(*role);
        for purpose in Purpose::ALL.iter().filter(|purpose| rules.may_use(roles, **purpose)) {
            let default = if rules.default_purpose(roles) == Some(*purpose) { " (default)" } else { "" };
            // Writing to a String cannot fail.
            let _ = write!(text, "\n{role} {purpose}{default}\n");
            for kind in [Kind::PatientData, Kind::Directory] {
                block(rules, roles, *purpose, kind, &mut text);
            }
            let admin: Vec<_> = AdminAction::ALL
                .iter()
                .map(|action| action.as_str())
                .filter(|action| rules.admin(roles, *purpose, action))
                .collect();
            if !admin.is_empty() {
                let _ = writeln!(text, "  {} | installation", admin.join(" "));
            }
        }
    }
    text
}

struct Line {
    interactions: Vec<Interaction>,
    types: String,
    verdict: Verdict,
}

fn block(rules: &Rules, roles: RoleSet, purpose: Purpose, kind: Kind, text: &mut String) {
    let mut lines: Vec<Line> = Vec::new();
    for interaction in Interaction::ALL {
        for (types, verdict) in answers(rules, roles, purpose, *interaction, kind) {
            match lines.iter_mut().find(|line| line.types == types && line.verdict == verdict) {
                Some(line) => line.interactions.push(*interaction),
                None => lines.push(Line { interactions: vec![*interaction], types, verdict }),
            }
        }
    }
    for line in lines {
        let names: Vec<_> = line.interactions.iter().map(|interaction| interaction.as_str()).collect();
        let mut put = |whose: &str, classes: ClassSet| {
            if !classes.is_empty() {
                let classes: Vec<_> = classes.iter().map(|class| class.as_str()).collect();
                let (kind, types, names) = (kind.as_str(), &line.types, names.join(" "));
                let _ = writeln!(text, "  {names} | {whose}{kind}{types} | {}", classes.join(" "));
            }
        };
        put("", line.verdict.any);
        if line.verdict.own != line.verdict.any {
            put("own ", line.verdict.own);
        }
    }
}

/// The verdicts of one interaction; for a write one per group of types that get the same.
fn answers(
    rules: &Rules,
    roles: RoleSet,
    purpose: Purpose,
    interaction: Interaction,
    kind: Kind,
) -> Vec<(String, Verdict)> {
    let ask = |rtype| rules.evaluate(Question { roles, purpose, interaction, kind, rtype });
    if !is_write(interaction) {
        return vec![(String::new(), ask(None))];
    }
    let mut groups: Vec<(Verdict, Vec<&'static str>)> = Vec::new();
    for rtype in rules.telling_types() {
        let verdict = ask(Some(rtype));
        let name = if rules.names_type(rtype) { rtype.name() } else { "every other type" };
        match groups.iter_mut().find(|(known, _)| *known == verdict) {
            Some((_, names)) => names.push(name),
            None => groups.push((verdict, vec![name])),
        }
    }
    let only = groups.len() == 1;
    groups
        .into_iter()
        .map(|(verdict, names)| (if only { String::new() } else { format!(" [{}]", names.join(", ")) }, verdict))
        .collect()
}
