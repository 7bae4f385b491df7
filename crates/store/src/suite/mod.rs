//! The tests that every store must pass. An adapter implements [`Fixture`] and calls [`crate::store_suite!`] in a test file.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

pub mod cache;
pub mod documents;
pub mod index;
pub mod keys;
mod kit;
pub mod log;
pub mod records;
pub mod units;

pub use kit::{Sample, block_on, entry, key, log_keys, origin, put, subject, tenant, verify_log};

use crate::Store;

/// A place for one store that only one test uses.
pub trait Fixture {
    /// The store under test.
    type Store: Store + 'static;

    /// A fresh place with nothing in it.
    fn new() -> Self;

    /// Opens the store, also again after it was dropped. The log has [`log_keys`] and [`origin`].
    fn open(&self) -> Self::Store;

    /// A planned fault: from now on nothing more goes onto the disk, or it does again.
    fn fill_disk(&self, store: &Self::Store, full: bool);

    /// Takes the token rows and link rows of a record away behind the store's back.
    fn lose_index_rows(&self, store: &Self::Store, key: &crate::RecordKey);
}

/// One test for each promise, for a type that implements [`Fixture`](crate::suite::Fixture).
#[macro_export]
macro_rules! store_suite {
    ($fixture:ty) => {
        $crate::store_suite!(@tests $fixture:
            records::a_new_record_is_current_and_its_own_history,
            records::an_update_keeps_what_it_replaced,
            records::history_is_newest_first_and_pages_without_gaps,
            records::a_deletion_is_a_version_and_the_record_can_come_back,
            records::several_records_are_read_in_the_order_asked,
            records::records_of_tenants_do_not_meet,
            records::live_records_are_found_by_the_time_of_their_change,
            records::everything_is_there_after_opening_again,
            records::versions_must_follow_each_other,
            index::a_compartment_is_scanned_in_order_and_by_type,
            index::a_scan_stops_when_told,
            index::every_change_of_a_compartment_is_counted_before_the_answer,
            index::every_token_that_is_given_changes_its_mark_before_the_answer,
            index::marks_of_two_openings_are_never_the_same,
            index::linked_records_come_with_their_own_subject,
            index::search_parts_of_given_records_stay_inside_the_compartment,
            index::tokens_lead_to_live_records_only,
            index::tokens_of_replaced_versions_are_gone,
            index::more_candidates_than_the_limit_are_told,
            index::a_record_that_changes_its_subject_moves_with_its_index,
            index::a_scan_of_a_type_crosses_subjects,
            index::the_index_of_records_is_walked_and_lost_rows_are_counted,
            index::resealing_with_a_search_part_puts_lost_rows_back,
            index::token_statistics_count_rows_values_and_the_largest_group,
            keys::tenant_keys_come_retire_and_are_destroyed_only_unused,
            keys::subject_keys_are_rewrapped_only_from_the_version_that_was_read,
            keys::usage_names_every_version_that_a_row_names,
            keys::a_shredded_subject_has_no_key_no_search_part_and_no_token,
            keys::resealing_keeps_version_history_and_events,
            keys::resealing_reaches_past_versions,
            keys::nothing_is_sealed_back_under_an_older_tenant_key,
            keys::every_tenant_with_rows_is_named,
            keys::the_index_root_is_replaced_only_by_who_has_seen_it,
            documents::documents_are_replaced_only_at_the_expected_revision,
            documents::revisions_never_repeat,
            documents::documents_are_listed_by_key,
            units::a_refused_unit_changes_nothing_and_writes_its_other_entries,
            units::each_step_can_refuse_and_is_named,
            units::of_two_units_on_one_version_one_wins,
            units::of_many_conditional_creates_one_wins,
            units::a_token_that_was_looked_at_does_not_block,
            units::receipts_come_one_for_each_entry_in_order,
            units::a_read_after_the_answer_sees_the_write,
            units::events_come_in_order_without_gaps,
            units::old_events_are_forgotten_and_positions_go_on,
            units::a_full_disk_acknowledges_nothing_and_recovers,
            units::a_unit_without_entries_is_applied_too,
            units::a_dropped_waiter_does_not_take_the_unit_back,
            log::the_log_verifies_over_many_batches_and_restarts,
            log::parts_of_the_log_are_read_exactly,
        );
    };
    (@tests $fixture:ty: $($module:ident::$name:ident),+ $(,)?) => {
        $(#[test] fn $name() { $crate::suite::$module::$name::<$fixture>(); })+
    };
}
