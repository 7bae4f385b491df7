//! The log on pages: who sees which entries, proofs that hold, and the export.

use super::support::{House, PATIENT};
use aceso_audit::{Checkpoint, VerifyingKey, leaf_hash, node_hash, verify_consistency, verify_inclusion};
use data_encoding::{BASE64, HEXLOWER};
use serde_json::Value;

fn hash(text: &Value) -> [u8; 32] {
    HEXLOWER.decode(text.as_str().unwrap().as_bytes()).unwrap().try_into().unwrap()
}

fn hashes(list: &Value) -> Vec<[u8; 32]> {
    list.as_array().unwrap().iter().map(hash).collect()
}

#[tokio::test]
async fn an_auditor_finds_who_saw_a_patient_what_somebody_did_and_what_was_denied() {
    let house = House::open().await;
    let path = format!("/console/patients/{PATIENT}");
    house.signed_in("nurse").await.submit(&path, "class=identity").await.expect(200);
    house.signed_in("operator").await.get(&path).await.expect(403);
    let auditor = house.signed_in("auditor").await;
    let seen = auditor.get(&format!("/console/audit?patient={PATIENT}")).await.expect(200);
    seen.shows(&["nurse", "Who saw this patient", "identity"], "by patient");
    let denied = auditor.get("/console/audit?denied").await.expect(200);
    denied.shows(&["operator", "interaction"], "denials");
    denied.hides(&["front-desk"], "denials");
    let nurse = house.log_since(0).into_iter().find_map(|logged| {
        let entry = logged.entry;
        entry.roles().iter().any(|role| role.as_str() == "nurse").then(|| entry.user().unwrap().as_str().to_owned())
    });
    let nurse = nurse.unwrap();
    let done = auditor.get(&format!("/console/audit?actor={nurse}")).await.expect(200);
    assert!(!done.text.contains(">operator "), "only the nurse's");
    done.shows(&["nurse"], "by actor");
    for wrong in ["patient=x", "actor=a/b", "patient=x&actor=y", "other=1"] {
        auditor.get(&format!("/console/audit?{wrong}")).await.expect(400);
    }
}

#[tokio::test]
async fn the_page_shows_the_entries_that_it_has_written_itself() {
    let house = House::open().await;
    let browser = house.signed_in("nurse").await;
    let page = browser.submit(&format!("/console/patients/{PATIENT}"), "class=clinical").await.expect(200);
    assert!(page.text.matches("class=\"mine\"").count() >= 4, "{}", page.text);
    page.hides(&["physician"], "others' doings on a nurse's page");
    let index = page.header("x-audit-receipt").split('/').next().unwrap().to_owned();
    page.shows(&[&format!("#{index}")], "its receipt");
}

#[tokio::test]
async fn a_proof_of_ones_own_entry_holds_against_the_signed_head_and_others_entries_are_not_given() {
    let house = House::open().await;
    let browser = house.signed_in("nurse").await;
    let page = browser.get("/console/proof").await.expect(200);
    let at = page.text.find("data-key=\"").unwrap() + 10;
    let key = VerifyingKey::parse(page.text[at..].split('"').next().unwrap()).unwrap();
    let at = page.text.find("id=\"verify-index\"").unwrap();
    let index: u64 = page.text[at..].split("value=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
    let older = 3;
    let proof = browser.get(&format!("/console/audit/entry/{index}?older={older}")).await.expect(200);
    let proof: Value = serde_json::from_str(&proof.text).unwrap();
    let head = Checkpoint::open(proof["checkpoint"].as_str().unwrap().as_bytes(), &key).unwrap();
    let canonical = BASE64.decode(proof["canonical"].as_str().unwrap().as_bytes()).unwrap();
    let door = house.repository.door();
    assert_eq!(door.log_entries(index..index + 1).unwrap()[0].canonical, canonical);
    let log = door.store().log();
    let commitment = log.commitments(index..index + 1).unwrap()[0];
    verify_inclusion(&leaf_hash(&commitment), index, head.size, &hashes(&proof["inclusion"]), &head.root).unwrap();
    let first: Vec<[u8; 32]> = log.commitments(0..older).unwrap().iter().map(|leaf| leaf_hash(leaf)).collect();
    let root = node_hash(&node_hash(&first[0], &first[1]), &first[2]);
    verify_consistency(older, head.size, &hashes(&proof["consistency"]), &root, &head.root).unwrap();
    // The very first entries are the system's.
    browser.get("/console/audit/entry/0").await.expect(404);
    browser.get("/console/audit/entry/99999999").await.expect(404);
    browser.get("/console/audit/entry/x").await.expect(400);
    house.signed_in("auditor").await.get("/console/audit/entry/0").await.expect(200);
}

#[tokio::test]
async fn the_stream_begins_with_the_head_and_only_auditors_leave_an_entry_for_watching() {
    let house = House::open().await;
    for (role, entries) in [("nurse", 0), ("auditor", 1), ("operator", 1)] {
        let browser = house.signed_in(role).await;
        let before = house.log_size();
        let first = browser.get("/console/live").await.expect(200);
        assert!(first.text.starts_with("event: head"), "{role} {}", first.text);
        assert_eq!(house.log_size() - before, entries, "{role}");
    }
    house.stop.send_replace(true);
}

#[tokio::test]
async fn the_export_is_a_tar_of_a_log_that_verifies() {
    let house = House::open().await;
    let auditor = house.signed_in("auditor").await;
    let answer = auditor.get("/console/audit/export.tar").await.expect(200);
    assert_eq!(answer.header("content-type"), "application/x-tar");
    // All of an export is text but tiles, which come lossy here: names and the checkpoint are enough. `aceso audit verify` reads a
    // whole one in the browser's test.
    answer.shows(
        &["aceso-log/checkpoint", "aceso-log/key", "aceso-log/entries/000000.ndjson", "aceso-log/tile/0/000.p/"],
        "tar",
    );
}
