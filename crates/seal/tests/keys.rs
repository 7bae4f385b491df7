//! Rotation, rewrapping, shredding, search parts and documents.

mod common;

use aceso_base::{Role, Version};
use aceso_phi::{IndexToken, Phi, Sealed};
use aceso_seal::{
    IndexDigest, KeyError, OpenError, Place, ProviderError, RecordToSeal, SealError, SubjectKey, SystemRandomness,
    TenantKeys, WrappedTenantKey, check_search, document_key_version, header, open_document, open_record, open_search,
    reseal_record, reseal_search, seal_document, seal_record, seal_search, search_header,
};
use common::{CarelessProvider, Door, NOW, OTHER_PATIENT, PARTS, PATIENT, STRUCTURE, Tenant, id, rtype, subject_id};

fn reopen(tenant: &Tenant, rows: &[WrappedTenantKey]) -> Result<TenantKeys, KeyError> {
    TenantKeys::open(&CarelessProvider, &tenant.region, &tenant.tenant, rows, &tenant.root)
}

#[test]
fn after_a_rotation_old_records_open_and_new_ones_use_the_new_key() {
    let (mut door, tenant, id) = (Door::new(), Tenant::new("us", "acme"), id("obs-1"));
    let (wrapped, subject) = tenant.subject(PATIENT, 1);
    let place = tenant.place(&id);
    let record = RecordToSeal { structure: STRUCTURE, parts: PARTS };
    let old = seal_record(&tenant.keys, &subject, &place, &record, &SystemRandomness).unwrap();
    let (row, rotated) = tenant.keys.add_version(&CarelessProvider, &SystemRandomness).unwrap();
    assert_eq!((row.version, rotated.primary(), tenant.keys.primary()), (2, 2, 1));
    assert_eq!(rotated.versions().collect::<Vec<_>>(), [1, 2]);
    let new = seal_record(&rotated, &subject, &place, &record, &SystemRandomness).unwrap();
    assert_eq!((header(&old).unwrap().tenant_key_version, header(&new).unwrap().tenant_key_version), (1, 2));

    let reopened = reopen(&tenant, &[row.clone(), tenant.row.clone()]).unwrap();
    assert_eq!(reopened.primary(), 2);
    let (grant, receipt) = door.anyone(Role::Physician, &place);
    let open = |keys: &TenantKeys, subject: &SubjectKey, sealed: &Sealed| {
        open_record(keys, Some(subject), &grant, &receipt, &place, sealed, NOW).map(|_| ())
    };
    for sealed in [&old, &new] {
        open(&reopened, &subject, sealed).unwrap();
    }
    assert_eq!(open(&tenant.keys, &subject, &new), Err(OpenError::Unreadable));

    let rewrapped = reopened.rewrap_subject(subject_id(PATIENT), 1, &wrapped).unwrap();
    assert_eq!((wrapped.tenant_key_version, rewrapped.tenant_key_version), (1, 2));
    let without_old = reopen(&tenant, &[row]).unwrap();
    assert_eq!(without_old.open_subject(subject_id(PATIENT), 1, &wrapped).err(), Some(KeyError::UnknownVersion(1)));
    let again = without_old.open_subject(subject_id(PATIENT), 1, &rewrapped).unwrap();
    open(&without_old, &again, &new).unwrap();
    assert_eq!(open(&without_old, &again, &old), Err(OpenError::Unreadable));
}

#[test]
fn a_tenant_does_not_open_from_rows_that_are_not_its_own() {
    let tenant = Tenant::new("us", "acme");
    let others = [Tenant::new("us", "rival"), Tenant::new("ksa", "acme")];
    for other in &others {
        assert_eq!(
            reopen(other, std::slice::from_ref(&tenant.row)).err(),
            Some(KeyError::Provider(ProviderError::Refused))
        );
        let mixed = TenantKeys::open(
            &CarelessProvider,
            &tenant.region,
            &tenant.tenant,
            std::slice::from_ref(&tenant.row),
            &other.root,
        );
        assert_eq!(mixed.err(), Some(KeyError::Provider(ProviderError::Refused)));
    }
    let renumbered = WrappedTenantKey { version: 2, ..tenant.row.clone() };
    assert_eq!(reopen(&tenant, &[renumbered]).err(), Some(KeyError::Provider(ProviderError::Refused)));
    assert_eq!(reopen(&tenant, &[]).err(), Some(KeyError::Versions));
    assert_eq!(reopen(&tenant, &[tenant.row.clone(), tenant.row.clone()]).err(), Some(KeyError::Versions));
}

