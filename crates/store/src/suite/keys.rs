//! Wrapped keys, the crypto-shred, and sealing again.

use super::Fixture;
use super::kit::{Sample, commit, done, entry, key, put, refused, scanned, subject, tenant, token};
use crate::{KeyUse, KeyWrite, Precondition, Reader, SubjectKeyRow, TenantKeyRow, Unit};
use aceso_base::{Timestamp, Version};
use aceso_phi::Sealed;

fn unit(keys: Vec<KeyWrite>) -> Unit {
    Unit { keys, entries: vec![entry()], ..Unit::default() }
}

fn tenant_key(version: u32) -> TenantKeyRow {
    TenantKeyRow { version, wrapped: vec![version.to_be_bytes()[3]; 60], created: Timestamp(5), retired: None }
}

fn subject_key(version: u32, tenant_key_version: u32) -> SubjectKeyRow {
    SubjectKeyRow { version, tenant_key_version, wrapped: vec![0xab; 60] }
}

fn add_tenant_key(version: u32) -> KeyWrite {
    KeyWrite::AddTenantKey { tenant: tenant("clinic"), row: tenant_key(version) }
}

fn add_subject_key(number: u8, version: u32, under: u32) -> KeyWrite {
    KeyWrite::AddSubjectKey { tenant: tenant("clinic"), subject: subject(number), row: subject_key(version, under) }
}

fn shred(number: u8) -> KeyWrite {
    KeyWrite::ShredSubject { tenant: tenant("clinic"), subject: subject(number), at: Timestamp(9) }
}

/// A version is never used twice, and never destroyed while a row names it.
pub fn tenant_keys_come_retire_and_are_destroyed_only_unused<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let clinic = tenant("clinic");
    assert_eq!(store.tenant_keys(&clinic).unwrap(), []);
    done(&store, unit(vec![add_tenant_key(1), add_tenant_key(2), add_subject_key(1, 1, 1)]));
    assert_eq!(store.tenant_keys(&clinic).unwrap(), [tenant_key(1), tenant_key(2)]);
    assert_eq!(refused(&store, unit(vec![add_tenant_key(2)])), 0);
    let retire = KeyWrite::RetireTenantKey { tenant: clinic.clone(), version: 1, at: Timestamp(7) };
    done(&store, unit(vec![retire]));
    let destroy = |version| KeyWrite::DestroyTenantKey { tenant: clinic.clone(), version };
    assert_eq!(refused(&store, unit(vec![destroy(1)])), 0);
    let rewrap =
        KeyWrite::RewrapSubjectKey { tenant: clinic.clone(), subject: subject(1), from: 1, row: subject_key(1, 2) };
    done(&store, unit(vec![rewrap]));
    done(&store, unit(vec![destroy(1)]));
    let destroyed = TenantKeyRow { wrapped: Vec::new(), retired: Some(Timestamp(7)), ..tenant_key(1) };
    assert_eq!(store.tenant_keys(&clinic).unwrap(), [destroyed, tenant_key(2)]);
    assert_eq!(refused(&store, unit(vec![add_tenant_key(1)])), 0);
    let rewrap = KeyWrite::RewrapTenantKey { tenant: clinic.clone(), version: 2, wrapped: vec![1, 2, 3] };
    done(&store, unit(vec![rewrap]));
    assert_eq!(store.tenant_keys(&clinic).unwrap()[1].wrapped, [1, 2, 3]);
    assert_eq!(refused(&store, unit(vec![destroy(3)])), 0);
}

/// A second rewrap of the same row, planned on what the first replaced, is refused.
pub fn subject_keys_are_rewrapped_only_from_the_version_that_was_read<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let clinic = tenant("clinic");
    done(&store, unit(vec![add_subject_key(1, 1, 1), add_subject_key(2, 1, 1), add_subject_key(1, 2, 2)]));
    assert_eq!(store.subjects_wrapped_by(&clinic, 2, None, 9).unwrap(), [subject(1), subject(2)]);
    assert_eq!(store.subjects_wrapped_by(&clinic, 2, Some(subject(1)), 9).unwrap(), [subject(2)]);
    assert_eq!(store.subjects_wrapped_by(&clinic, 2, None, 1).unwrap(), [subject(1)]);
    let rewrap = || KeyWrite::RewrapSubjectKey {
        tenant: clinic.clone(),
        subject: subject(1),
        from: 1,
        row: SubjectKeyRow { wrapped: vec![0xcd; 60], ..subject_key(1, 2) },
    };
    done(&store, unit(vec![rewrap()]));
    assert_eq!(refused(&store, unit(vec![rewrap()])), 0);
    let rows = store.subject_keys(&clinic, subject(1)).unwrap();
    assert_eq!(rows, [SubjectKeyRow { wrapped: vec![0xcd; 60], ..subject_key(1, 2) }, subject_key(2, 2)]);
    assert_eq!(store.subjects_wrapped_by(&clinic, 2, None, 9).unwrap(), [subject(2)]);
    assert_eq!(refused(&store, unit(vec![add_subject_key(2, 1, 2)])), 0);
}

