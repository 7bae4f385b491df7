//! `/medications/`, `/discontinued_medications/`, `/prescription_fills/`.

use super::{Day, Decimal, Expanded, Flag, Id, Many, ServiceLocation, Str, Time, model};

model! {
    /// An order of a medication, or the record that the patient takes one (schema `MedOrder`).
    MedOrder {
        id: Id<'a>, patient: Id<'a>, practice: Id<'a>, prescribing_physician: Id<'a>, documenting_personnel: Id<'a>,
        medication: Medication<'a>, medication_type: Str<'a>, order_type: Str<'a>, is_doc_med: Flag<'a>,
        directions: Str<'a>, qty: Decimal<'a>, qty_units: Str<'a>, num_samples: Str<'a>, auth_refills: Decimal<'a>,
        days_supply: Decimal<'a>, start_date: Day<'a>, allow_substitutions: Flag<'a>,
        icd10_codes: Many<'a, Icd10<'a>>, thread: MedicationThread<'a>, fulfillment: Fulfillment<'a>,
        notes: Str<'a>, pharmacy_instructions: Str<'a>, send_rx_reminder: Flag<'a>, show_in_chart_feed: Flag<'a>,
        document_date: Time<'a>, chart_date: Time<'a>, signed_date: Time<'a>, signed_by: Id<'a>,
        created_date: Time<'a>, last_modified: Time<'a>, deleted_date: Time<'a>,
    }
}

model! {
    /// A drug of the formulary, or one that the practice has made.
    Medication {
        id: Id<'a>, name: Str<'a>, brand_name: Str<'a>, generic_name: Str<'a>, form: Str<'a>, route: Str<'a>,
        strength: Str<'a>, kind = "type": Str<'a>, is_controlled: Flag<'a>, creation_type: Str<'a>, practice: Id<'a>,
        ndcs: Many<'a, Str<'a>>, active_ndcs: Many<'a, Str<'a>>, rxnorm_cuis: Many<'a, Str<'a>>,
        created_date: Time<'a>, market_end_date: Time<'a>, obsolete_date: Time<'a>,
    }
}

model! {
    /// A diagnosis.
    Icd10 { code: Str<'a>, description: Str<'a> }
}

model! {
    /// A course of treatment: its orders share the id.
    MedicationThread { id: Id<'a>, is_permanent: Flag<'a>, dc_date: Day<'a> }
}

model! {
    /// How an order went to the pharmacy.
    Fulfillment {
        kind = "type": Str<'a>, state: Str<'a>, time_completed: Time<'a>, pharmacy_ncpdpid: Str<'a>, detail: Str<'a>,
        service_location: Expanded<'a, ServiceLocation<'a>>,
    }
}

model! {
    /// The end of a course of treatment (schema `DiscontinueMedOrder`).
    Discontinuation {
        id: Id<'a>, patient: Id<'a>, practice: Id<'a>, med_order: Id<'a>, last_medication_order: Id<'a>, thread: Id<'a>,
        medication: Medication<'a>, reason: Str<'a>, discontinue_date: Day<'a>, is_documented: Flag<'a>,
        prescribing_physician: Id<'a>, supervising_physician: Id<'a>, documenting_personnel: Id<'a>,
        document_date: Time<'a>, chart_date: Time<'a>, signed_date: Time<'a>, signed_by: Id<'a>,
        created_date: Time<'a>, deleted_date: Time<'a>,
    }
}

model! {
    /// What a pharmacy says of an order (schema `PrescriptionFill`).
    Fill {
        id: Id<'a>, patient: Id<'a>, practice: Id<'a>, medication_order: Id<'a>, fill_status: Str<'a>, fill_date: Day<'a>,
        pharmacy_ncpdpid: Str<'a>, note_from_pharmacy: Str<'a>,
    }
}