#[test]
fn a_wrapped_subject_key_is_that_subjects_in_that_version_and_unchanged() {
    let tenant = Tenant::new("us", "acme");
    let (wrapped, _) = tenant.subject(PATIENT, 1);
    let open =
        |patient, version, wrapped: &_| tenant.keys.open_subject(subject_id(patient), version, wrapped).map(|_| ());
    assert_eq!(open(PATIENT, 1, &wrapped), Ok(()));
    assert_eq!(open(OTHER_PATIENT, 1, &wrapped), Err(KeyError::Refused));
    assert_eq!(open(PATIENT, 2, &wrapped), Err(KeyError::Refused));
    for at in 0..wrapped.bytes.len() {
        let mut changed = wrapped.clone();
        changed.bytes[at] ^= 1;
        assert_eq!(open(PATIENT, 1, &changed), Err(KeyError::Refused), "byte {at}");
        changed.bytes.truncate(at);
        assert_eq!(open(PATIENT, 1, &changed), Err(KeyError::Refused), "cut at {at}");
    }
}

#[test]
fn without_the_wrapped_subject_key_nothing_but_the_structure_can_be_read() {
    let (mut door, tenant, id) = (Door::new(), Tenant::new("us", "acme"), id("obs-1"));
    let place = tenant.place(&id);
    let sealed = {
        let (_shredded, subject) = tenant.subject(PATIENT, 1);
        let record = RecordToSeal { structure: STRUCTURE, parts: PARTS };
        seal_record(&tenant.keys, &subject, &place, &record, &SystemRandomness).unwrap()
    };
    let (_, made_anew) = tenant.subject(PATIENT, 1);
    let (grant, receipt) = door.anyone(Role::Physician, &place);
    let refused =
        |subject: Option<&SubjectKey>| open_record(&tenant.keys, subject, &grant, &receipt, &place, &sealed, NOW).err();
    assert_eq!(refused(Some(&made_anew)), Some(OpenError::Unreadable));
    assert_eq!(refused(None), Some(OpenError::KeyNeeded));
    let (grant, receipt) = door.anyone(Role::Auditor, &place);
    assert!(open_record(&tenant.keys, None, &grant, &receipt, &place, &sealed, NOW).is_ok());
}

#[test]
fn a_search_part_opens_in_its_place_alone_and_leaves_nothing_when_it_does_not() {
    let (mut door, tenant, first, second) = (Door::new(), Tenant::new("us", "acme"), id("obs-1"), id("obs-2"));
    let (_, subject) = tenant.subject(PATIENT, 4);
    let (_, other_key) = tenant.subject(PATIENT, 4);
    let place = tenant.place(&first);
    let sealed = seal_search(&subject, &place, b"code=8480-6", index(&["a"])).unwrap();
    let header = search_header(&sealed).unwrap();
    assert_eq!((header.subject_key_version, header.index), (4, Some(index(&["a"]))));
    let mut out = Phi::new(b"what was there before".to_vec());
    let mut open = |subject: &SubjectKey, place: &Place<'_>, sealed: &Sealed| {
        let (grant, receipt) = door.anyone(Role::Physician, place);
        open_search(subject, &grant, &receipt, place, sealed.as_bytes(), NOW, &mut out)
            .map(|()| out.expose().clone())
            .inspect_err(|_| {
                assert!(out.expose().is_empty());
            })
    };
    assert_eq!(open(&subject, &place, &sealed).unwrap(), b"code=8480-6");
    let (ksa, rival) = (Tenant::new("ksa", "acme"), Tenant::new("us", "rival"));
    for wrong in [
        Place { region: &ksa.region, ..place },
        Place { tenant: &rival.tenant, ..place },
        Place { subject: subject_id(OTHER_PATIENT), ..place },
        Place { rtype: rtype("Condition"), ..place },
        Place { id: &second, ..place },
        Place { version: Version(2), ..place },
    ] {
        assert_eq!(open(&subject, &wrong, &sealed), Err(OpenError::Unreadable), "{wrong:?}");
    }
    assert_eq!(open(&other_key, &place, &sealed), Err(OpenError::Unreadable));
    for at in 0..sealed.as_bytes().len() {
        let mut changed = sealed.as_bytes().to_vec();
        changed[at] ^= 0x80;
        assert_eq!(
            open(&subject, &place, &Sealed::from_store(changed.clone())),
            Err(OpenError::Unreadable),
            "byte {at}"
        );
        changed.truncate(at);
        assert_eq!(open(&subject, &place, &Sealed::from_store(changed)), Err(OpenError::Unreadable), "cut at {at}");
    }
    let other = Place { subject: subject_id(OTHER_PATIENT), ..place };
    assert_eq!(seal_search(&subject, &other, b"", index(&[])).err(), Some(SealError::OtherKeys));
}

