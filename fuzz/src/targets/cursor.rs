//! Page links: the text that a client sends back, and the question inside.

use super::clinic::{self, Clinic, assert_refused_well};
use crate::edits;
use aceso_base::{Caller, Role};
use aceso_custodian::Position;
use data_encoding::BASE64URL_NOPAD;

/// Before edits of the genuine cursor.
const EDITED: u8 = 0xfe;
/// Before a question, to be sealed as a genuine cursor: another version of this server may have asked it.
const QUESTION: u8 = 0xfd;

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = edits::seeds(EDITED);
    let questions = [
        r#"[["_count","1"],["_sort","-birthdate"]]"#,
        r#"[["name","Zyxelquist"],["birthdate","ge1900"],["_include","Patient:organization"]]"#,
        r#"[["_cursor","AAAA"]]"#,
        "{}",
    ];
    seeds.extend(questions.map(|question| [&[QUESTION], question.as_bytes()].concat()));
    seeds.push(b"AAAA".to_vec());
    seeds
}

/// Edits of a genuine cursor, a question under a genuine seal, or a cursor text as it is.
pub(super) fn target(bytes: &[u8]) {
    clinic::with("cursor", |clinic| {
        let who = clinic.caller(Role::Physician);
        let link = clinic.link(&who);
        match bytes {
            [EDITED, edits @ ..] => leads_on_only_unchanged(clinic, &who, link, &edits::apply(link.as_bytes(), edits)),
            [QUESTION, question @ ..] => asked(clinic, &who, link, question),
            text => leads_on_only_unchanged(clinic, &who, link, text),
        }
    });
}

fn leads_on_only_unchanged(clinic: &Clinic, who: &Caller, link: &str, text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let pairs = || vec![("_cursor".to_owned(), text.to_owned())];
    match clinic.search(who, "Patient", pairs()) {
        Ok(page) => {
            assert!(text == link, "a changed cursor leads on");
            assert!(page["entry"].as_array().is_some_and(|entries| entries.len() == 1), "the page is another");
        }
        Err(fault) => {
            assert!(text != link, "the genuine cursor does not lead on");
            assert!(fault.status == 400 && fault.issues[0].expression.as_deref() == Some("http._cursor"));
        }
    }
    let nurse = clinic.caller(Role::Nurse);
    let stranger = Caller { user: aceso_base::UserId::parse("another").unwrap(), ..nurse };
    assert!(clinic.search(&stranger, "Patient", pairs()).is_err(), "it leads on for another caller");
    assert!(clinic.search(who, "Practitioner", pairs()).is_err(), "it leads on for another type");
}

fn asked(clinic: &Clinic, who: &Caller, link: &str, question: &[u8]) {
    let door = clinic.app.door();
    let binding = format!("{}|{}|{}|Patient", who.tenant, who.user, who.purpose);
    let sealed = BASE64URL_NOPAD.decode(link.as_bytes()).unwrap();
    let (position, _): (Position, _) = door.open_position(sealed, &binding).expect("the binding is the repository's");
    let sealed = door.seal_position(&position, question, &binding).unwrap();
    let pairs = vec![("_cursor".to_owned(), BASE64URL_NOPAD.encode(&sealed))];
    if let Err(fault) = clinic.search(who, "Patient", pairs) {
        assert_refused_well(&fault);
    }
}