/// Current rows, past rows and subject keys count; deletions do not.
pub fn usage_names_every_version_that_a_row_names<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let name = key("Observation", "o");
    done(&store, unit(vec![add_subject_key(1, 1, 1), add_subject_key(2, 1, 3)]));
    done(&store, put(&name, 1).under(1).unit());
    done(&store, put(&name, 2).under(2).unit());
    done(&store, put(&name, 3).under(1).deleted().unit());
    done(&store, put(&name, 4).under(3).unit());
    let used = |tenant_key_version, subject_keys, records| KeyUse { tenant_key_version, subject_keys, records };
    assert_eq!(store.key_usage(&tenant("clinic")).unwrap().versions, [used(1, 1, 1), used(2, 0, 1), used(3, 1, 1)]);
    assert_eq!(store.key_usage(&tenant("nobody")).unwrap().versions, []);
}

/// Nothing that could open or find the subject's records is left, and no key comes again; other subjects are untouched.
pub fn a_shredded_subject_has_no_key_no_search_part_and_no_token<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let clinic = tenant("clinic");
    let (gone, kept) = (key("Patient", "gone"), key("Patient", "kept"));
    let mut first = put(&gone, 1).of(1).with_tokens(&["t"]).with_links(&[3]).unit();
    first.keys = vec![add_subject_key(1, 1, 1), add_subject_key(2, 1, 1)];
    done(&store, first);
    done(&store, put(&kept, 1).of(2).with_tokens(&["t"]).unit());
    done(&store, unit(vec![shred(1)]));
    assert!(store.shredded(&clinic, subject(1)).unwrap());
    assert!(!store.shredded(&clinic, subject(2)).unwrap());
    assert_eq!(store.subject_keys(&clinic, subject(1)).unwrap(), []);
    assert_eq!(store.subject_keys(&clinic, subject(2)).unwrap().len(), 1);
    assert_eq!(scanned(&store, 1, &[]), []);
    assert_eq!(scanned(&store, 3, &[]), []);
    let found = store.by_tokens(&clinic, gone.rtype, &[token("t")], 9).unwrap().found;
    assert_eq!(found.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["kept"]);
    assert_eq!(store.current(&gone).unwrap(), Some(put(&gone, 1).row));
    let guarded = |keys| Unit {
        preconditions: vec![Precondition::SubjectNotShredded { tenant: clinic.clone(), subject: subject(1) }],
        ..unit(keys)
    };
    assert_eq!(refused(&store, guarded(Vec::new())), 0);
    assert_eq!(refused(&store, unit(vec![add_subject_key(1, 2, 1)])), 0);
    assert_eq!(refused(&store, unit(vec![shred(1)])), 0);
    assert_eq!(refused(&store, unit(vec![shred(2), add_subject_key(2, 2, 1)])), 1);
    done(&store, put(&gone, 2).of(1).deleted().unit());
}