fn index(tokens: &[&str]) -> IndexDigest {
    let tokens: Vec<_> = tokens.iter().map(|token| IndexToken::from_store(token.as_bytes().to_vec())).collect();
    IndexDigest::of(subject_id(PATIENT), &tokens, &[])
}

#[test]
fn a_search_part_says_which_index_rows_are_its_own() {
    let (tenant, id) = (Tenant::new("us", "acme"), id("obs-1"));
    let (_, subject) = tenant.subject(PATIENT, 1);
    let (_, other_key) = tenant.subject(PATIENT, 1);
    let place = tenant.place(&id);
    let sealed = seal_search(&subject, &place, b"values", index(&["b", "a", "b"])).unwrap();
    assert_eq!(check_search(&subject, &place, sealed.as_bytes()), Ok(Some(index(&["a", "b"]))));
    assert_eq!(check_search(&other_key, &place, sealed.as_bytes()), Err(OpenError::Unreadable));
    let home = subject_id(PATIENT);
    let token = |text: &str| IndexToken::from_store(text.as_bytes().to_vec());
    let all = [
        IndexDigest::of(home, &[], &[]),
        IndexDigest::of(home, &[token("ab")], &[]),
        IndexDigest::of(home, &[token("a"), token("b")], &[]),
        IndexDigest::of(home, &[token("a")], &[subject_id(OTHER_PATIENT)]),
        IndexDigest::of(home, &[], &[subject_id(OTHER_PATIENT)]),
    ];
    for (at, one) in all.iter().enumerate() {
        assert!(all.iter().skip(at + 1).all(|other| other != one), "{at}");
    }
    assert_eq!(IndexDigest::of(home, &[], &[home]), all[0], "the home compartment is no link");
    let anew = reseal_search(&subject, &place, sealed.as_bytes(), all[1]).unwrap();
    assert_eq!(check_search(&subject, &place, anew.as_bytes()), Ok(Some(all[1])));
    assert!(reseal_search(&other_key, &place, sealed.as_bytes(), all[1]).is_err());
    // The commitment cannot be left out by calling it the old format.
    let mut old = sealed.as_bytes()[..6].to_vec();
    old[0] = 1;
    old.extend_from_slice(&sealed.as_bytes()[6 + 32 + 16..]);
    assert_eq!(check_search(&subject, &place, &old), Err(OpenError::Unreadable));
}

#[test]
fn search_parts_and_documents_name_the_key_that_they_are_under() {
    let (tenant, id) = (Tenant::new("us", "acme"), id("obs-1"));
    let place = tenant.place(&id);
    let (_, one) = tenant.subject(PATIENT, 1);
    let (_, two) = tenant.subject(PATIENT, 1);
    let commitment = |key: &SubjectKey| seal_search(key, &place, b"x", index(&[])).unwrap().as_bytes()[6..38].to_vec();
    assert_eq!(commitment(&one), commitment(&one));
    assert_ne!(commitment(&one), commitment(&two));
    // Authentic in all but the commitment: of another key, it does not open.
    let sealed = seal_search(&one, &place, b"x", index(&[])).unwrap();
    let mut changed = sealed.as_bytes().to_vec();
    changed[6..38].copy_from_slice(&commitment(&two));
    assert_eq!(check_search(&one, &place, &changed), Err(OpenError::Unreadable));
    let document = seal_document(&tenant.keys, "a", "b", b"x").unwrap();
    let other = seal_document(&Tenant::new("us", "acme").keys, "a", "b", b"x").unwrap();
    let mut changed = document.as_bytes().to_vec();
    changed[6..38].copy_from_slice(&other.as_bytes()[6..38]);
    assert!(open_document(&tenant.keys, "a", "b", &document).is_ok());
    assert!(open_document(&tenant.keys, "a", "b", &Sealed::from_store(changed)).is_err());
}

#[test]
fn a_search_part_needs_grant_and_receipt_like_any_other() {
    let (mut door, tenant, id) = (Door::new(), Tenant::new("us", "acme"), id("obs-1"));
    let (_, subject) = tenant.subject(PATIENT, 1);
    let place = tenant.place(&id);
    let sealed = seal_search(&subject, &place, b"values", index(&[])).unwrap();
    let (grant, receipt) = door.anyone(Role::Physician, &place);
    let (other_grant, _) = door.anyone(Role::Physician, &place);
    let mut out = Phi::new(Vec::new());
    let mut open = |grant: &_, place: &Place<'_>, now| {
        open_search(&subject, grant, &receipt, place, sealed.as_bytes(), now, &mut out)
    };
    assert_eq!(open(&grant, &place, NOW), Ok(()));
    assert_eq!(open(&other_grant, &place, NOW), Err(OpenError::NoReceipt));
    assert_eq!(open(&grant, &place, grant.expires()), Err(OpenError::NotGranted));
    let rival = Tenant::new("us", "rival");
    assert_eq!(open(&grant, &Place { tenant: &rival.tenant, ..place }, NOW), Err(OpenError::NotGranted));
}

#[test]
fn a_document_is_bound_to_tenant_namespace_and_key_and_survives_a_rotation() {
    let tenant = Tenant::new("us", "acme");
    let sealed = seal_document(&tenant.keys, "signing-key", "1", b"private key").unwrap();
    let (row, rotated) = tenant.keys.add_version(&CarelessProvider, &SystemRandomness).unwrap();
    for keys in [&tenant.keys, &rotated] {
        assert_eq!(open_document(keys, "signing-key", "1", &sealed).unwrap().as_slice(), b"private key");
        assert!(open_document(keys, "signing-key", "2", &sealed).is_err());
        assert!(open_document(keys, "token", "1", &sealed).is_err());
        assert!(open_document(keys, "signing-key1", "", &sealed).is_err());
    }
    let new = seal_document(&rotated, "signing-key", "1", b"private key").unwrap();
    assert_eq!((document_key_version(&sealed), document_key_version(&new)), (Ok(1), Ok(2)));
    assert!(open_document(&reopen(&tenant, &[row]).unwrap(), "signing-key", "1", &sealed).is_err());
    assert!(open_document(&Tenant::new("us", "acme").keys, "signing-key", "1", &sealed).is_err());
    for at in 0..sealed.as_bytes().len() {
        let mut changed = sealed.as_bytes().to_vec();
        changed[at] ^= 1;
        assert!(open_document(&rotated, "signing-key", "1", &Sealed::from_store(changed.clone())).is_err());
        changed.truncate(at);
        assert!(open_document(&rotated, "signing-key", "1", &Sealed::from_store(changed)).is_err());
    }
}

#[test]
fn keys_can_be_shared_between_threads_and_their_debug_text_shows_no_bytes() {
    fn shared<T: Send + Sync>(_: &T) {}
    let tenant = Tenant::new("us", "acme");
    let (_, subject) = tenant.subject(PATIENT, 1);
    shared(&tenant.keys);
    shared(&subject);
    assert_eq!(format!("{:?}", tenant.keys), "TenantKeys(us/acme, version 1)");
    assert_eq!(format!("{subject:?}"), format!("SubjectKey({PATIENT}, version 1)"));
}

#[test]
fn a_resealed_record_is_under_the_primary_key_and_only_what_opens_is_resealed() {
    let (mut door, tenant, id) = (Door::new(), Tenant::new("us", "acme"), id("obs-1"));
    let (_, subject) = tenant.subject(PATIENT, 1);
    let place = tenant.place(&id);
    let record = RecordToSeal { structure: STRUCTURE, parts: PARTS };
    let old = seal_record(&tenant.keys, &subject, &place, &record, &SystemRandomness).unwrap();
    let (row, rotated) = tenant.keys.add_version(&CarelessProvider, &SystemRandomness).unwrap();
    let new = reseal_record(&rotated, &subject, &place, &old, &SystemRandomness).unwrap();
    assert_eq!(header(&new).unwrap().tenant_key_version, 2);
    let (grant, receipt) = door.anyone(Role::Physician, &place);
    let without_old = reopen(&tenant, &[row]).unwrap();
    let opened = open_record(&without_old, Some(&subject), &grant, &receipt, &place, &new, NOW).unwrap();
    assert_eq!((opened.expose().structure, opened.expose().parts[3]), (STRUCTURE, Some(PARTS[3])));
    let elsewhere = Place { version: Version(9), ..place };
    assert_eq!(reseal_record(&rotated, &subject, &elsewhere, &old, &SystemRandomness).err(), Some(SealError::Format));
}