/// Only bytes and key versions of the row change.
pub fn resealing_keeps_version_history_and_events<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let name = key("Observation", "o");
    done(&store, put(&name, 1).under(1).with_tokens(&["t"]).with_links(&[2]).unit());
    let events = store.changes(0, 9).unwrap();
    let again = put(&name, 1).under(2).resealed();
    done(&store, again.clone().unit());
    assert_eq!(store.history(&name, None, 9).unwrap(), [again.row]);
    assert_eq!(store.changes(0, 9).unwrap(), events);
    assert_eq!(scanned(&store, 2, &[]).len(), 1);
    assert_eq!(store.by_tokens(&tenant("clinic"), name.rtype, &[token("t")], 9).unwrap().found.len(), 1);
    let mut with_index = put(&name, 1).under(2).with_tokens(&["new"]).resealed();
    with_index.search = Some(Sealed::from_store(b"other search part".to_vec()));
    done(&store, with_index.unit());
    assert_eq!(store.by_tokens(&tenant("clinic"), name.rtype, &[token("t")], 9).unwrap().found, []);
    assert_eq!(store.by_tokens(&tenant("clinic"), name.rtype, &[token("new")], 9).unwrap().found.len(), 1);
    assert_eq!(scanned(&store, 2, &[]), []);
    assert_eq!(refused(&store, put(&name, 2).resealed().unit()), 0);
    assert_eq!(refused(&store, put(&key("Observation", "none"), 1).resealed().unit()), 0);
    done(&store, put(&name, 2).deleted().unit());
    assert_eq!(refused(&store, put(&name, 2).resealed().unit()), 0);
}

/// The walk over rows under old keys ends when all of them were sealed again.
pub fn resealing_reaches_past_versions<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let clinic = tenant("clinic");
    let name = key("Observation", "o");
    for version in 1..=3 {
        done(&store, put(&name, version).under(1).unit());
    }
    done(&store, put(&name, 4).under(1).deleted().unit());
    done(&store, put(&key("Observation", "p"), 1).under(1).unit());
    done(&store, put(&key("Observation", "q"), 1).under(2).unit());
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store.records_sealed_under(&clinic, 2, after, 2).unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.cursor);
        seen.extend(page.into_iter().map(|row| (row.key, row.version)));
    }
    assert_eq!(seen.len(), 4);
    let puts = seen.iter().map(|(key, version)| put(key, version.0).under(2).resealed()).collect();
    done(&store, Unit { puts, ..Unit::default() });
    assert_eq!(store.records_sealed_under(&clinic, 2, None, 9).unwrap(), []);
    let expected = put(&name, 2).under(2).resealed().row;
    assert_eq!(store.version(&name, Version(2)).unwrap(), Some(expected));
    assert_eq!(store.history(&name, None, 9).unwrap().len(), 4);
}

/// Two that create the root at once do not both believe it is theirs.
pub fn the_index_root_is_replaced_only_by_who_has_seen_it<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let clinic = tenant("clinic");
    let set = |replaces: Option<&[u8]>, wrapped: &[u8]| KeyWrite::SetIndexRoot {
        tenant: clinic.clone(),
        replaces: replaces.map(<[u8]>::to_vec),
        wrapped: wrapped.to_vec(),
    };
    assert_eq!(store.index_root(&clinic).unwrap(), None);
    assert_eq!(refused(&store, unit(vec![set(Some(b"x"), b"a")])), 0);
    done(&store, unit(vec![set(None, b"a")]));
    assert_eq!(refused(&store, unit(vec![set(None, b"b")])), 0);
    assert_eq!(store.index_root(&clinic).unwrap().as_deref(), Some(&b"a"[..]));
    commit(&store, unit(vec![set(Some(b"a"), b"c")])).unwrap();
    assert_eq!(store.index_root(&clinic).unwrap().as_deref(), Some(&b"c"[..]));
}

/// A sweep that was overtaken by another does not undo it.
pub fn nothing_is_sealed_back_under_an_older_tenant_key<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    let name = key("Observation", "o");
    done(&store, put(&name, 1).under(2).unit());
    done(&store, put(&name, 2).under(3).unit());
    assert_eq!(refused(&store, put(&name, 2).under(2).resealed().unit()), 0);
    assert_eq!(refused(&store, put(&name, 1).under(1).resealed().unit()), 0);
    done(&store, put(&name, 2).under(3).resealed().unit());
    done(&store, put(&name, 1).under(3).resealed().unit());
}

/// By name, each once: a tenant that no configuration names any more still has keys.
pub fn every_tenant_with_rows_is_named<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open();
    assert_eq!(store.tenants().unwrap(), []);
    let other = KeyWrite::AddTenantKey { tenant: tenant("branch"), row: tenant_key(1) };
    done(&store, unit(vec![add_tenant_key(1), other]));
    done(&store, unit(vec![add_tenant_key(2)]));
    assert_eq!(store.tenants().unwrap(), [tenant("branch"), tenant("clinic")]);
}
